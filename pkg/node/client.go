package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pars-network/pars/pkg/socket"
	"github.com/pars-network/pars/pkg/store"
)

// client asks a running node over its socket.
type client struct{ *socket.Client }

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
	if c := socket.Dial(ctx, dir, codes()); c != nil {
		return &client{c}
	}
	return nil
}

func ask[A any](ctx context.Context, c *client, call string, q any, emit func(A) error) error {
	_, err := socket.Ask[A, nothing](ctx, c.Client, call, q, emit)
	return err
}

func (c *client) ID(ctx context.Context) (Identity, error) {
	return socket.AskOne[Identity](ctx, c.Client, "id", nothing{})
}

func (c *client) Status(ctx context.Context) (Status, error) {
	return socket.AskOne[Status](ctx, c.Client, "status", nothing{})
}

func (c *client) Peers(ctx context.Context, emit func(Peer) error) error {
	return ask(ctx, c, "peers", nothing{}, emit)
}

func (c *client) SessionList(ctx context.Context, emit func(SessionInfo) error) error {
	return ask(ctx, c, "sessions", nothing{}, emit)
}

func (c *client) Invite(ctx context.Context, q InviteQuery) (Invitation, error) {
	return socket.AskOne[Invitation](ctx, c.Client, "invite", q)
}

func (c *client) Join(ctx context.Context, q JoinQuery) (SessionInfo, error) {
	return socket.AskOne[SessionInfo](ctx, c.Client, "join", q)
}

func (c *client) Send(ctx context.Context, q SendQuery) (Message, error) {
	return socket.AskOne[Message](ctx, c.Client, "send", q)
}

func (c *client) Read(ctx context.Context, q ReadQuery, emit func(Message) error) error {
	return ask(ctx, c, "read", q, emit)
}

func (c *client) Members(ctx context.Context, session string, emit func(Member) error) error {
	return ask(ctx, c, "members", session, emit)
}

func (c *client) Announce(ctx context.Context, session string) (Announced, error) {
	return socket.AskOne[Announced](ctx, c.Client, "announce", session)
}

func (c *client) AnnounceRole(ctx context.Context, role string) (Announced, error) {
	return socket.AskOne[Announced](ctx, c.Client, "announce-role", role)
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
	return socket.AskOne[VertexBytes](ctx, c.Client, "cat", id)
}

func (c *client) Check(ctx context.Context, session string) (Check, error) {
	return socket.AskOne[Check](ctx, c.Client, "check", session)
}

func (c *client) Export(ctx context.Context, session string, w io.Writer) error {
	return c.bytes(ctx, "export", session, w)
}

func (c *client) Draw(ctx context.Context, q DrawQuery, w io.Writer) error {
	return c.bytes(ctx, "draw", q, w)
}

func (c *client) OwnCard(ctx context.Context) (CardInfo, error) {
	return socket.AskOne[CardInfo](ctx, c.Client, "card", nothing{})
}

func (c *client) FetchCard(ctx context.Context, q CardQuery) (CardInfo, error) {
	return socket.AskOne[CardInfo](ctx, c.Client, "fetch-card", q)
}

func (c *client) Cards(ctx context.Context, account string, emit func(CardInfo) error) error {
	return ask(ctx, c, "cards", account, emit)
}

func (c *client) Codes(ctx context.Context, emit func(CodeInfo) error) error {
	return ask(ctx, c, "codes", nothing{}, emit)
}

func (c *client) NewCode(ctx context.Context) (CodeInfo, error) {
	return socket.AskOne[CodeInfo](ctx, c.Client, "new-code", nothing{})
}

func (c *client) bytes(ctx context.Context, call string, q any, w io.Writer) error {
	_, err := socket.Fetch[nothing](ctx, c.Client, call, q, w)
	return err
}

func (c *client) Import(ctx context.Context, r io.Reader, emit func(Imported) error) error {
	_, err := socket.Send[Imported, nothing](ctx, c.Client, "import", r, emit)
	return err
}
