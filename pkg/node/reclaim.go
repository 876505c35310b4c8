package node

import (
	"context"
	"time"

	"github.com/pars-network/pars/pkg/resource"
)

// Room on disk is given back some time after the start, when what a start wakes is done, and then a few times a day.
const (
	reclaimFirst = 10 * time.Minute
	reclaimEvery = 6 * time.Hour
)

// mayReclaim reports whether there is power and memory for work that nobody waits for.
func mayReclaim(m resource.Mode) bool {
	return !m.LowPower && !m.Flush && !m.Idle && m.Memory < resource.Strict
}

// reclaim gives back the room of what was deleted. While power is low it waits for the next time.
func (n *Node) reclaim(ctx context.Context) {
	t := time.NewTimer(reclaimFirst)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		t.Reset(reclaimEvery)
		if !mayReclaim(n.mode()) {
			continue
		}
		before, _ := n.home.store.Usage()
		err := n.home.store.Reclaim(ctx)
		after, _ := n.home.store.Usage()
		if err != nil && ctx.Err() == nil {
			n.log.Warn("room of deleted records is not given back", "why", err)
		} else if after < before {
			n.log.Debug("room given back", "bytes", before-after)
		}
	}
}
