package node

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/courier/readers"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/gateway"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/store"
)

const maxForeign = 32 // transactions of others in the queue

// reads adds what this node can verify of the chain to the readers of bundles.
func (f *follower) reads(h *readers.Home) {
	if f == nil {
		return
	}
	p := *h.Profile
	p.Chain, p.ChainID = f.cfg.Profile.Chain, f.cfg.Profile.ChainID
	h.Profile = &p
	h.Chain = readers.Chain{Proof: f.checkProof, Tx: f.checkTx, TakeTx: f.takeTx, Took: f.kick, Fresh: func() {
		if err := f.kept.flush(); err != nil {
			f.n.log.Warn("head of the chain not saved", "why", err)
		}
	}}
}

// checkProof verifies a proof file by the committee that is known here.
func (f *follower) checkProof(b []byte, _ time.Time) error {
	p, err := evm.DecodeProofFile(b)
	if err != nil {
		return err
	}
	if id := f.c.Spec().ID(); string(p.Chain) != string(id[:]) {
		return courier.Cannot("it is of another chain")
	}
	_, err = f.c.Check(p)
	if errors.Is(err, evm.ErrNoCheckpoint) || errors.Is(err, light.ErrPeriod) || errors.Is(err, light.ErrFuture) {
		return courier.Cannot("%v", err)
	}
	return err
}

func (f *follower) checkTx(t readers.Tx, _ time.Time) error {
	if t.Chain != f.cfg.Profile.ChainID {
		return courier.Cannot("it is for chain %d", t.Chain)
	}
	return gateway.CheckTx(t.Raw, t.Chain, nil)
}

// takeTx queues what a courier brought, for whoever signed it: it is sent and watched like one's own. One that is there
// already changes nothing.
func (f *follower) takeTx(t readers.Tx) error {
	if t.Chain != f.cfg.Profile.ChainID {
		return nil
	}
	var id [16]byte
	if _, err := io.ReadFull(f.n.home.cfg.Rand, id[:]); err != nil {
		return err
	}
	return f.vault(func(v *evm.Vault) error {
		foreign := 0
		for _, e := range v.Queue.Entries {
			if _, err := v.Key((*evm.Address)(&e.From)); err != nil && !e.State.Ended() {
				foreign++
			}
		}
		if foreign >= maxForeign {
			return fmt.Errorf("%d transactions of others wait: %w", foreign, store.ErrFull)
		}
		if _, err := v.Queue.AddRaw(id, t.Raw, t.NotAfter); err != nil {
			return err
		}
		return v.Save()
	})
}

// carries lists what of the chain goes with each bundle: the updates that verified here, and transactions that are not in
// a block yet. What cannot be read is left out.
func (f *follower) carries() (out []bundle.Record) {
	if f == nil {
		return nil
	}
	for _, c := range f.shelf.All() {
		out = append(out, bundle.Record{Kind: bundle.KindUpdate, Payload: readers.Update(f.c.Spec(), c.Kind, c.SSZ)})
	}
	if !f.hasVault() {
		return out
	}
	err := f.vault(func(v *evm.Vault) error {
		for _, e := range v.Queue.Entries {
			if e.State != queue.Signed && e.State != queue.Sent {
				continue
			}
			t := readers.Tx{Chain: v.Queue.Chain, Raw: e.Versions[len(e.Versions)-1].Raw, NotAfter: e.ValidUntil}
			out = append(out, bundle.Record{Kind: bundle.KindTx, Payload: t.Encode()})
		}
		return nil
	})
	if err != nil {
		f.n.log.Warn("transactions are not packed", "why", err)
	}
	return out
}
