package serve

import (
	"context"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/proof"
)

// subscription runs step after each new head until the connection or the server ends.
func (e *ethAPI) subscription(ctx context.Context, filter *proof.Filter, send func(notify func(any) error, v *evm.View, gone, fresh []given) error) (*rpc.Subscription, error) {
	n, ok := rpc.NotifierFromContext(ctx)
	if !ok {
		return nil, rpc.ErrNotificationsUnsupported
	}
	sub := n.CreateSubscription()
	t := track{filter: filter}
	look := func() error {
		return e.at(e.ctx, nil, func(ctx context.Context, v *evm.View) error {
			after := t // told only once send is through: what failed comes again
			gone, fresh, err := after.step(ctx, v)
			if err != nil {
				return err
			}
			if err := send(func(x any) error { return n.Notify(sub.ID, x) }, v, gone, fresh); err != nil {
				return err
			}
			t = after
			return nil
		})
	}
	next := e.news.next()
	if err := look(); err != nil {
		return nil, err
	}
	e.wg.Go(func() { // ends with the connection or the server
		for {
			select {
			case <-sub.Err():
				return
			case <-e.ctx.Done():
				return
			case <-next:
				next = e.news.next()
				_ = look() // what could not be had comes with the next head
			}
		}
	})
	return sub, nil
}

// NewHeads is eth_subscribe newHeads.
func (e *ethAPI) NewHeads(ctx context.Context) (*rpc.Subscription, error) {
	return e.subscription(ctx, nil, func(notify func(any) error, v *evm.View, _, fresh []given) error {
		heads := make([]any, len(fresh)) // all before the first is told, or it would be told twice
		for i, g := range fresh {
			full, err := v.Chain.Full(e.ctx, v.Asker, g.block.Hash)
			if err != nil {
				return err
			}
			if heads[i], err = headerObject(full); err != nil {
				return err
			}
		}
		for _, h := range heads {
			if err := notify(h); err != nil {
				return err
			}
		}
		return nil
	})
}

// Logs is eth_subscribe logs; after a reorg they come again with removed set.
func (e *ethAPI) Logs(ctx context.Context, c criteria) (*rpc.Subscription, error) {
	f, err := c.filter()
	if err != nil {
		return nil, err
	}
	return e.subscription(ctx, f, func(notify func(any) error, _ *evm.View, gone, fresh []given) error {
		for _, l := range logsOf(gone, fresh) {
			if err := notify(l); err != nil {
				return err
			}
		}
		return nil
	})
}
