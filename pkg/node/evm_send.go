package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/gateway"
	"github.com/pars-network/pars/pkg/evm/queue"
)

const (
	meanDelay  = 5 * time.Second
	maxDelay   = 30 * time.Second
	sendWithin = 40 * time.Second
	maxTried   = 1024
	againSoon  = 30 // seconds until a transaction that nobody took is sent once more
)

var errNoGateway = errors.New("no gateway of the chain is known")

// submit hands a transaction to three gateways of different address groups, each after a delay of its own, so that
// neither their answers nor their times point here. The first time they pass it to one another before the chain sees it.
// It is on its way when this returns; that it is included is for proofs to say.
func (f *follower) submit(_ context.Context, raw []byte) error {
	gates := f.pick(gatesWanted, "")
	if len(gates) == 0 {
		return errNoGateway
	}
	h := gateway.HashOf(raw)
	f.mu.Lock()
	if len(f.tried) >= maxTried {
		clear(f.tried)
	}
	f.tried[h]++
	times := f.tried[h]
	f.mu.Unlock()
	f.n.wg.Go(func() {
		if !f.spread(raw, gates, times) && f.n.ctx.Err() == nil {
			f.unsent(h)
		}
	})
	return nil
}

// spread reports whether anybody took it. From the second time on the own servers get it too.
func (f *follower) spread(raw []byte, gates []gate, times int) bool {
	ctx, cancel := context.WithTimeout(f.n.ctx, maxDelay+sendWithin)
	defer cancel()
	hops := 0
	if times == 1 {
		hops = 1
	}
	var wg sync.WaitGroup
	var mu sync.Mutex // guards took
	took := 0
	for _, g := range gates {
		wait := f.draw()
		wg.Go(func() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			err := f.source(g.ID).Submit(ctx, f.cfg.Profile.ChainID, raw, hops)
			f.n.log.Debug("transaction handed over", "peer", short(g.ID), "hops", hops, "why", err)
			if err == nil {
				mu.Lock()
				took++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if took == 0 || times > 1 {
		if err := f.c.Broadcast(ctx, raw); err == nil {
			took++
		}
	}
	f.count(func(c *chainCounts) { c.sent += min(took, 1) })
	return took > 0
}

// draw is an exponential delay.
func (f *follower) draw() time.Duration {
	var b [8]byte
	if _, err := io.ReadFull(f.n.home.cfg.Rand, b[:]); err != nil {
		return f.delay
	}
	u := (float64(binary.BigEndian.Uint64(b[:])>>11) + 1) / (1 << 53)
	return min(time.Duration(-math.Log(u)*float64(f.delay)), maxDelay)
}

// pick draws gateways, of different groups first, none of them but.
func (f *follower) pick(most int, but peer.ID) (out []gate) {
	f.mu.Lock()
	list := slices.DeleteFunc(slices.Clone(f.gates), func(g gate) bool { return g.ID == but })
	f.mu.Unlock()
	for i := range list {
		j := i + f.n.intn(len(list)-i)
		list[i], list[j] = list[j], list[i]
	}
	var rest []gate
	for _, g := range list {
		if slices.ContainsFunc(out, func(o gate) bool { return o.group == g.group }) {
			rest = append(rest, g)
		} else if len(out) < most {
			out = append(out, g)
		}
	}
	return append(out, rest[:min(len(rest), most-len(out))]...)
}

// unsent lets a transaction that nobody took be tried again soon.
func (f *follower) unsent(h evm.Hash) {
	err := f.vault(func(v *evm.Vault) error {
		for _, e := range v.Queue.Entries {
			if x, ok := e.Hash(); ok && evm.Hash(x) == h && e.State == queue.Sent {
				e.LastSent, e.Why = uint64(f.n.clock().Unix())-queue.Again+againSoon, "no gateway took it yet"
			}
		}
		return v.Save()
	})
	if err != nil {
		f.n.log.Warn("queue", "why", err)
	}
	f.mu.Lock()
	delete(f.tried, h)
	f.search = pace{}
	f.mu.Unlock()
	f.kick()
}

// pass takes a transaction of a stranger. With a hop left another gateway gets it, so that who tells the chain is not who
// knows whence it came; where there is none, or it refuses, the own servers do.
func (f *follower) pass(ctx context.Context, from string, raw []byte, hops int) error {
	f.count(func(c *chainCounts) { c.passed++ })
	if hops > 0 {
		for _, g := range f.pick(1, peer.ID(from)) {
			if err := f.source(g.ID).Submit(ctx, f.cfg.Profile.ChainID, raw, hops-1); err == nil {
				return nil
			}
		}
	}
	if err := f.c.Broadcast(ctx, raw); err != nil {
		return fmt.Errorf("own servers: %w", err)
	}
	return nil
}

func (f *follower) count(change func(*chainCounts)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.counts)
}
