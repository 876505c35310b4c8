package node

import (
	"maps"

	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/ens"
	"github.com/pars-network/pars/pkg/evm"
)

// EVMStatus is the chain as the node sees it.
type EVMStatus struct {
	Profile   string         `json:"profile"`
	ChainID   uint64         `json:"chain_id"`
	State     string         `json:"state"` // empty, bootstrapping, syncing, following, stale, stalled, conflict, wrong-clock
	Slot      uint64         `json:"slot"`
	Number    uint64         `json:"number"`
	Hash      string         `json:"hash,omitempty"`
	Finalized uint64         `json:"finalized"`
	Age       int64          `json:"head_age_s"`
	From      string         `json:"head_from,omitempty"` // who brought it; empty: kept here
	Weak      bool           `json:"weak,omitempty"`      // followed from a checkpoint that was too old
	Gateway   bool           `json:"gateway"`             // serves strangers
	Gateways  int            `json:"gateways"`            // that showed what they can do
	Heard     int            `json:"heard"`               // updates that gossip brought and that verified
	Refused   int            `json:"refused"`             // and that did not
	Told      int            `json:"told"`                // passed on first by this node
	Passed    int            `json:"passed"`              // transactions of strangers
	Sent      int            `json:"sent"`                // own ones that somebody took
	Lies      int            `json:"lies"`                // peers left for what they told
	Queue     map[string]int `json:"queue"`               // own transactions by state
}

func (f *follower) status() *EVMStatus {
	if f == nil {
		return nil
	}
	st := &EVMStatus{Profile: f.cfg.Profile.Name, ChainID: f.cfg.Profile.ChainID, State: string(f.c.State()), From: f.c.From(), Weak: f.c.Weak(), Gateway: f.cfg.Gateway}
	if h, ok := f.c.Head(); ok {
		st.Slot, st.Number, st.Hash = h.Slot, h.Number, h.Hash.String()
		st.Age = max(0, int64(f.n.clock().Sub(h.Time).Seconds()))
	}
	if h, ok := f.c.Final(); ok {
		st.Finalized = h.Number
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.counts
	st.Gateways, st.Heard, st.Refused, st.Told, st.Passed, st.Sent, st.Lies = len(f.gates), c.heard, c.refused, c.told, c.passed, c.sent, c.lies
	st.Queue = maps.Clone(f.queue)
	return st
}

// alarm says what a person has to do about the chain; empty: nothing.
func (f *follower) alarm() string {
	if f == nil {
		return ""
	}
	switch f.c.State() {
	case evm.Conflict:
		return "the chain: " + evm.ErrConflict.Error() + "; nothing is answered until you choose a checkpoint: --checkpoint"
	case evm.WrongClock:
		return "the chain: several servers show blocks of the future, so this machine's clock is wrong"
	case evm.Empty:
		if err := f.c.Why(); err != nil {
			return "the chain: " + err.Error()
		}
	}
	return ""
}

// ens is the road to texts by names of ENS, on proven state; nil where the chain names no registry.
func (f *follower) ens() (bootstrap.TextSource, error) {
	if f == nil || f.n.Offline || f.cfg.Profile.Chain.ENSRegistry == "" {
		return nil, nil
	}
	if _, begun := f.c.Head(); !begun {
		return nil, nil
	}
	registry, err := ens.ParseAddress(f.cfg.Profile.Chain.ENSRegistry)
	if err != nil {
		return nil, err
	}
	return &ens.Source{Resolver: &ens.Resolver{Caller: evm.Calls{Client: f.c, Tag: "finalized"}, Registry: registry}, Proven: true}, nil
}
