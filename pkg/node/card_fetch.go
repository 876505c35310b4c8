package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// maxAsked bounds how many peers in reach are asked before the hash table is.
const maxAsked = 16

// errNoAnswer says what an empty answer may mean: the answerer does not tell.
var errNoAnswer = fmt.Errorf("it closed without an answer: it is another's, or the code no longer counts: %w", store.ErrNotFound)

// errOwnCode is a code of this home: there is nobody to ask.
var errOwnCode = errors.New("this is a code of this home's own account: see pars-qr card --full")

// fetched is a verified card, who gave it, and what is to be said of it.
type fetched struct {
	card     *identity.Card
	from     peer.ID
	warnings []string
}

// fetchCard finds a device of the account that a short card is of, and asks it: at the address given, else the roads of
// the card that is held and all peers in reach, then where the hash table says. What is kept has been verified.
func (n *Node) fetchCard(ctx context.Context, c identity.ShortCard, at *peer.AddrInfo) (fetched, error) {
	if c.Account == n.home.Cards.Account() {
		return fetched{}, errOwnCode
	}
	if at != nil {
		return n.fetchFrom(ctx, *at, c)
	}
	got, near := n.fetchNear(ctx, c)
	if near == nil {
		return got, nil
	}
	info, err := n.presence.findCode(ctx, c)
	if err == nil {
		if got, err = n.fetchFrom(ctx, info, c); err == nil {
			return got, nil
		}
	}
	return fetched{}, fmt.Errorf("%w; %w", near, err)
}

// fetchNear asks all in reach at once; the first card that verifies counts.
func (n *Node) fetchNear(ctx context.Context, c identity.ShortCard) (fetched, error) {
	ctx, stop := context.WithTimeout(ctx, askWithin)
	list := n.nearby(c.Account)
	type answer struct {
		got fetched
		err error
	}
	answers := make(chan answer, len(list))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for _, info := range list {
		wg.Go(func() {
			got, err := n.fetchFrom(ctx, info, c)
			answers <- answer{got, err}
		})
	}
	err := fmt.Errorf("no peer in reach has it (%d asked): %w", len(list), store.ErrNotFound)
	for range list {
		a := <-answers
		if a.err == nil {
			return a.got, nil
		}
		if !errors.Is(a.err, store.ErrNotFound) {
			err = fmt.Errorf("%w; %w", err, a.err)
		}
	}
	return fetched{}, err
}

// nearby lists the roads of the card that is held of an account, and the connected peers that answer such asks.
func (n *Node) nearby(a identity.Account) (out []peer.AddrInfo) {
	seen := map[peer.ID]bool{n.host.ID(): true}
	if held, err := n.home.Cards.Get(a); err == nil {
		for _, r := range held.Roads {
			m, err := ma.NewMultiaddrBytes(r)
			if err != nil {
				continue
			}
			if info, err := peer.AddrInfoFromP2pAddr(m); err == nil && info.ID != n.host.ID() {
				seen[info.ID] = true
				out = append(out, *info)
			}
		}
	}
	for _, p := range n.host.Network().Peers() {
		if list, err := n.host.Peerstore().SupportsProtocols(p, n.cardProtocol()); err == nil && len(list) > 0 && !seen[p] && len(out) < maxAsked {
			out = append(out, peer.AddrInfo{ID: p})
		}
	}
	return out
}

// fetchFrom asks one peer and keeps what verifies.
func (n *Node) fetchFrom(ctx context.Context, at peer.AddrInfo, c identity.ShortCard) (fetched, error) {
	b, err := n.askCard(ctx, at, c)
	if err != nil {
		return fetched{}, fmt.Errorf("ask %s: %w", short(at.ID), err)
	}
	got, err := n.keepCard(b, c.Account)
	if err != nil {
		return fetched{}, fmt.Errorf("answer of %s refused: %w", short(at.ID), err)
	}
	got.from = at.ID
	return got, nil
}

// askCard connects and asks. The answer is as it came.
func (n *Node) askCard(ctx context.Context, at peer.AddrInfo, c identity.ShortCard) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if !n.dialer.connected(at.ID) {
		n.host.Peerstore().AddAddrs(at.ID, at.Addrs, peerstore.TempAddrTTL)
		if err := n.host.Connect(ctx, at); err != nil {
			return nil, fmt.Errorf("connect: %v: %w", err, store.ErrNotFound)
		}
	}
	s, err := n.host.NewStream(network.WithNoDial(ctx, "card"), at.ID, n.cardProtocol())
	if err != nil {
		return nil, fmt.Errorf("no stream: %v: %w", err, store.ErrNotFound)
	}
	defer s.Reset()
	stop := context.AfterFunc(ctx, func() { s.Reset() })
	defer stop()
	var nonce [identity.AskNonceSize]byte
	if err := s.SetDeadline(time.Now().Add(askWithin)); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(s, nonce[:]); err != nil {
		return nil, errNoAnswer
	}
	ask := c.Ask(nonce, string(n.host.ID()), string(at.ID))
	if _, err := s.Write(ask[:]); err != nil {
		return nil, errNoAnswer
	}
	b, err := io.ReadAll(io.LimitReader(s, identity.MaxCard+1))
	switch {
	case len(b) == 0:
		return nil, errNoAnswer
	case len(b) > identity.MaxCard:
		return nil, wire.Invalid("card of more than %d bytes", identity.MaxCard)
	case err != nil:
		return nil, wire.Invalid("card is cut off after %d bytes", len(b))
	}
	return b, nil
}

// keepCard verifies the bytes of a card as one of the account that is expected, and keeps it. Of two cards the newer is
// held: that it is another than the one that came is a warning. Nothing else is stored.
func (n *Node) keepCard(b []byte, of identity.Account) (fetched, error) {
	card, err := identity.DecodeCard(b)
	if err != nil {
		return fetched{}, err
	}
	if err := card.Verify(of, func(identity.DeviceID) bool { return false }); err != nil {
		return fetched{}, err
	}
	now := uint64(max(0, n.clock().Unix()))
	held, err := n.home.Cards.Put(card, now)
	got := fetched{card: held}
	switch {
	case errors.Is(err, identity.ErrOldCard), errors.Is(err, identity.ErrTwoCards):
		got.warnings = append(got.warnings, err.Error())
	case err != nil:
		return fetched{}, err
	}
	if held.Issued > now+identity.Slack {
		got.warnings = append(got.warnings, "this card is of a day to come: one of the two clocks is wrong")
	}
	return got, nil
}
