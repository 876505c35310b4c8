package gossip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// ErrNoEcho says that a relay took a letter and did not give it back as it was.
var ErrNoEcho = errors.New("the relay does not give back what was left with it")

// Echo leaves a letter of nobody with a relay and asks for it again, as its recipient would, then has it deleted. It
// shows that the relay keeps mail now, not that it will tomorrow. The node need not be started.
func (n *Node) Echo(ctx context.Context, at PeerID) error {
	var day envelope.DayKey
	var say [32]byte
	if _, err := io.ReadFull(n.Rand, day.Key[:]); err != nil {
		return fmt.Errorf("read randomness: %w", err)
	}
	if _, err := io.ReadFull(n.Rand, say[:]); err != nil {
		return fmt.Errorf("read randomness: %w", err)
	}
	env, err := day.SealEnvelope(envelope.Batch, say[:], 1, n.Rules.ExpiryIn(n.Now().Unix(), 1), n.Rand)
	if err != nil {
		return err
	}
	if !n.Rules.Stamp(env, wire.NewReader(say[:8]).Uint64(), func() bool { return ctx.Err() != nil }) {
		return ctx.Err()
	}
	id := envelope.EnvelopeID(env)
	token := day.Token(id)
	if _, err := n.Deposit(ctx, at, []Put{{Copies: 1, Hash: TokenHash(token), Envelope: env}}); err != nil {
		return err
	}
	back := false
	err = n.Poll(ctx, at, [][16]byte{day.Tag(0)}, nil, func(got []byte) error {
		back = back || bytes.Equal(got, env)
		return nil
	})
	if err != nil {
		return err
	}
	if !back {
		return fmt.Errorf("%s: %w", at.Name(), ErrNoEcho)
	}
	return n.Acknowledge(ctx, at, []Ack{{ID: id, Token: token}})
}
