package qr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// running asks the node that runs on a home, over its socket: POST /v1/<call> with a JSON query answers JSON lines. This
// command is carried on small media and links neither the network nor the store.
type running struct{ http http.Client }

// dial returns the node that runs on the home; nil when none answers.
func dial(c *urfave.Context) (*running, error) {
	dir, err := cli.Home(c)
	if err != nil {
		return nil, err
	}
	to := func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(dir, "node.sock"))
	}
	conn, err := to(c.Context)
	if err != nil {
		return nil, nil
	}
	conn.Close()
	return &running{http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return to(ctx) }}}}, nil
}

var errNoNode = fmt.Errorf("no node runs on this home: start it with pars-node run: %w", wire.ErrNotFound)

// needed is dial where there is no other way.
func needed(c *urfave.Context) (*running, error) {
	n, err := dial(c)
	if err == nil && n == nil {
		err = errNoNode
	}
	return n, err
}

// refusal is an error of the node: its text, and what the exit code follows from.
type refusal struct {
	text string
	is   error
}

func (e *refusal) Error() string { return e.text }
func (e *refusal) Unwrap() error { return e.is }

func sentinel(code string) error {
	switch code {
	case "not_found":
		return wire.ErrNotFound
	case "verify":
		return sig.ErrVerify
	case "invalid":
		return wire.ErrInvalid
	case "corrupt":
		return wire.ErrCorrupt
	case "busy":
		return wire.ErrBusy
	case "timeout":
		return cli.ErrTimeout
	case "cancelled":
		return context.Canceled
	}
	return nil
}

// ask calls the node and gives each item of its answer to emit.
func ask[A any](ctx context.Context, n *running, call string, query any, emit func(A) error) error {
	b, err := json.Marshal(query)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://node/v1/"+call, bytes.NewReader(b))
	if err != nil {
		return err
	}
	resp, err := n.http.Do(r)
	if err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("ask the running node: %w", err))
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return errors.New("the running node is of an older version: restart it")
	}
	for d := json.NewDecoder(resp.Body); ; {
		var line struct {
			Item        json.RawMessage
			Error, Code string
		}
		var a A
		err := d.Decode(&line)
		switch {
		case err == io.EOF:
			return nil
		case err == nil && line.Error != "":
			return &refusal{line.Error, sentinel(line.Code)}
		case err == nil:
			err = json.Unmarshal(line.Item, &a)
		}
		if err != nil {
			return errors.Join(ctx.Err(), fmt.Errorf("read the node's answer: %w", err))
		}
		if err := emit(a); err != nil {
			return err
		}
	}
}

// heldCard is what the node tells of a full card.
type heldCard struct {
	Account  string   `json:"account"`
	From     string   `json:"from"`
	Warnings []string `json:"warnings"`
	Card     []byte   `json:"card"`
}

// fullCards prints the full cards that a call answers, each after it was verified once more, and writes those asked for.
func fullCards(c *urfave.Context, call string, query any) error {
	n, err := needed(c)
	if err != nil {
		return err
	}
	found := 0
	err = ask(c.Context, n, call, query, func(h heldCard) error {
		found++
		for _, w := range h.Warnings {
			cli.Warnf(c, "%s", w)
		}
		account, err := identity.ParseAccount(h.Account)
		if err != nil {
			return err
		}
		r, err := newFullRow(h.Card, account)
		if err != nil {
			return err
		}
		r.From = h.From
		if !c.IsSet("o") {
			return cli.Out(c).Print(r)
		}
		err = cli.Output(c, func(w io.Writer) error { _, err := w.Write(h.Card); return err })
		if err == nil && c.String("o") != "-" {
			err = cli.Out(c).Print(r)
		}
		return err
	})
	if err == nil && found == 0 && call != "cards" {
		err = errors.New("the node ended without an answer")
	}
	return err
}

// fetch asks for somebody's full card.
func fetch(c *urfave.Context) error {
	line, at := c.String("fetch"), c.String("peer")
	if at != "" && (!strings.HasPrefix(at, "/") || !strings.Contains(at, "/p2p/")) {
		return cli.Usagef("--peer %q: a multiaddr ending in /p2p/PEER_ID is needed", at)
	}
	if line == "-" {
		b, err := readAll(c, line, 1024)
		if err != nil {
			return err
		}
		line = strings.TrimRight(string(b), "\r\n")
	}
	return fullCards(c, "fetch-card", map[string]string{"card": line, "addr": at})
}

// heldCards lists the cards of others.
func heldCards(c *urfave.Context) error {
	of := ""
	if s := c.String("of"); s != "" {
		a, err := expected(s)
		if err != nil {
			return cli.Usagef("--of: %v", err)
		}
		of = a.String()
	}
	return fullCards(c, "cards", of)
}

// count counts the flags that are set.
func count(c *urfave.Context, names ...string) (n int) {
	for _, name := range names {
		if c.IsSet(name) {
			n++
		}
	}
	return n
}

// code is what the node tells of a code of this home.
type code struct {
	Number uint32  `json:"number"`
	Ends   *string `json:"ends"`
}

// number is that of the code to print: the one named, else a new one or the newest, as the running node knows.
func number(c *urfave.Context) (uint32, error) {
	want := uint32(c.Uint("number"))
	if c.Bool("new") {
		n, err := needed(c)
		if err == nil {
			err = ask(c.Context, n, "new-code", struct{}{}, func(k code) error { want = k.Number; return nil })
		}
		return want, err
	}
	n, err := dial(c)
	if err != nil || n == nil {
		return want, err
	}
	counts := false
	err = ask(c.Context, n, "codes", struct{}{}, func(k code) error {
		if !c.IsSet("number") && k.Ends == nil {
			want = k.Number
		}
		counts = counts || k.Number == want
		return nil
	})
	if err != nil {
		return want, err
	}
	if !counts {
		cli.Warnf(c, "code %d does not count any more, or not yet: nobody who asks with it is answered", want)
	}
	return want, nil
}
