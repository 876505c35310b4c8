// Package teller is where the programs of a home reach the chain through the node that runs on it.
//
// A program asks the node what it would ask any gateway, and believes it no more: questions and answers are those of
// pkg/evm/gateway, over the node's socket. The queue is the node's own, so that what is queued is sent by the node.
package teller

import (
	"context"
	"encoding/hex"
	"math/big"
	"time"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/gateway"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/wire"
)

// API is what a node offers.
type API interface {
	// Chain says which chain the node follows; wire.ErrNotFound: none.
	Chain(ctx context.Context) (Chain, error)
	// Ask answers a question of one of the protocols of pkg/evm/gateway.
	Ask(ctx context.Context, q Question) (Answer, error)
	// Queue lists the transactions on their way.
	Queue(ctx context.Context, emit func(Entry) error) error
	// Send queues a payment or a signed transaction and sends what is due.
	Send(ctx context.Context, q Sending) (Done, error)
	// Edit changes an entry.
	Edit(ctx context.Context, q Editing) (Done, error)
	// Run looks at the chain and sends what is due.
	Run(ctx context.Context) (Done, error)
}

// Chain is the chain that a node follows.
type Chain struct {
	ID  uint64      `json:"chain_id"`
	Tag gateway.Tag `json:"tag"`
}

// Question is one of a protocol.
type Question struct {
	Protocol string `json:"protocol"`
	Ask      []byte `json:"ask"`
}

// Answer is what came of it.
type Answer struct {
	Pieces [][]byte       `json:"pieces"`
	Status gateway.Status `json:"status"`
}

// Entry is one transaction of the queue.
type Entry struct {
	ID       string       `json:"id"`
	State    string       `json:"state"`
	From     evm.Address  `json:"from"`
	To       *evm.Address `json:"to"`
	Wei      string       `json:"wei"`
	Nonce    *uint64      `json:"nonce,omitempty"`
	Hash     *evm.Hash    `json:"hash,omitempty"`
	Block    uint64       `json:"block,omitempty"`
	Attempts uint64       `json:"attempts"`
	Until    string       `json:"valid_until,omitempty"`
	Why      string       `json:"why,omitempty"`
}

// EntryOf shows an entry of the queue.
func EntryOf(e *queue.Entry) Entry {
	r := Entry{ID: hex.EncodeToString(e.ID[:]), State: e.State.String(), From: evm.Address(e.From), To: (*evm.Address)(e.To), Wei: e.Value.String(),
		Block: e.Block, Attempts: e.Attempts, Why: e.Why}
	if h, ok := e.Hash(); ok {
		x, nonce := evm.Hash(h), e.Nonce
		r.Hash, r.Nonce = &x, &nonce
	}
	if e.ValidUntil > 0 {
		r.Until = time.Unix(int64(e.ValidUntil), 0).UTC().Format(time.RFC3339)
	}
	return r
}

// UnderWay reports whether something can still happen to it.
func (e *Entry) UnderWay() bool {
	for s := queue.Draft; s < queue.Unclear; s++ {
		if s.String() == e.State {
			return !s.Ended()
		}
	}
	return false
}

// Sending is a transaction to be queued: signed bytes, or an intent.
type Sending struct {
	ID    [16]byte     `json:"id"`
	Raw   []byte       `json:"raw,omitempty"`
	From  *evm.Address `json:"from,omitempty"` // nil: the first of the wallet
	To    *evm.Address `json:"to,omitempty"`   // nil: contract creation
	Wei   string       `json:"wei,omitempty"`  // decimal
	Data  []byte       `json:"data,omitempty"`
	Gas   uint64       `json:"gas,omitempty"`   // 0: estimated
	Until uint64       `json:"until,omitempty"` // Unix seconds; 0: for ever
}

// Queue puts it at the end of a vault's queue; the caller saves.
func (s *Sending) Queue(v *evm.Vault) (*queue.Entry, error) {
	if len(s.Raw) > 0 {
		return v.Queue.AddRaw(s.ID, s.Raw, s.Until)
	}
	wei, err := evm.ParseWei(s.Wei)
	if err != nil {
		return nil, err
	}
	k, err := v.Key(s.From)
	if err != nil {
		return nil, err
	}
	e := &queue.Entry{ID: s.ID, From: k.Address(), To: evm.Geth(s.To), Value: wei, Data: s.Data, Gas: s.Gas, ValidUntil: s.Until}
	return e, v.Queue.Add(e)
}

// What can be done to an entry.
const (
	Bump   = "bump"   // pay a tenth more
	Cancel = "cancel" // take its nonce for nothing
	Drop   = "drop"   // forget it, if it can do no harm
)

// Editing changes an entry.
type Editing struct {
	ID [16]byte `json:"id"`
	Do string   `json:"do"`
}

// Apply does it; the caller saves. base is the base fee of the head, wei; nil: not known. The entry is nil after Drop.
func (q *Editing) Apply(v *evm.Vault, base *big.Int) (*queue.Entry, error) {
	switch q.Do {
	case Drop:
		return nil, v.Queue.Drop(q.ID)
	case Bump, Cancel:
		return v.Resign(q.ID, q.Do == Cancel, base)
	}
	return nil, wire.Invalid("%.20q cannot be done to a transaction", q.Do)
}

// Done is an entry afterwards, and why it is not under way yet.
type Done struct {
	Entry *Entry `json:"entry,omitempty"`
	Why   string `json:"why,omitempty"`
}

// Peer is a node as a source of the chain: what it delivers is verified like that of any other.
func Peer(a API, spec *light.Spec) *gateway.Peer {
	return &gateway.Peer{ID: "the running node", Spec: spec, Do: func(ctx context.Context, protocol string, ask []byte, pieces, limit int) ([][]byte, error) {
		r, err := a.Ask(ctx, Question{protocol, ask})
		if err != nil {
			return nil, err
		}
		size := 0
		for _, p := range r.Pieces {
			size += len(p)
		}
		if len(r.Pieces) > pieces || size > limit {
			return nil, wire.Invalid("the running node answers with %d bytes", size)
		}
		return r.Pieces, r.Status.Err()
	}}
}
