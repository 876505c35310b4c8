package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
)

// inTable returns the running node's part in the hash table: what a session says there needs one who can be met.
func (l *local) inTable() (*presence, error) {
	if l.n == nil || l.n.presence == nil {
		return nil, fmt.Errorf("no node with the hash table runs on this home: start one with pars-node run: %w", store.ErrNotFound)
	}
	return l.n.presence, nil
}

// Announce writes this device's record of a session now.
func (l *local) Announce(ctx context.Context, session string) (Announced, error) {
	p, err := l.inTable()
	if err != nil {
		return Announced{}, err
	}
	s, err := l.h.Sessions.Find(session)
	if err != nil {
		return Announced{}, err
	}
	b := p.ofSession(s)
	epoch := b.group.Epoch(l.now().Unix())
	got, err := p.announce(ctx, b, epoch)
	if err != nil {
		return Announced{}, err
	}
	next := tellEvery
	if len(got.Stored) < tellEnough {
		next = tellAgain
	}
	return Announced{Session: s.ID().String(), Epoch: epoch, Acks: len(got.Stored), Failed: len(got.Failed), Next: l.now().Add(next).UTC()}, nil
}

// FindPeers looks for every other member of a session, one after the other.
func (l *local) FindPeers(ctx context.Context, session string, emit func(Whereabouts) error) error {
	p, err := l.inTable()
	if err != nil {
		return err
	}
	s, err := l.h.Sessions.Find(session)
	if err != nil {
		return err
	}
	g, _ := p.group(s)
	found, last := 0, fmt.Errorf("nobody else is in this session yet: %w", store.ErrNotFound)
	digest := s.Log().Digest()
	for _, m := range s.Members() {
		if m.Pseudonym == s.Pseudonym() || m.Rdv == (sig.Public{}) {
			continue
		}
		place, rec, err := p.findMember(ctx, g, m.Rdv)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			last = err
			continue
		}
		found++
		w := Whereabouts{Member: hex.EncodeToString(m.Pseudonym[:]), PeerID: dht.PeerName(place.Peer), State: place.State, Level: [8]byte(digest[:8]) == place.Heads,
			Attached: l.n.speaking(peer.ID(place.Peer)), AgeS: max(0, int64(l.now().Sub(time.Unix(int64(rec.Seq), 0)).Seconds()))}
		w.Addrs = dht.Peer{ID: place.Peer, Addrs: place.Addrs}.AddrNames()
		if err := emit(w); err != nil {
			return err
		}
	}
	if found == 0 {
		return last
	}
	return nil
}
