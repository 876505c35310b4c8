package dht

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// sim is a network in memory: nodes with the tables that Kademlia would give them, and answers that take time.
type sim struct {
	r      *rand.Rand
	nodes  []*simNode
	byID   map[PeerID]*simNode
	target ID         // of the crowd
	crowd  []*simNode // Sybils near the target
	liars  []*simNode
	even   bool // every answer takes 100 ms
	rpcs   int
}

type simNode struct {
	peer   Peer
	at     ID
	table  []*simNode
	dead   bool
	liar   bool
	store  map[string][]byte
	poison []*simNode // of a table with a crowd in it
}

func newSim(seed uint64, n int) *sim {
	s := &sim{r: rand.New(rand.NewPCG(seed, 0)), byID: map[PeerID]*simNode{}}
	for i := range n {
		s.nodes = append(s.nodes, s.node(fmt.Sprintf("node %d of %d", i, seed)))
	}
	for _, a := range s.nodes {
		a.table = s.table(a, s.nodes)
	}
	return s
}

// lie makes n nodes liars.
func (s *sim) lie(n int) {
	for _, i := range s.r.Perm(len(s.nodes))[:n] {
		s.nodes[i].liar = true
		s.liars = append(s.liars, s.nodes[i])
	}
}

func (s *sim) node(name string) *simNode {
	n := &simNode{peer: Peer{ID: PeerID(name), Class: Table}, at: NodeID(PeerID(name)), store: map[string][]byte{}}
	n.peer.Addrs = [][]byte{append(binary.BigEndian.AppendUint32([]byte{4}, s.r.Uint32()), 6, 1, 1)}
	s.byID[n.peer.ID] = n
	return n
}

// table fills buckets of K at random.
func (s *sim) table(a *simNode, from []*simNode) []*simNode {
	var full [257]int
	var out []*simNode
	for i, off := 0, s.r.IntN(len(from)); i < len(from); i++ {
		b := from[(i+off)%len(from)]
		if z := a.at.Distance(b.at).LeadingZeros(); b != a && full[z] < K {
			full[z]++
			out = append(out, b)
		}
	}
	return out
}

func nearest(list []*simNode, to ID, n int) []Peer {
	type far struct {
		d ID
		b *simNode
	}
	all := make([]far, len(list))
	for i, b := range list {
		all[i] = far{b.at.Distance(to), b}
	}
	slices.SortFunc(all, func(a, b far) int { return compare(a.d, b.d) })
	var out []Peer
	for _, f := range all[:min(n, len(all))] {
		out = append(out, f.b.peer)
	}
	return out
}

// answer is what the node says about a place. Liars know only liars, Sybils only Sybils.
func (s *sim) answer(n *simNode, a Ask) ([]Peer, []byte) {
	to := NodeID(PeerID(a.Key))
	switch {
	case slices.Contains(s.crowd, n):
		return nearest(s.crowd, to, K), nil
	case n.liar:
		return nearest(append(slices.Clone(s.liars), s.crowd...), to, K), nil
	}
	table := n.table
	if len(s.crowd) > 0 {
		table = s.poisoned(n)
	}
	return nearest(table, to, K), n.store[string(a.Key)]
}

// poisoned is the table of a node with the crowd in its bucket, as if it had always been there.
func (s *sim) poisoned(n *simNode) []*simNode {
	if n.poison != nil {
		return n.poison
	}
	z := n.at.Distance(s.target).LeadingZeros()
	same := func(b *simNode) bool { return n.at.Distance(b.at).LeadingZeros() == z }
	n.poison = slices.DeleteFunc(slices.Clone(n.table), same)
	var bucket []*simNode
	for _, b := range append(slices.Clone(s.nodes), s.crowd...) {
		if b != n && same(b) {
			bucket = append(bucket, b)
		}
	}
	s.r.Shuffle(len(bucket), func(i, j int) { bucket[i], bucket[j] = bucket[j], bucket[i] })
	n.poison = append(n.poison, bucket[:min(K, len(bucket))]...)
	return n.poison
}

