package node

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
)

// codeKey is the key of a code's beacon.
type codeKey uint32

// ofCodes are the records of the codes that count: addresses, and nothing of any session.
func (p *presence) ofCodes() (out []beacon) {
	list, err := p.n.home.Cards.Codes(p.n.clock())
	if err != nil {
		p.n.log.Warn("codes are not told", "why", err)
	}
	for _, c := range list {
		b := beacon{key: codeKey(c.Number), group: dht.Group{NetID: p.n.Profile.NetID()}, place: p.place()}
		b.group.Secret, b.seed = c.Card.Rendezvous()
		out = append(out, b)
	}
	return out
}

// findCode looks in the hash table for the device that a short card is of.
func (p *presence) findCode(ctx context.Context, c identity.ShortCard) (info peer.AddrInfo, err error) {
	if p == nil {
		return info, fmt.Errorf("the hash table is off: %w", store.ErrNotFound)
	}
	g := dht.Group{NetID: p.n.Profile.NetID()}
	var seed [32]byte
	g.Secret, seed = c.Rendezvous()
	place, _, err := p.findMember(ctx, g, sig.FromSeed(seed).Public())
	if err != nil {
		return info, fmt.Errorf("hash table: %w", err)
	}
	return addrInfo(place.Peer, place.Addrs), nil
}
