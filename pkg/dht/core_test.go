package dht

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const netSize = 1000

func tries(t *testing.T, n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

// found plays n puts and gets, with harm done between, and wants a share of them found.
func found(t *testing.T, s *sim, n, paths int, share float64, harm func(key string), undo func()) {
	t.Helper()
	ok, rpcs := 0, 0
	var times []time.Duration
	for i := range n {
		key := fmt.Sprintf("/pars/%032d", i)
		harm(key)
		s.put(key, value(uint64(i+1), 0), paths)
		undo()
		l := s.lookup(key, Get, paths)
		times = append(times, s.run(l, s.someone()))
		if r := l.Result(); r.Value != nil {
			ok++
			rpcs += r.RPCs
		}
	}
	slices.Sort(times)
	t.Logf("%d of %d found on %d paths, %.0f requests each, p50 %v p95 %v", ok, n, paths, float64(rpcs)/float64(max(ok, 1)), times[n/2], times[n*95/100])
	if float64(ok) < share*float64(n) {
		t.Errorf("%d of %d found, want %.0f %%", ok, n, 100*share)
	}
}

func none(string) {}

func TestFound(t *testing.T) {
	found(t, newSim(1, netSize), tries(t, 100), 1, 1, none, func() {})
}

// Half of all nodes die after the record was put, with everybody's tables still full of them.
func TestFoundHalfDead(t *testing.T) {
	s := newSim(2, netSize)
	order := s.r.Perm(netSize)
	life := func(dead bool) {
		for _, i := range order[:netSize/2] {
			s.nodes[i].dead = dead
		}
	}
	found(t, s, tries(t, 100), 1, 0.99, func(string) { life(false) }, func() { life(true) })
}

// One node in five answers with its accomplices alone and keeps nothing.
func TestFoundAmongLiars(t *testing.T) {
	s := newSim(3, netSize)
	s.lie(netSize / 5)
	found(t, s, tries(t, 100), 4, 0.99, none, func() {})
}

// 45 ids nearer to the key than every honest node, in everybody's tables from the start.
func TestFoundAmongSybils(t *testing.T) {
	s := newSim(4, netSize)
	found(t, s, tries(t, 100), 4, 0.99, func(key string) { s.mine(NodeID(PeerID(key)), 45) }, func() {})
}

// So many that K a path do not reach behind them: all of the region must be asked.
func TestFoundBehindManySybils(t *testing.T) {
	s := newSim(4, netSize)
	found(t, s, tries(t, 40), 4, 0.99, func(key string) { s.mine(NodeID(PeerID(key)), 120) }, func() {})
}

// One path among three times as many: without points beside the key it misses many.
func TestPointsBesideTheKey(t *testing.T) {
	s := newSim(4, netSize)
	found(t, s, 30, 1, 0.75, func(key string) { s.mine(NodeID(PeerID(key)), 150) }, func() {})
}

// Both at once.
func TestFoundAmongSybilsAndLiars(t *testing.T) {
	s := newSim(5, netSize)
	s.lie(netSize / 5)
	found(t, s, tries(t, 50), 4, 0.99, func(key string) { s.mine(NodeID(PeerID(key)), 45) }, func() {})
}

// Why a region, points beside the key and several paths are needed: the look-up that stops at the nearest K finds
// next to nothing among the same Sybils. One path with a region is measured beside it.
func TestPlainLookupAmongSybils(t *testing.T) {
	s := newSim(4, netSize)
	n, plain := tries(t, 30), 0
	for i := range n {
		key := fmt.Sprintf("/pars/%032d", i)
		s.mine(NodeID(PeerID(key)), 45)
		put := s.lookup(key, Find, 1)
		s.run(put, s.someone())
		for _, p := range put.Nearest(K) {
			if n := s.byID[p.ID]; !slices.Contains(s.crowd, n) {
				n.store[key] = value(1, 0)
			}
		}
		get := s.lookup(key, Find, 1)
		s.run(get, s.someone())
		if slices.ContainsFunc(get.Nearest(K), func(p Peer) bool { return s.byID[p.ID].store[key] != nil }) {
			plain++
		}
	}
	if plain > n/2 {
		t.Errorf("the plain look-up found %d of %d: the attack is none", plain, n)
	}
	t.Logf("plain: %d of %d", plain, n)
	found(t, s, n, 1, 0, func(key string) { s.mine(NodeID(PeerID(key)), 45) }, func() {})
}

// The nearest K of the network, with few requests, and in few round trips.
func TestFindNode(t *testing.T) {
	s := newSim(6, netSize)
	n, rpcs, exact := tries(t, 200), 0, 0
	for i := range n {
		l := s.lookup(fmt.Sprint("place ", i), Find, 1)
		s.run(l, s.someone())
		rpcs += l.Result().RPCs
		target, _ := l.Target()
		for _, p := range nearest(s.nodes, target, K) {
			if slices.ContainsFunc(l.Nearest(K), func(q Peer) bool { return q.ID == p.ID }) {
				exact++
			}
		}
	}
	if mean := float64(rpcs) / float64(n); mean > 40 {
		t.Errorf("%.1f requests for a look-up", mean)
	}
	if exact < n*K*99/100 {
		t.Errorf("%d of the %d nearest found", exact, n*K)
	}
}

// With 100 ms for every answer: how many round trips a look-up takes among 250, and how many requests.
func TestRoundTrips(t *testing.T) {
	for _, c := range []struct {
		purpose  Purpose
		paths    int
		p50, p95 time.Duration
		rpcs     int
	}{{Find, 1, 300, 450, 40}, {Get, 4, 600, 700, 120}} {
		s := newSim(6, 250)
		s.even = true
		n, rpcs := 100, 0
		var times []time.Duration
		for i := range n {
			l := s.lookup(fmt.Sprint("place ", i), c.purpose, c.paths)
			times = append(times, s.run(l, s.someone()))
			rpcs += l.Result().RPCs
		}
		slices.Sort(times)
		t.Logf("%d paths: p50 %v p95 %v, %d requests", c.paths, times[n/2], times[n*95/100], rpcs/n)
		if times[n/2] > c.p50*time.Millisecond || times[n*95/100] > c.p95*time.Millisecond || rpcs/n > c.rpcs {
			t.Errorf("%d paths: p50 %v p95 %v, %d requests", c.paths, times[n/2], times[n*95/100], rpcs/n)
		}
	}
}

func TestSizeEstimate(t *testing.T) {
	for _, size := range []int{200, netSize} {
		s := newSim(7, size)
		var e Size
		for i := range 100 {
			l := s.lookup(fmt.Sprint("place ", i), Find, 1)
			s.run(l, s.someone())
			target, _ := l.Target()
			e.Add(target, l.Nearest(K))
		}
		if got := e.Estimate(); math.Abs(got-float64(size)) > 0.15*float64(size) {
			t.Errorf("estimate %.0f of %d", got, size)
		}
	}
	if got := (&Size{Last: 100, Seen: 7}).Estimate(); got != 100 {
		t.Errorf("remembered %v", got)
	}
	crowd := Size{Last: 100, n: 1, sum: 1e-9} // an attacker's answers
	if got := crowd.Estimate(); got != 800 {
		t.Errorf("a crowd makes %v of 100", got)
	}
}

// Whatever the order of answers: nobody is asked twice for one key, paths share no peer, the look-up ends within its
// limits, and what it returns is the newest valid record that the region holds.
func TestLookupProperties(t *testing.T) {
	s := newSim(8, 150)
	key := "/pars/properties"
	for seed := range uint64(tries(t, 300)) {
		r := rand.New(rand.NewPCG(seed, 1))
		best := uint64(0)
		for _, n := range s.nodes {
			n.dead, n.store = r.IntN(4) == 0, map[string][]byte{}
			if r.IntN(3) == 0 {
				v := value(1+r.Uint64N(5), byte(r.IntN(2)))
				if r.IntN(4) == 0 {
					v[0], v[offSeq] = 9, 0xff // refused, and greater than all
				}
				n.store[key] = v
			}
		}
		l := s.lookup(key, Get, 1+int(seed%4))
		l.RPCs = []int{200, 17}[seed%2]
		shuffled(t, seed, s, l, r, &best)
		got := l.Result()
		if !got.Done || got.RPCs > l.RPCs {
			t.Fatalf("seed=%d: %+v", seed, got)
		}
		if got.Reason == "exhausted" && got.Ended < min(len(l.paths), 3) {
			t.Fatalf("seed=%d: over after %d of %d paths", seed, got.Ended, len(l.paths))
		}
		if got.Value == nil != (best == 0) || got.Value != nil && (got.Value[0] != 1 || got.Value[offSeq+7] != byte(best)) {
			t.Fatalf("seed=%d: newest %d, got %x", seed, best, got.Value[:min(48, len(got.Value))])
		}
	}
}

// shuffled answers the open requests of l in random order.
func shuffled(t *testing.T, seed uint64, s *sim, l *Lookup, r *rand.Rand, best *uint64) {
	t.Helper()
	type once struct {
		id  PeerID
		key string
	}
	asked, owner := map[once]bool{}, map[PeerID]int{}
	open := l.Start(nearest(s.someone().table, NodeID(PeerID(l.Key)), 8), 0)
	var steps time.Duration
	for fresh := open; len(open) > 0; steps++ {
		for _, a := range fresh {
			o := once{a.Peer.ID, string(a.Key)}
			if p, ok := owner[a.Peer.ID]; asked[o] || ok && p != a.Path {
				t.Fatalf("seed=%d: %q asked twice or on two paths", seed, a.Peer.ID)
			}
			asked[o], owner[a.Peer.ID] = true, a.Path
		}
		i := r.IntN(len(open))
		a := open[i]
		open = slices.Delete(open, i, i+1)
		if n := s.byID[a.Peer.ID]; n.dead {
			fresh = l.Fail(a.N, steps)
		} else {
			closer, v := s.answer(n, a)
			if !l.Result().Done && v != nil && v[0] == 1 {
				*best = max(*best, uint64(v[offSeq+7]))
			}
			fresh = l.Answer(a.N, closer, v, steps)
		}
		if l.Answer(a.N, nil, nil, steps) != nil {
			t.Fatalf("seed=%d: one request answered twice", seed)
		}
		open = append(open, fresh...)
	}
}

// Two valid records with one sequence number are told, the smaller is kept.
func TestEquivocation(t *testing.T) {
	s := newSim(9, 100)
	for i, n := range s.nodes {
		n.store["/pars/k"] = value(7, byte(i%2))
	}
	l := s.lookup("/pars/k", Get, 4)
	s.run(l, s.someone())
	if r := l.Result(); !bytes.Equal(r.Value, value(7, 0)) || !bytes.Equal(r.Twin, value(7, 1)) || r.Agreeing < 3 {
		t.Errorf("%d paths agree, twin %v", r.Agreeing, r.Twin != nil)
	}
}

func TestLookupLimits(t *testing.T) {
	s := newSim(10, 300)
	l := s.lookup("/pars/k", Get, 1)
	l.RPCs = 9
	if s.run(l, s.someone()); l.Result().Reason != "limit" || l.Result().RPCs != 9 {
		t.Errorf("%+v", l.Result())
	}
	l = s.lookup("/pars/k", Get, 1)
	l.Time = time.Second / 4
	if s.run(l, s.someone()); l.Result().Reason != "time" {
		t.Errorf("%+v", l.Result())
	}
	l = s.lookup("/pars/k", Get, 4)
	if s.runFrom(l, nil); l.Result().Reason != "no-seeds" {
		t.Errorf("%+v", l.Result())
	}
}

// A crowd around a key is told, and half of the storers are drawn from behind it.
func TestStorersOfACrowd(t *testing.T) {
	s := newSim(11, netSize)
	s.mine(NodeID("/pars/k"), 45)
	l := s.lookup("/pars/k", Put, 4)
	s.run(l, s.someone())
	storers, region, crowded := l.Storers([32]byte{1})
	other, _, _ := l.Storers([32]byte{2})
	honest := 0
	for _, p := range storers {
		if s.byID[p.ID] != nil && !slices.Contains(s.crowd, s.byID[p.ID]) {
			honest++
		}
	}
	if !crowded || len(storers) != maxStorers || honest < 10 {
		t.Errorf("%d in the region, %d storers, %d honest, crowded %v", region, len(storers), honest, crowded)
	}
	if slices.EqualFunc(storers, other, func(a, b Peer) bool { return a.ID == b.ID }) {
		t.Error("who stores can be foretold")
	}
}

func TestCrowd(t *testing.T) {
	at := func(ip ...byte) Peer {
		return Peer{Addrs: [][]byte{append(append([]byte{4}, ip...), 6, 0, 80)}, Class: Learned}
	}
	for _, c := range []struct {
		name string
		peer func(i byte) Peer
		want int
	}{
		{"a /24", func(i byte) Peer { return at(5, 6, 7, i) }, 8},
		{"a /16", func(i byte) Peer { return at(5, 6, i, 1) }, 24},
		{"a home", func(i byte) Peer { return at(192, 168, 1, i) }, 100},
		{"a country behind one provider", func(i byte) Peer { return at(100, 64, 1, i) }, 100},
		{"onion services", func(i byte) Peer { return Peer{Addrs: [][]byte{{0xbd, 3, i}}, Class: Learned} }, 8},
		{"a /48", func(i byte) Peer {
			return Peer{Addrs: [][]byte{append(make([]byte, 1, 17), append([]byte{0x20, 1, 2, 3, 4, 5}, make([]byte, 10)...)...)}, Class: Learned}
		}, 8},
		{"contacts", func(i byte) Peer { p := at(5, 6, 7, i); p.Class = Contact; return p }, 100},
	} {
		var crowd Crowd
		n := 0
		for i := range byte(100) {
			p := c.peer(i)
			if c.name == "a /48" {
				p.Addrs[0][0] = 41
			}
			if crowd.Admit(p) {
				n++
			}
		}
		if n != c.want {
			t.Errorf("%s: %d admitted, want %d", c.name, n, c.want)
		}
		crowd.Leave(c.peer(0))
		if !crowd.Admit(c.peer(200)) {
			t.Errorf("%s: full after one left", c.name)
		}
	}
}

func TestNear(t *testing.T) {
	at := ID(fill(33))
	if z := NodeID(PeerID(Near(at))).Distance(at).LeadingZeros(); z < 14 {
		t.Errorf("%d bits shared", z)
	}
}
