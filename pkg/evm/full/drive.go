//go:build parsfull

package full

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/beacon/engine"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/wire"
)

// again is after what time the node is told of a head once more that it does not have yet.
const again = 2 * time.Second

// driver hands each verified head to the execution node. It is a node.Lifecycle.
type driver struct {
	client *evm.Client
	eth    *eth.Ethereum
	api    *catalyst.ConsensusAPI
	tell   func(evm.Head)

	news   chan struct{} // of one: a head that nobody looked at yet
	done   chan struct{}
	cancel context.CancelFunc
	wg     sync.WaitGroup
	failed error                    // read after done is closed, or after Stop
	have   atomic.Pointer[evm.Head] // the newest verified head that was executed here
}

func newDriver(c *evm.Client, e *eth.Ethereum, tell func(evm.Head)) *driver {
	if tell == nil {
		tell = func(evm.Head) {}
	}
	return &driver{client: c, eth: e, api: catalyst.NewConsensusAPI(e), tell: tell, news: make(chan struct{}, 1), done: make(chan struct{})}
}

// Start follows the chain with the light client and the node with what it finds.
func (d *driver) Start() error {
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	var failed [2]error
	var both sync.WaitGroup
	both.Go(func() {
		failed[0] = d.client.Follow(ctx, func(evm.Head) { d.wake() })
		cancel()
	})
	both.Go(func() {
		failed[1] = d.run(ctx)
		cancel()
	})
	d.wg.Go(func() {
		both.Wait()
		for _, err := range failed {
			if err != nil && !errors.Is(err, context.Canceled) {
				d.failed = errors.Join(d.failed, err)
			}
		}
		close(d.done)
	})
	return nil
}

// Stop waits for both.
func (d *driver) Stop() error {
	if d.cancel != nil {
		d.cancel()
		d.wg.Wait()
	}
	return nil
}

func (d *driver) wake() {
	select {
	case d.news <- struct{}{}:
	default:
	}
}

// run tells the node of a head when there is a new one, when a block was executed that may be it, and now and then
// while it has none: its peers may have come only now.
func (d *driver) run(ctx context.Context) error {
	events := make(chan core.ChainHeadEvent, 16)
	sub := d.eth.BlockChain().SubscribeChainHeadEvent(events)
	defer sub.Unsubscribe()
	ticks := time.NewTicker(again)
	defer ticks.Stop()
	for waits := false; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.news:
		case <-events:
			if !waits {
				continue
			}
		case <-ticks.C:
			if !waits {
				continue
			}
		}
		has, err := d.update(ctx)
		if err != nil {
			return err
		}
		waits = !has
	}
}

// update makes the newest verified head the node's, and reports whether it was executed here.
func (d *driver) update(ctx context.Context) (bool, error) {
	h, ok := d.client.Head()
	if !ok {
		return false, nil
	}
	f, _ := d.client.Final()
	r, err := d.api.ForkchoiceUpdatedV3(ctx, engine.ForkchoiceStateV1{HeadBlockHash: common.Hash(h.Hash), SafeBlockHash: common.Hash(f.Hash), FinalizedBlockHash: common.Hash(f.Hash)}, nil)
	switch {
	case r.PayloadStatus.Status == engine.INVALID && ctx.Err() == nil:
		why := err
		if s := r.PayloadStatus.ValidationError; s != nil {
			why = errors.New(*s)
		}
		return false, fmt.Errorf("block %d, %v, is signed by the committee and invalid by the rules of this genesis (%v): %w", h.Number, h.Hash, why, wire.ErrInvalid)
	case err != nil || r.PayloadStatus.Status != engine.VALID:
		return false, nil // the downloader is at work, or begins anew
	}
	if last := d.have.Swap(&h); last == nil || last.Hash != h.Hash {
		d.tell(h)
	}
	return true, nil
}
