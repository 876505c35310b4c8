package node

import (
	"context"
	"math"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/vertex"
)

// cause is what a peer did too much of.
type cause string

// Causes, in the order in which they are looked at. Each is checked before what it costs is paid.
const (
	overBytes  cause = "bytes"
	overFrames cause = "frames"
	overTags   cause = "unknown-session" // streams, by which one may ask for any session
	overDups   cause = "duplicates"
	overSigs   cause = "signatures"      // that do not verify
	overOrphan cause = "unknown-parents" // vertices that wait for others
	overWorks  cause = "works"
	overAll    cause = "strangers" // frames of all of them together
	overCut    cause = "cut"       // it came back while it was cut off
)

const (
	cutFor      = 10 * time.Minute
	contactMore = 10               // times as much for who shares a session
	slowMost    = 10 * time.Second // a peer is made to wait
	slowContact = time.Second
)

// limit is a rate a second with its burst. What goes beyond is slowed, or the peer is cut off for ten minutes.
type limit struct {
	rate, burst float64
	cuts        bool
}

// limitOf returns a stranger's limits. A contact's volume is bounded by the credit of sync, its duplicates, of
// which an honest one may send a whole log beside another peer, by a wider burst.
func limitOf(c cause, contact bool) limit {
	if !contact {
		return ofStrangers(c)
	}
	l := ofStrangers(c)
	l.rate, l.burst = l.rate*contactMore, l.burst*contactMore
	switch c {
	case overBytes, overFrames:
		l.burst = math.Inf(1)
	case overDups:
		l.burst *= contactMore
	}
	return l
}

func ofStrangers(c cause) limit {
	switch c {
	case overBytes:
		return limit{256 << 10, 4 << 20, false}
	case overFrames:
		return limit{50, 500, false}
	case overTags:
		return limit{5, 20, true}
	case overDups:
		return limit{100, 1000, false}
	case overSigs:
		return limit{1, 10, true}
	case overOrphan:
		return limit{20, 1000, false}
	case overAll:
		return limit{2000, 4000, false}
	}
	return limit{1, 1, true}
}

// over is one bucket's name.
type over struct {
	p peer.ID
	c cause
}

// use takes n from a peer's bucket for a cause. It says how long the peer is to wait, or that it is cut
// off now.
func (q *quotas) use(p peer.ID, c cause, n int, contact bool, now time.Time) (wait time.Duration, cut bool) {
	l, most := limitOf(c, contact), slowMost
	if contact {
		most = slowContact
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if c == overFrames && !contact { // first: a thousand who each keep to their own are a flood
		wait, _ = q.take("", overAll, n, ofStrangers(overAll), most, now)
	}
	own, cut := q.take(p, c, n, l, most, now)
	return max(wait, own), cut
}

// take is use of one bucket. The caller holds mu.
func (q *quotas) take(p peer.ID, c cause, n int, l limit, most time.Duration, now time.Time) (wait time.Duration, cut bool) {
	if q.over == nil {
		q.over, q.cuts = map[over]*bucket{}, map[peer.ID]time.Time{}
	}
	b := q.over[over{p, c}]
	if b == nil {
		q.forgetOver(now)
		b = &bucket{last: now}
		q.over[over{p, c}] = b
	}
	b.used = max(0, b.used-max(0, now.Sub(b.last).Seconds())*l.rate) + float64(n)
	b.last = now
	beyond := b.used - l.burst
	switch {
	case beyond <= 0:
		return 0, false
	case l.cuts:
		q.cuts[p] = now.Add(cutFor)
		return 0, true
	}
	return min(time.Duration(beyond/l.rate*float64(time.Second)), most), false
}

// forgetOver drops buckets that are long empty when there are too many, and cuts that are over.
func (q *quotas) forgetOver(now time.Time) {
	for k, b := range q.over {
		if len(q.over) >= maxQuotas && now.Sub(b.last) > time.Minute {
			delete(q.over, k)
		}
	}
	for p, until := range q.cuts {
		if now.After(until) {
			delete(q.cuts, p)
		}
	}
}

// isCut reports whether a peer is cut off.
func (q *quotas) isCut(p peer.ID, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return now.Before(q.cuts[p])
}

// shares reports whether a peer has proven to share a session.
func (n *Node) shares(p peer.ID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	st := n.streams[p]
	return st != nil && st.shared > 0
}

// admit charges a peer. It waits where the peer is to be slowed, which its own line feels, and returns
// false when the peer is cut off: it sees a closed connection and no reason.
func (n *Node) admit(ctx context.Context, p peer.ID, c cause, many int) bool {
	return n.admitAs(ctx, p, c, many, n.shares(p))
}

func (n *Node) admitAs(ctx context.Context, p peer.ID, c cause, many int, contact bool) bool {
	if many == 0 {
		return true
	}
	wait, cut := n.quotas.use(p, c, many, contact, n.clock())
	switch {
	case cut:
		n.metrics.limited.WithLabelValues(string(c), "cut").Inc()
		n.log.Info("peer cut off", "peer", short(p), "why", string(c))
		n.dialer.rest(p)
		n.host.Network().ClosePeer(p)
		return false
	case wait > 0:
		n.metrics.limited.WithLabelValues(string(c), "slowed").Inc()
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
	return true
}

// refused reports whether a peer that comes is cut off.
func (n *Node) refused(p peer.ID) bool {
	if !n.quotas.isCut(p, n.clock()) {
		return false
	}
	n.metrics.limited.WithLabelValues(string(overCut), "cut").Inc()
	return true
}

// dear counts what of a batch costs a peer beside its signatures.
func dear(got dag.Received) (dups, bad, orphans int) {
	for _, r := range got.Results {
		switch {
		case r.Outcome == dag.Known:
			dups++
		case r.Outcome == dag.Parked:
			orphans++
		case r.Outcome == dag.Refused && r.Reason == string(vertex.BadSignature):
			bad++
		}
	}
	return dups, bad, orphans
}
