// Package socket is how local programs and the node of a home speak: HTTP on a unix socket in the home.
//
// A call is POST /v1/<name> with a JSON query (or bytes); it answers JSON lines {"item": …} and one last line
// {"end": …, "error": …, "code": …}, or bytes with their end in a trailer. The code names the sentinel an error wraps, so
// that errors.Is says the same on both sides. Only the user of the home can connect: what comes in is not hostile, but bounded.
package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// maxPath is the longest path of a socket that every system takes.
const maxPath = 104

// ErrPath says that the home's path is too long for a socket.
var ErrPath = errors.New("path of the home is too long for a socket: choose a shorter --home")

// Path is where the node of the home in dir listens.
func Path(dir string) string { return filepath.Join(dir, "node.sock") }

// Listen makes the socket of the home in dir, over what an earlier node left there. The caller knows that no other runs.
func Listen(dir string) (net.Listener, error) {
	path := Path(dir)
	if len(path) >= maxPath {
		return nil, fmt.Errorf("%w (%d bytes, at most %d)", ErrPath, len(path), maxPath-1)
	}
	os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("socket: %w", err)
	}
	return l, nil
}

// Code is the name of a sentinel on the socket.
type Code struct {
	Name string
	Err  error
}

// Codes are those that a caller and its node know beside the common ones. Of several that hold the first is told.
type Codes []Code

func (own Codes) all() Codes {
	return append(own[:len(own):len(own)], Codes{
		{"not_found", wire.ErrNotFound}, {"corrupt", wire.ErrCorrupt}, {"busy", wire.ErrBusy}, {"invalid", wire.ErrInvalid},
		{"verify", sig.ErrVerify}, {"timeout", context.DeadlineExceeded}, {"cancelled", context.Canceled}, {"no_file", os.ErrNotExist},
	}...)
}

// line is one line of an answer.
type line struct {
	Item  json.RawMessage `json:"item,omitempty"`
	End   json.RawMessage `json:"end,omitempty"`
	Error string          `json:"error,omitempty"`
	Code  string          `json:"code,omitempty"`
}

// last is the line that ends an answer.
func (own Codes) last(end any, err error) (l line) {
	l.End, _ = json.Marshal(end)
	if err == nil {
		return l
	}
	l.Error = err.Error()
	for _, c := range own.all() {
		if errors.Is(err, c.Err) {
			l.Code = c.Name
			break
		}
	}
	return l
}

// remoteError is an error that crossed the socket: its text, and the sentinel it wraps.
type remoteError struct {
	text string
	is   error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.is }

func (own Codes) err(l line) error {
	if l.Error == "" {
		return nil
	}
	e := &remoteError{text: l.Error}
	for _, c := range own.all() {
		if c.Name == l.Code {
			e.is = c.Err
			break
		}
	}
	return e
}
