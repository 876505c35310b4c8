package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/evm/proof"
)

// Limits of one stranger. The light client asks twice a slot, slots of mainnet being 12 s.
const (
	lightMinute = 10
	proofMinute = 240
	txMinute    = 6
	maxPeers    = 4096
	within      = 20 * time.Second
)

// Server answers strangers. Set the fields and call Answer; it is safe for concurrent use.
type Server struct {
	Spec    *light.Spec
	ChainID uint64
	Light   evm.Source  // what it delivers was verified here or not; nil: no containers
	Proofs  proof.Asker // nil: no proofs
	// Pass takes transactions; nil: none are taken.
	Pass func(ctx context.Context, raw []byte, hops int) error
	Now  func() time.Time

	mu    sync.Mutex // guards below
	peers map[string]*meter
}

// meter counts what one peer asked under each protocol within a minute.
type meter struct {
	since time.Time
	asked map[string]int
}

// allow counts a question, and refuses above the limit.
func (s *Server) allow(peer, protocol string, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	m := s.peers[peer]
	if m == nil || now.Sub(m.since) >= time.Minute {
		if len(s.peers) >= maxPeers {
			clear(s.peers) // a crowd of names; each begins anew
		}
		if s.peers == nil {
			s.peers = map[string]*meter{}
		}
		m = &meter{now, map[string]int{}}
		s.peers[peer] = m
	}
	m.asked[protocol]++
	return m.asked[protocol] <= most
}

// Answer reads a question of a peer and returns pieces and status. Nothing is asked behind before the limits allow it.
func (s *Server) Answer(ctx context.Context, peer, protocol string, ask []byte) ([][]byte, Status) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	switch protocol {
	case LightProtocol:
		slot := max(s.Spec.SecondsPerSlot, 1)
		if !s.allow(peer, protocol, int(max(lightMinute, 120/slot))+2*lightMinute) { // and some more to begin with
			return nil, Busy
		}
		return s.light(ctx, ask)
	case ProofProtocol:
		if !s.allow(peer, protocol, proofMinute) {
			return nil, Busy
		}
		return s.proofs(ctx, ask)
	case TxProtocol:
		if !s.allow(peer, protocol, txMinute) {
			return nil, Busy
		}
		return nil, s.tx(ctx, ask)
	}
	return nil, Refused
}

func statusOf(err error) Status {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, evm.ErrNone):
		return None
	}
	return Busy // trouble of ours
}

func (s *Server) light(ctx context.Context, ask []byte) ([][]byte, Status) {
	a, err := DecodeLightAsk(ask)
	switch {
	case err != nil:
		return nil, Bad
	case a.Chain != TagOf(s.Spec):
		return nil, Profile
	case s.Light == nil:
		return nil, Refused
	}
	var one []byte
	switch a.Kind {
	case light.KindBootstrap:
		one, err = s.Light.Bootstrap(ctx, a.Root)
	case light.KindFinality:
		one, err = s.Light.Finality(ctx)
	case light.KindOptimistic:
		one, err = s.Light.Optimistic(ctx)
	default:
		list, err := s.Light.Updates(ctx, a.Period, a.Count)
		return list, statusOf(err)
	}
	if err != nil {
		return nil, statusOf(err)
	}
	return [][]byte{one}, OK
}

func (s *Server) proofs(ctx context.Context, ask []byte) ([][]byte, Status) {
	a, err := DecodeProofAsk(ask)
	switch {
	case err != nil:
		return nil, Bad
	case a.Chain != TagOf(s.Spec):
		return nil, Profile
	case s.Proofs == nil:
		return nil, Refused
	}
	batch := make([]proof.Ask, len(a.Items))
	for i := range a.Items {
		batch[i] = a.Items[i].ask()
	}
	list, err := s.Proofs.Ask(ctx, batch, 4*MaxAnswer)
	if err != nil {
		return nil, Busy
	}
	out, size := make([][]byte, len(list)), 0
	for i, answer := range list {
		if answer.Err != nil {
			return nil, Busy
		}
		if out[i], err = a.Items[i].pack(answer.Result); err != nil {
			return nil, Busy
		}
		if size += len(out[i]); size > MaxAnswer {
			return nil, Refused
		}
	}
	return out, OK
}

func (s *Server) tx(ctx context.Context, ask []byte) Status {
	a, err := DecodeTxAsk(ask)
	switch {
	case err != nil:
		return Bad
	case a.Chain != TagOf(s.Spec) || a.ChainID != s.ChainID:
		return Profile
	case s.Pass == nil:
		return Refused
	}
	return statusOf(s.Pass(ctx, a.Raw, a.Hops))
}
