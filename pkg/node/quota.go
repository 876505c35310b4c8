package node

import (
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/reconcile"
)

// What one peer may cost: signatures to check, and vertices that turn out bad or wait, which cost
// double. Honest peers stay far below; one who does not rests.
const (
	worksPerSecond = 2000
	worksBurst     = 4 * worksPerSecond
	maxQuotas      = 1024
)

// quotas are one bucket a peer, kept over its reconnections.
type quotas struct {
	mu   sync.Mutex // guards below
	list map[peer.ID]*bucket
	over map[over]*bucket
	cuts map[peer.ID]time.Time // until when a peer is cut off
}

type bucket struct {
	used float64
	last time.Time
}

// charge takes n from the bucket of p; false when it is empty.
func (q *quotas) charge(p peer.ID, n int, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.list == nil {
		q.list = map[peer.ID]*bucket{}
	}
	b := q.list[p]
	if b == nil {
		q.forget(now)
		b = &bucket{last: now}
		q.list[p] = b
	}
	b.used = max(0, b.used-now.Sub(b.last).Seconds()*worksPerSecond)
	b.used, b.last = b.used+float64(n), now
	return b.used <= worksBurst
}

// forget drops full buckets when there are too many.
func (q *quotas) forget(now time.Time) {
	for p, b := range q.list {
		if len(q.list) >= maxQuotas && now.Sub(b.last) > time.Minute {
			delete(q.list, p)
		}
	}
}

// cost is what a batch cost us.
func cost(got dag.Received, signed int) int {
	n := signed
	for _, r := range got.Results {
		switch r.Outcome {
		case dag.Refused:
			n += 2
		case dag.Parked:
			n++
		}
	}
	return n
}

// spend charges a peer for a batch.
func (n *Node) spend(p peer.ID, got dag.Received, signed int) error {
	dups, bad, orphans := dear(got)
	if !n.admitAs(n.ctx, p, overDups, dups, true) || !n.admitAs(n.ctx, p, overOrphan, orphans, true) || !n.admitAs(n.ctx, p, overSigs, bad, true) { // who gets here is a member
		return fmt.Errorf("%w: too many signatures that do not verify", reconcile.ErrLimits)
	}
	if n.quotas.charge(p, cost(got, signed), n.clock()) {
		return nil
	}
	n.metrics.limited.WithLabelValues(string(overWorks), "cut").Inc()
	return fmt.Errorf("%w: too many signatures or bad entries", reconcile.ErrLimits)
}
