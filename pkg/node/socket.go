package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// The socket speaks HTTP: POST /v1/<call> with a JSON query answers JSON lines {"item": …}, the last one
// {"error": …, "code": …} when the call failed. Export and draw answer bytes, import takes them.

// maxSocketPath is the longest path of a socket that every system takes.
const maxSocketPath = 104

// SocketPath is where the node of this home listens.
func (h *Home) SocketPath() string { return filepath.Join(h.cfg.Dir, "node.sock") }

// ErrSocketPath says that the home's path is too long for a socket.
var ErrSocketPath = errors.New("path of the home is too long for a socket: choose a shorter --home")

func (n *Node) listenSocket() error {
	path := n.home.SocketPath()
	if len(path) >= maxSocketPath {
		return fmt.Errorf("%w (%d bytes, at most %d)", ErrSocketPath, len(path), maxSocketPath-1)
	}
	os.Remove(path) // the store's lock says that no other node runs
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return fmt.Errorf("socket: %w", err)
	}
	n.socket = &http.Server{Handler: n.attended(handler(&local{h: n.home, n: n})), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return n.ctx }}
	n.wg.Go(func() {
		if err := n.socket.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			n.log.Error("socket ended", "why", err)
		}
	})
	return nil
}

// answer is one line of an answer.
type answer struct {
	Item  json.RawMessage `json:"item,omitempty"`
	Error string          `json:"error,omitempty"`
	Code  string          `json:"code,omitempty"`
}

// codes carries the sentinels that callers decide on across the socket.
func codes() []struct {
	code string
	err  error
} {
	return []struct {
		code string
		err  error
	}{
		{"expired", session.ErrExpired}, {"network", session.ErrNetwork}, {"version", session.ErrVersion},
		{"lost", vertex.ErrLost}, {"too_big", envelope.ErrTooBig}, {"not_found", store.ErrNotFound}, {"full", store.ErrFull},
		{"corrupt", store.ErrCorrupt}, {"busy", store.ErrBusy}, {"invalid", wire.ErrInvalid}, {"verify", sig.ErrVerify},
		{"timeout", context.DeadlineExceeded}, {"cancelled", context.Canceled},
	}
}

// remoteError is an error that crossed the socket: its text, and the sentinels it wraps.
type remoteError struct {
	text string
	is   error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.is }

func errorLine(err error) answer {
	a := answer{Error: err.Error()}
	for _, c := range codes() {
		if errors.Is(err, c.err) {
			a.Code = c.code
			break
		}
	}
	return a
}

func (a answer) err() error {
	if a.Error == "" {
		return nil
	}
	e := &remoteError{text: a.Error}
	for _, c := range codes() {
		if c.code == a.Code {
			e.is = c.err
		}
	}
	return e
}

// stream writes lines and flushes each, so that a follower sees them at once.
type stream struct {
	w   http.ResponseWriter
	enc *json.Encoder
}

func (s *stream) item(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := s.enc.Encode(answer{Item: b}); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}

// call makes a handler of a function that takes a query and emits answers.
func call[Q, A any](f func(context.Context, Q, func(A) error) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := &stream{w, json.NewEncoder(w)}
		var q Q
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&q)
		if err != nil && err != io.EOF {
			err = wire.Invalid("query: %v", err)
		} else {
			err = f(r.Context(), q, func(a A) error { return s.item(a) })
		}
		if err != nil {
			s.enc.Encode(errorLine(err))
		}
	}
}

// one makes an emitting function of one with a single answer.
func one[Q, A any](f func(context.Context, Q) (A, error)) http.HandlerFunc {
	return call(func(ctx context.Context, q Q, emit func(A) error) error {
		a, err := f(ctx, q)
		if err != nil {
			return err
		}
		return emit(a)
	})
}

type nothing struct{}

func handler(l *local) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/id", one(func(ctx context.Context, _ nothing) (Identity, error) { return l.ID(ctx) }))
	mux.Handle("POST /v1/status", one(func(ctx context.Context, _ nothing) (Status, error) { return l.Status(ctx) }))
	mux.Handle("POST /v1/peers", call(func(ctx context.Context, _ nothing, e func(Peer) error) error { return l.Peers(ctx, e) }))
	mux.Handle("POST /v1/sessions", call(func(ctx context.Context, _ nothing, e func(SessionInfo) error) error { return l.SessionList(ctx, e) }))
	mux.Handle("POST /v1/invite", one(l.Invite))
	mux.Handle("POST /v1/join", one(l.Join))
	mux.Handle("POST /v1/send", one(l.Send))
	mux.Handle("POST /v1/read", call(l.Read))
	mux.Handle("POST /v1/members", call(l.Members))
	mux.Handle("POST /v1/announce", one(l.Announce))
	mux.Handle("POST /v1/find-peers", call(l.FindPeers))
	mux.Handle("POST /v1/heads", call(l.Heads))
	mux.Handle("POST /v1/log", call(l.Log))
	mux.Handle("POST /v1/cat", one(l.Cat))
	mux.Handle("POST /v1/check", one(l.Check))
	mux.Handle("POST /v1/card", one(func(ctx context.Context, _ nothing) (CardInfo, error) { return l.OwnCard(ctx) }))
	mux.Handle("POST /v1/fetch-card", one(l.FetchCard))
	mux.Handle("POST /v1/cards", call(l.Cards))
	mux.Handle("POST /v1/codes", call(func(ctx context.Context, _ nothing, e func(CodeInfo) error) error { return l.Codes(ctx, e) }))
	mux.Handle("POST /v1/new-code", one(func(ctx context.Context, _ nothing) (CodeInfo, error) { return l.NewCode(ctx) }))
	mux.Handle("POST /v1/draw", bytesOut(l.Draw))
	mux.Handle("POST /v1/stop", one(l.stopCall))
	mux.Handle("POST /v1/export", bytesOut(l.Export))
	mux.Handle("POST /v1/bundle/", l.h.serveBundles())
	mux.HandleFunc("POST /v1/import", func(w http.ResponseWriter, r *http.Request) {
		s := &stream{w, json.NewEncoder(w)}
		http.NewResponseController(w).EnableFullDuplex()
		if err := l.Import(r.Context(), r.Body, func(i Imported) error { return s.item(i) }); err != nil {
			s.enc.Encode(errorLine(err))
		}
	})
	return mux
}

// bytesOut answers with bytes; an error before the first of them comes as a line, a later one cuts the
// answer short.
func bytesOut[Q any](f func(context.Context, Q, io.Writer) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&q); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(errorLine(wire.Invalid("query: %v", err)))
			return
		}
		out := &lazyWriter{w: w}
		if err := f(r.Context(), q, out); err != nil {
			if out.began {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(http.StatusConflict)
			json.NewEncoder(w).Encode(errorLine(err))
		}
	}
}

type lazyWriter struct {
	w     io.Writer
	began bool
}

func (l *lazyWriter) Write(p []byte) (int, error) {
	l.began = l.began || len(p) > 0
	return l.w.Write(p)
}
