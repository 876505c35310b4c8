package evm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/wire"
)

// freshState is how many slots back every node of the chain still has the state.
const freshState = 64

// Examine lets a peer show that it can do what it says: prove an account, best one drawn at random, under a block that is
// trusted here. Where nothing is yet, it must have the checkpoint. A peer may bring a newer head on the way.
func (c *Client) Examine(ctx context.Context, p Peer, addr Address) error {
	c.mu.Lock()
	begun, root := c.fin.Begun(), c.Checkpoint
	c.mu.Unlock()
	if root == (Hash{}) {
		root = c.root
	}
	if !begun {
		b, err := p.Bootstrap(ctx, root)
		if err != nil {
			return err
		}
		boot, err := c.fin.Spec.DecodeBootstrap(b)
		if err == nil && Hash(boot.Header.Beacon.Root()) != root {
			err = wire.Invalid("bootstrap of another root")
		}
		return err
	}
	if c.behind() > freshState {
		for k, ask := range map[light.Kind]func(context.Context) ([]byte, error){light.KindFinality: p.Finality, light.KindOptimistic: p.Optimistic} {
			b, err := ask(ctx)
			if err == nil {
				_, err = c.Offer(k, b, p.Name())
			}
			if err != nil && !errors.Is(err, ErrNone) && !errors.Is(err, light.ErrPeriod) {
				return err
			}
		}
	}
	if c.behind() > freshState {
		return nil // its proofs are judged when there is a head to hold them to
	}
	c.mu.Lock()
	tip := c.tip
	c.mu.Unlock()
	_, err := c.chain.State(p, tip).Account(ctx, common.Address(addr))
	if err != nil {
		return fmt.Errorf("proof of an account at block %d: %w", tip.Num(), err)
	}
	return nil
}

// behind is how many slots the head is old.
func (c *Client) behind() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, at := c.fin.Spec.SlotAt(c.Now().UnixMilli()), c.fin.head.Beacon.Slot
	return max(now, at) - at
}

// Fresh reports whether the head is at most so old, and no committee is missing.
func (c *Client) Fresh(age time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.fin.Head()
	return ok && c.fin.store.Next != nil && c.Now().Sub(time.Unix(c.fin.Spec.TimeOf(h.Slot), 0)) <= age
}
