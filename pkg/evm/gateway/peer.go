package gateway

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/wire"
)

// Exchange sends one question under one of the protocols and returns the pieces of the answer, at most so many and
// bytes, as ReadAnswer gives them.
type Exchange func(ctx context.Context, protocol string, ask []byte, pieces, limit int) ([][]byte, error)

// Peer asks a Server elsewhere. It is an evm.Peer: what it delivers is not believed.
type Peer struct {
	ID   string // how it is named in errors and penalties
	Spec *light.Spec
	Do   Exchange
}

// Name is the ID.
func (p *Peer) Name() string { return p.ID }

func (p *Peer) light(ctx context.Context, a LightAsk) ([][]byte, error) {
	a.Chain = TagOf(p.Spec)
	n := max(a.Count, 1)
	out, err := p.Do(ctx, LightProtocol, a.Encode(), n, n*p.Spec.MaxSize(a.Kind)+1)
	if err == nil && len(out) == 0 {
		err = evm.ErrNone
	}
	return out, err
}

func (p *Peer) one(ctx context.Context, a LightAsk) ([]byte, error) {
	out, err := p.light(ctx, a)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Bootstrap is the container of a block root.
func (p *Peer) Bootstrap(ctx context.Context, root evm.Hash) ([]byte, error) {
	return p.one(ctx, LightAsk{Kind: light.KindBootstrap, Root: root})
}

// Updates are the best of at most n periods in a row.
func (p *Peer) Updates(ctx context.Context, period uint64, n int) ([][]byte, error) {
	return p.light(ctx, LightAsk{Kind: light.KindUpdate, Period: period, Count: min(n, evm.MaxUpdates)})
}

// Finality is the newest finality update.
func (p *Peer) Finality(ctx context.Context) ([]byte, error) {
	return p.one(ctx, LightAsk{Kind: light.KindFinality})
}

// Optimistic is the newest optimistic update.
func (p *Peer) Optimistic(ctx context.Context) ([]byte, error) {
	return p.one(ctx, LightAsk{Kind: light.KindOptimistic})
}

// Ask is proof.Asker, for what the protocol knows; the rest is answered with an error of its own.
func (p *Peer) Ask(ctx context.Context, batch []proof.Ask, limit int) ([]proof.Answer, error) {
	out := make([]proof.Answer, len(batch))
	var items []Item
	var at []int
	for i, a := range batch {
		item, ok := itemOf(a)
		if !ok {
			out[i].Err = fmt.Errorf("%s: %w", a.Method, ErrRefused)
			continue
		}
		items, at = append(items, item), append(at, i)
	}
	for len(items) > 0 {
		n := min(len(items), MaxItems)
		list, err := p.items(ctx, items[:n], limit)
		if err != nil {
			return nil, err
		}
		for i, raw := range list {
			out[at[i]].Result = raw
		}
		items, at = items[n:], at[n:]
	}
	return out, nil
}

func (p *Peer) items(ctx context.Context, items []Item, limit int) ([]json.RawMessage, error) {
	ask := ProofAsk{TagOf(p.Spec), items}
	list, err := p.Do(ctx, ProofProtocol, ask.Encode(), len(items), min(limit, MaxAnswer)+1)
	if err != nil {
		return nil, err
	}
	if len(list) != len(items) {
		return nil, wire.Invalid("%d answers to %d questions", len(list), len(items))
	}
	out := make([]json.RawMessage, len(items))
	for i := range items {
		if out[i], err = items[i].unpack(list[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Submit hands over a transaction. That it is taken proves nothing.
func (p *Peer) Submit(ctx context.Context, chain uint64, raw []byte, hops int) error {
	a := TxAsk{TagOf(p.Spec), chain, raw, hops}
	_, err := p.Do(ctx, TxProtocol, a.Encode(), 0, 1)
	return err
}
