package node

import (
	"context"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/resource"
)

var budgetName = []byte("budget")

// usage counts what the network carries and keeps to the budget.
type usage struct {
	mu     sync.Mutex // guards below
	meter  resource.Meter
	bucket resource.Bucket
	spent  bool
	last   time.Time     // of the last byte
	asked  time.Time     // when the rate was last asked for
	total  int64         // counted then
	free   time.Time     // when the line is free again: --max-mbps
	over   chan struct{} // the budget came to its end; nil without one
}

// count is told of each byte by the host.
func (n *Node) count(sent, received int) {
	if n.usage.add(int64(sent+received), n.clock()) {
		select {
		case n.usage.over <- struct{}{}:
		default:
		}
	}
}

// add counts, and reports whether that ended the budget.
func (u *usage) add(bytes int64, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.meter.Add(bytes, now)
	u.last = now
	u.bucket.Take(bytes, now)
	return !u.spent && u.bucket.Spent(false, now)
}

// quiet is how long nothing was carried.
func (u *usage) quiet(now time.Time) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return now.Sub(u.last)
}

// hour returns the bytes and wake-ups of the last hour.
func (u *usage) hour(now time.Time) (bytes, wakeups int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.meter.Hour(now)
}

// signals is what the line and the budget say: the share of most bits a second since the last look, and
// whether the budget is spent.
func (u *usage) signals(now time.Time, mbps float64) (s resource.Signals) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if mbps > 0 && now.After(u.asked) {
		rate := float64(u.meter.Total()-u.total) * 8 / now.Sub(u.asked).Seconds() / 1e6
		share := rate / mbps
		s.Bandwidth = &share
	}
	u.asked, u.total = now, u.meter.Total()
	if u.bucket.Limited() {
		u.spent = u.bucket.Spent(u.spent, now)
		spent := u.spent
		s.Spent = &spent
	}
	return s
}

// pace waits until the line may carry so many bytes more.
func (n *Node) pace(ctx context.Context, bytes int) {
	if n.MaxMbps <= 0 {
		return
	}
	u, now := &n.usage, n.clock()
	u.mu.Lock()
	wait := u.free.Sub(now)
	if wait < 0 {
		u.free, wait = now, 0
	}
	u.free = u.free.Add(time.Duration(float64(bytes) * 8 / n.MaxMbps * float64(time.Microsecond)))
	u.mu.Unlock()
	if wait < time.Millisecond {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}

// loadBudget takes up what was left of the budget at the last end: a restart is no new one.
func (n *Node) loadBudget() {
	if n.Budget.Bytes <= 0 {
		return
	}
	bucket := resource.NewBucket(n.Budget, n.clock())
	if b, err := n.home.setting(budgetName); err == nil {
		if kept, err := resource.DecodeBucket(b); err == nil && kept.Of(n.Budget) {
			bucket = kept
		}
	}
	n.usage.mu.Lock()
	defer n.usage.mu.Unlock()
	n.usage.bucket, n.usage.over = bucket, make(chan struct{}, 1)
}

func (n *Node) saveBudget() {
	if n.Budget.Bytes <= 0 {
		return
	}
	n.usage.mu.Lock()
	b := n.usage.bucket.Encode()
	n.usage.mu.Unlock()
	if err := n.home.saveSetting(budgetName, b); err != nil {
		n.log.Warn("budget not saved", "why", err)
	}
}

// usageStatus fills in what the network cost.
func (n *Node) usageStatus(st *Status) {
	now, u := n.clock(), &n.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	st.BytesH, st.WakeupsH = u.meter.Hour(now)
	st.BytesToday = u.meter.Today(now)
	if u.bucket.Limited() {
		left := u.bucket.Left(now)
		st.BudgetLeft = &left
	}
}
