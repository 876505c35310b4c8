package stake

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/wire"
)

// maxPeers is how many nodes with a stake are remembered; who comes later is neutral until one ends.
const maxPeers = 1024

// Scores gives a number for each node that showed a binding. Set the fields; it is safe for concurrent use.
type Scores struct {
	Registry *Registry

	mu    sync.Mutex // guards peers
	peers map[string]bound
}

type bound struct {
	account evm.Address
	expiry  time.Time
	score   float64 // as read, before it is shared
}

// Show takes the binding that a node sent for itself, in its role card, and reads its stake. peer is the peer id as
// bytes. A binding that does not verify wraps wire.ErrInvalid and counts against the node; what it showed before stays.
func (s *Scores) Show(ctx context.Context, peer string, raw []byte) error {
	r := s.Registry
	b, err := DecodeBinding(raw, r.Profile, r.Now())
	if err != nil {
		return err
	}
	if PeerID(b.Peer) != peer {
		return wire.Invalid("binding of another node")
	}
	st, err := r.StakeOf(ctx, b.Account)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	if s.peers == nil {
		s.peers = map[string]bound{}
	}
	if _, ok := s.peers[peer]; ok || len(s.peers) < maxPeers {
		s.peers[peer] = bound{b.Account, time.Unix(int64(b.Expiry), 0), st.Score}
	}
	return nil
}

// clear forgets what has ended; mu is held.
func (s *Scores) clear() {
	now := s.Registry.Now()
	for p, b := range s.peers {
		if !b.expiry.After(now) {
			delete(s.peers, p)
		}
	}
}

// Of returns a node's score, 0 without a binding that holds. Nodes of one account share its stake: it counts once,
// however many nodes show it. It asks nobody.
func (s *Scores) Of(peer string) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.peers[peer]
	now := s.Registry.Now()
	if !ok || !b.expiry.After(now) {
		return 0
	}
	n := 0
	for _, o := range s.peers {
		if o.account == b.account && o.expiry.After(now) {
			n++
		}
	}
	return b.score / float64(n)
}

// Refresh reads the stakes again; a node calls it now and then. What cannot be read keeps its score, and is told.
func (s *Scores) Refresh(ctx context.Context) error {
	s.mu.Lock()
	s.clear()
	accounts := map[evm.Address]bool{}
	for _, b := range s.peers {
		accounts[b.account] = true
	}
	s.mu.Unlock()
	var errs []error
	for a := range accounts {
		st, err := s.Registry.StakeOf(ctx, a)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.mu.Lock()
		for p, b := range s.peers {
			if b.account == a {
				b.score = st.Score
				s.peers[p] = b
			}
		}
		s.mu.Unlock()
	}
	return errors.Join(errs...)
}
