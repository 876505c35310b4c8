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

// Limits of one stranger within a minute; all together may ask crowd times as much. The light client asks twice a slot,
// slots of mainnet being 12 s, and some more to begin with.
const (
	lightMinute = 10
	lightBegin  = 20
	proofMinute = 2048 // items; what fetches a whole block counts as heavy
	txMinute    = 6
	crowd       = 16
	heavy       = 8
	maxPeers    = 4096
	within      = 20 * time.Second
)

// Server answers strangers. Set the fields and call Answer; it is safe for concurrent use.
type Server struct {
	Spec    *light.Spec
	ChainID uint64
	Light   evm.Source  // what it delivers was verified here or not; nil: no containers
	Proofs  proof.Asker // nil: no proofs
	// Pass takes transactions of a peer that Check let through, each once an hour; nil: none are taken.
	Pass func(ctx context.Context, peer string, raw []byte, hops int) error
	// Check judges one before it is passed, as CheckTx does; nil: none is judged.
	Check func(raw []byte) error
	// Closed says that strangers are not served now; may be nil.
	Closed func() bool
	// Free answers without limits: programs of the same home.
	Free bool
	Now  func() time.Time

	mu     sync.Mutex // guards below
	peers  map[string]*meter
	passed map[evm.Hash]time.Time // transactions, and when
}

// meter counts what one peer asked under each protocol within a minute.
type meter struct {
	since time.Time
	asked map[string]int
}

// allow counts what a question costs, against the limit of the peer and of all.
func (s *Server) allow(peer, protocol string, cost, most int) bool {
	if s.Free {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count(peer, protocol, cost) <= most && s.count("", protocol, cost) <= crowd*most
}

func (s *Server) count(peer, protocol string, cost int) int {
	now := s.Now()
	m := s.peers[peer]
	if m == nil || now.Sub(m.since) >= time.Minute {
		all := s.peers[""]
		if s.peers == nil || len(s.peers) >= maxPeers { // a crowd of names: each begins anew, what all asked stands
			s.peers = map[string]*meter{}
		}
		if all != nil {
			s.peers[""] = all
		}
		m = &meter{now, map[string]int{}}
		s.peers[peer] = m
	}
	m.asked[protocol] += cost
	return m.asked[protocol]
}

// Answer reads a question of a peer and returns pieces and status. Nobody behind is asked before the limits allow it.
func (s *Server) Answer(ctx context.Context, peer, protocol string, ask []byte) ([][]byte, Status) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if s.Closed != nil && s.Closed() {
		return nil, Busy
	}
	switch protocol {
	case LightProtocol:
		return s.light(ctx, peer, ask)
	case ProofProtocol:
		return s.proofs(ctx, peer, ask)
	case TxProtocol:
		return nil, s.tx(ctx, peer, ask)
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

func (s *Server) light(ctx context.Context, peer string, ask []byte) ([][]byte, Status) {
	a, err := DecodeLightAsk(ask)
	switch {
	case err != nil:
		return nil, Bad
	case a.Chain != TagOf(s.Spec):
		return nil, Profile
	case s.Light == nil:
		return nil, Refused
	case !s.allow(peer, LightProtocol, 1, lightBegin+max(lightMinute, int(120/max(s.Spec.SecondsPerSlot, 1)))):
		return nil, Busy
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

// cost is what a question asks of the server behind.
func (a *ProofAsk) cost() (n int) {
	for _, i := range a.Items {
		if n++; i.Kind == ItemBody || i.Kind == ItemReceipts {
			n += heavy - 1
		}
	}
	return n
}

func (s *Server) proofs(ctx context.Context, peer string, ask []byte) ([][]byte, Status) {
	a, err := DecodeProofAsk(ask)
	switch {
	case err != nil:
		return nil, Bad
	case a.Chain != TagOf(s.Spec):
		return nil, Profile
	case s.Proofs == nil:
		return nil, Refused
	case !s.allow(peer, ProofProtocol, a.cost(), proofMinute):
		return nil, Busy
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

func (s *Server) tx(ctx context.Context, peer string, ask []byte) Status {
	a, err := DecodeTxAsk(ask)
	switch {
	case err != nil:
		return Bad
	case a.Chain != TagOf(s.Spec) || a.ChainID != s.ChainID:
		return Profile
	case s.Pass == nil:
		return Refused
	case !s.allow(peer, TxProtocol, 1, txMinute):
		return Busy
	}
	if s.Check != nil && s.Check(a.Raw) != nil {
		return Bad
	}
	if !s.Free && !s.first(a.Raw) {
		return OK // it is on its way
	}
	if err := s.Pass(ctx, peer, a.Raw, a.Hops); err != nil {
		s.again(a.Raw)
		return statusOf(err)
	}
	return OK
}