// mine puts n ids nearer to the target than every honest node.
func (s *sim) mine(target ID, n int) {
	s.target, s.crowd = target, nil
	least := span(1)
	for _, h := range s.nodes {
		h.poison = nil
		if d := h.at.Distance(target); d.Less(least) {
			least = d
		}
	}
	if easy := span(0.3 / float64(len(s.nodes))); least.Less(easy) {
		least = easy // an honest node stood next to the key by chance; to beat it would take the test too long
	}
	name := append([]byte("sybil of "+target.String()), make([]byte, 8)...)
	for i := uint64(0); len(s.crowd) < n; i++ {
		binary.BigEndian.PutUint64(name[len(name)-8:], i)
		if NodeID(PeerID(name)).Distance(target).Less(least) {
			s.crowd = append(s.crowd, s.node(string(name)))
		}
	}
}

type flight struct {
	at     time.Duration
	ask    Ask
	closer []Peer
	value  []byte
	failed bool
}

type flights []flight

func (f flights) Len() int           { return len(f) }
func (f flights) Less(i, j int) bool { return f[i].at < f[j].at }
func (f flights) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)        { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any {
	old := *f
	x := old[len(old)-1]
	*f = old[:len(old)-1]
	return x
}

// run plays a look-up from a node to its end and returns the virtual time it took.
func (s *sim) run(l *Lookup, from *simNode) time.Duration {
	table := from.table
	if len(s.crowd) > 0 {
		table = s.poisoned(from)
	}
	return s.runFrom(l, nearest(table, NodeID(PeerID(l.Key)), 2*K))
}

func (s *sim) runFrom(l *Lookup, seeds []Peer) time.Duration {
	var sky flights
	now := time.Duration(0)
	send := func(asks []Ask) {
		for _, a := range asks {
			s.rpcs++
			f := flight{at: now + time.Duration(20+s.r.IntN(160))*time.Millisecond, ask: a}
			if s.even {
				f.at = now + 100*time.Millisecond
			}
			if n := s.byID[a.Peer.ID]; n == nil || n.dead {
				f.at, f.failed = now+500*time.Millisecond, true
			} else {
				f.closer, f.value = s.answer(n, a)
			}
			heap.Push(&sky, f)
		}
	}
	send(l.Start(seeds, 0))
	for len(sky) > 0 && !l.Result().Done {
		f := heap.Pop(&sky).(flight)
		now = f.at
		if f.failed {
			send(l.Fail(f.ask.N, now))
		} else {
			send(l.Answer(f.ask.N, f.closer, f.value, now))
		}
	}
	return now
}

// value is what passes for a record here.
func value(seq uint64, tail byte) []byte {
	b := make([]byte, RecordSize)
	b[0], b[RecordSize-1] = 1, tail
	binary.BigEndian.PutUint64(b[offSeq:], seq)
	return b
}

func (s *sim) lookup(key string, purpose Purpose, paths int) *Lookup {
	l := &Lookup{Key: []byte(key), Purpose: purpose, Paths: paths, Size: float64(len(s.nodes)),
		Check: func(v []byte) bool { return len(v) == RecordSize && v[0] == 1 }, Newer: newer}
	binary.BigEndian.PutUint64(l.Seed[:], s.r.Uint64())
	return l
}

func (s *sim) someone() *simNode {
	for {
		if n := s.nodes[s.r.IntN(len(s.nodes))]; !n.dead && !n.liar {
			return n
		}
	}
}

// put stores v as a node would and returns the look-up that found where.
func (s *sim) put(key string, v []byte, paths int) *Lookup {
	l := s.lookup(key, Put, paths)
	s.run(l, s.someone())
	storers, _, _ := l.Storers([32]byte{1})
	for _, p := range storers {
		if n := s.byID[p.ID]; !n.liar && !n.dead && !slices.Contains(s.crowd, n) {
			n.store[key] = v
		}
	}
	return l
}
