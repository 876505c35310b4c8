package node

import (
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/gossip"
)

// deaf has all neighbours of a node lose what it sends along the tree, unseen.
func (v *village) deaf(to int) {
	v.t.Helper()
	for i := range v.nodes {
		if i == to {
			continue
		}
		x := v.nodes[i].trees.of(v.session(i))
		x.mu.Lock()
		if l := x.links[v.nodes[to].host.ID()]; l != nil {
			x.links[l.peer] = &treeLink{g: l.g, s: l.s, peer: l.peer, wake: make(chan struct{}, 1)}
		}
		x.mu.Unlock()
	}
}

// alone has nobody ask members beside the tree.
func (v *village) alone() {
	v.t.Helper()
	for i := range v.nodes {
		x := v.nodes[i].trees.of(v.session(i))
		x.mu.Lock()
		x.look, x.askedBeside = time.Time{}, time.Now().Add(time.Hour)
		x.mu.Unlock()
	}
}

// within requires some nodes to be level soon: the comparison of each minute does not count.
func (v *village) within(d time.Duration, what string) {
	v.t.Helper()
	from := time.Now()
	v.level(v.all(), len(v.nodes))
	took := time.Since(from)
	v.t.Logf("%s after %v", what, took)
	if took > d {
		v.t.Errorf("%s after %v, want %v", what, took, d)
	}
}

// TestTreeAsksAfterWriting: what every neighbour lost is found a second later, since one is asked whether it has it.
func TestTreeAsksAfterWriting(t *testing.T) {
	v := newVillage(t, 8)
	v.level(v.all(), 8)
	v.rooted(v.all())
	v.alone()
	for _, text := range []string{"lost", "lost too"} {
		v.deaf(0)
		v.say(0, text)
		v.within(9*time.Second, text)
	}
}

// TestTreeLastNeighbour: what was lost while the last neighbour went is found at once by comparing with everybody.
func TestTreeLastNeighbour(t *testing.T) {
	v := newVillage(t, 8)
	v.level(v.all(), 8)
	v.rooted(v.all())
	v.alone()
	v.deaf(0)
	v.say(0, "lost")
	x := v.nodes[0].trees.of(v.session(0))
	before := v.nodes[0].trees.repairs.Load()
	x.mu.Lock()
	x.check, x.waits, x.look = time.Time{}, time.Time{}, time.Time{}
	x.mu.Unlock()
	for i := 1; i < 8; i++ { // nobody wants neighbours any more
		o := v.nodes[i].trees.of(v.session(i))
		o.mu.Lock()
		o.looked, o.on = o.s.Log().Arrivals(), false
		for p, l := range o.links {
			l.bye(gossip.ByeEnd)
			o.gone(p)
		}
		o.mu.Unlock()
	}
	x.mu.Lock()
	for p, l := range x.links {
		l.bye(gossip.ByeEnd)
		x.gone(p)
	}
	x.mu.Unlock()
	if v.nodes[0].trees.repairs.Load() == before {
		t.Error("nobody was asked when the last neighbour went")
	}
	v.within(9*time.Second, "lost")
}

// TestTreeBridge: two clusters, all neighbours among themselves, and one pair that joins them. What one side writes is
// on the other within seconds, not with the comparison of the minute; then the pair are neighbours and it is there at once.
func TestTreeBridge(t *testing.T) {
	v := newVillage(t, 5)
	v.addTo(4) // the pair is 4 and 5
	v.addTo(5)
	v.addTo(5, 6)
	v.addTo(5, 6, 7)
	v.addTo(5, 6, 7, 8)
	v.level(v.all(), 10)
	v.rooted(v.all())
	for i := range 6 {
		v.say(i%2*9, "to the other side")
		v.within(12*time.Second, "level")
	}
	v.say(0, "at once")
	v.within(3*time.Second, "along the tree")
}
