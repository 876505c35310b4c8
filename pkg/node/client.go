package node

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
	"time"

	"github.com/pars-network/pars/pkg/store"
)

// client asks a running node over its socket.
type client struct{ http http.Client }

// attachFor is how long Attach waits for another short program to let go of the home.
const attachFor = 5 * time.Second

// Attach returns the API of a home: that of the node which runs on it, or the home itself, opened. With
// create a home is made where there is none. When another program has the home and no socket answers,
// the error is store.ErrBusy.
func Attach(ctx context.Context, cfg HomeConfig, create bool) (API, error) {
	deadline := time.Now().Add(attachFor)
	for {
		if c := dialSocket(ctx, cfg.Dir); c != nil {
			return c, nil
		}
		h, err := OpenHome(cfg, create)
		if err == nil {
			return &local{h: h}, nil
		}
		if !errors.Is(err, store.ErrBusy) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another program has this home and does not answer: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Running reports whether a node answers on the socket of a home.
func Running(ctx context.Context, dir string) bool { return dialSocket(ctx, dir) != nil }

func dialSocket(ctx context.Context, dir string) *client {
	path := filepath.Join(dir, "node.sock")
	dial := func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx)
	if err != nil {
		return nil
	}
	conn.Close()
	return &client{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}}}
}

func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

func (c *client) post(ctx context.Context, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://node/v1/"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("ask the running node: %w", err)
	}
	return resp, nil
}

// lines reads the answer to a call.
func lines[A any](ctx context.Context, resp *http.Response, emit func(A) error) error {
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for {
		var line answer
		if err := d.Decode(&line); err == io.EOF {
			return nil
		} else if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("read the node's answer: %w", err)
		}
		if err := line.err(); err != nil {
			return err
		}
		var a A
		if err := json.Unmarshal(line.Item, &a); err != nil {
			return fmt.Errorf("read the node's answer: %w", err)
		}
		if err := emit(a); err != nil {
			return err
		}
	}
}

func ask[Q, A any](ctx context.Context, c *client, path string, q Q, emit func(A) error) error {
	b, err := json.Marshal(q)
	if err != nil {
		return err
	}
	resp, err := c.post(ctx, path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	return lines(ctx, resp, emit)
}

func askOne[Q, A any](ctx context.Context, c *client, path string, q Q) (out A, err error) {
	n := 0
	err = ask(ctx, c, path, q, func(a A) error { out = a; n++; return nil })
	if err == nil && n != 1 {
		err = errors.New("the node ended without an answer")
	}
	return out, err
}

func (c *client) ID(ctx context.Context) (Identity, error) {
	return askOne[nothing, Identity](ctx, c, "id", nothing{})
}

func (c *client) Status(ctx context.Context) (Status, error) {
	return askOne[nothing, Status](ctx, c, "status", nothing{})
}

func (c *client) Peers(ctx context.Context, emit func(Peer) error) error {
	return ask(ctx, c, "peers", nothing{}, emit)
}

func (c *client) SessionList(ctx context.Context, emit func(SessionInfo) error) error {
	return ask(ctx, c, "sessions", nothing{}, emit)
}

func (c *client) Invite(ctx context.Context, q InviteQuery) (Invitation, error) {
	return askOne[InviteQuery, Invitation](ctx, c, "invite", q)
}

func (c *client) Join(ctx context.Context, q JoinQuery) (SessionInfo, error) {
	return askOne[JoinQuery, SessionInfo](ctx, c, "join", q)
}

func (c *client) Send(ctx context.Context, q SendQuery) (Message, error) {
	return askOne[SendQuery, Message](ctx, c, "send", q)
}

func (c *client) Read(ctx context.Context, q ReadQuery, emit func(Message) error) error {
	return ask(ctx, c, "read", q, emit)
}

func (c *client) Members(ctx context.Context, session string, emit func(Member) error) error {
	return ask(ctx, c, "members", session, emit)
}

func (c *client) Announce(ctx context.Context, session string) (Announced, error) {
	return askOne[string, Announced](ctx, c, "announce", session)
}

func (c *client) FindPeers(ctx context.Context, session string, emit func(Whereabouts) error) error {
	return ask(ctx, c, "find-peers", session, emit)
}

func (c *client) Heads(ctx context.Context, session string, emit func(Head) error) error {
	return ask(ctx, c, "heads", session, emit)
}

func (c *client) Log(ctx context.Context, session string, emit func(Vertex) error) error {
	return ask(ctx, c, "log", session, emit)
}

func (c *client) Cat(ctx context.Context, id string) (VertexBytes, error) {
	return askOne[string, VertexBytes](ctx, c, "cat", id)
}

func (c *client) Check(ctx context.Context, session string) (Check, error) {
	return askOne[string, Check](ctx, c, "check", session)
}

func (c *client) Export(ctx context.Context, session string, w io.Writer) error {
	return c.bytes(ctx, "export", session, w)
}

func (c *client) Draw(ctx context.Context, q DrawQuery, w io.Writer) error {
	return c.bytes(ctx, "draw", q, w)
}

func (c *client) OwnCard(ctx context.Context) (CardInfo, error) {
	return askOne[nothing, CardInfo](ctx, c, "card", nothing{})
}

func (c *client) FetchCard(ctx context.Context, q CardQuery) (CardInfo, error) {
	return askOne[CardQuery, CardInfo](ctx, c, "fetch-card", q)
}

func (c *client) Cards(ctx context.Context, account string, emit func(CardInfo) error) error {
	return ask(ctx, c, "cards", account, emit)
}

func (c *client) Codes(ctx context.Context, emit func(CodeInfo) error) error {
	return ask(ctx, c, "codes", nothing{}, emit)
}

func (c *client) NewCode(ctx context.Context) (CodeInfo, error) {
	return askOne[nothing, CodeInfo](ctx, c, "new-code", nothing{})
}

func (c *client) bytes(ctx context.Context, path string, q any, w io.Writer) error {
	b, err := json.Marshal(q)
	if err != nil {
		return err
	}
	resp, err := c.post(ctx, path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return lines(ctx, resp, func(nothing) error { return nil })
	}
	defer resp.Body.Close()
	_, err = io.Copy(w, resp.Body)
	return err
}

func (c *client) Import(ctx context.Context, r io.Reader, emit func(Imported) error) error {
	resp, err := c.post(ctx, "import", r)
	if err != nil {
		return err
	}
	return lines(ctx, resp, emit)
}
