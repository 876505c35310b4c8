package gossip

import (
	"encoding/binary"
	"flag"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pars-network/pars/internal/simnet"
	"github.com/pars-network/pars/pkg/wire"
)

var seedFlag = flag.Uint64("seed", 0, "run the random tests with this seed alone")

// member is a tree with a log of ids.
type member struct {
	tree Tree
	log  map[Short]bool
	hops map[Short]int
}

// grove is a session on a simulated network.
type grove struct {
	net     *simnet.Net
	all     []*member
	payload int
	linked  map[[2]int]bool
	made    []Short
	bytes   uint64 // of the tree, control and framing
	synced  uint64 // of reconciliation
	pushed  uint64
	trace   func(from int, s Send)
	at      map[Short]time.Time
	delays  []time.Duration
}

func newGrove(seed uint64, n, payload int) *grove {
	g := &grove{net: simnet.New(seed), payload: payload, linked: map[[2]int]bool{}, at: map[Short]time.Time{}}
	g.net.Link = simnet.Link{Delay: 40 * time.Millisecond, Jitter: 20 * time.Millisecond}
	for range n {
		g.add(seed)
	}
	return g
}

func (g *grove) add(seed uint64) int {
	m := &member{log: map[Short]bool{}, hops: map[Short]int{}}
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	key[9], key[10] = byte(len(g.all)), byte(len(g.all)>>8)
	m.tree.Rand = mrand.NewChaCha8(key)
	g.all = append(g.all, m)
	return len(g.all) - 1
}

func name(i int) PeerID { return PeerID(fmt.Sprintf("%04d", i)) }

func index(p PeerID) (i int) { fmt.Sscan(strings.TrimLeft(string(p), "0")+" ", &i); return i }

// start lets all know all, and ticks them.
func (g *grove) start() {
	for i := range g.all {
		g.know(i)
		g.tick(i)
	}
}

func (g *grove) know(i int) {
	var list []PeerID
	for j := range g.all {
		if j != i {
			list = append(list, name(j))
		}
	}
	g.all[i].tree.Know(list)
}

func (g *grove) tick(i int) {
	if !g.net.Asleep(i) {
		g.do(i, g.all[i].tree.Tick(g.net.Now()))
	}
	g.net.After(g.all[i].tree.Next(g.net.Now()).Sub(g.net.Now())+time.Millisecond, func() { g.tick(i) })
}

func pair(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }

func (g *grove) do(from int, list []Send) {
	for _, s := range list {
		if g.trace != nil {
			g.trace(from, s)
		}
		to := index(s.To)
		switch {
		case s.Dial:
			g.net.Send(from, to, 0, func() { g.connect(from, to) })
		case s.Drop:
			g.hangUp(from, to)
		case !g.linked[pair(from, to)]:
		default:
			g.frame(from, to, s)
		}
	}
}

func (g *grove) connect(from, to int) {
	if g.linked[pair(from, to)] || g.net.Asleep(from) || g.net.Asleep(to) {
		return
	}
	g.linked[pair(from, to)] = true
	trip := 100 * time.Millisecond
	g.do(from, g.all[from].tree.Join(name(to), true, trip, g.net.Now()))
	g.do(to, g.all[to].tree.Join(name(from), false, trip, g.net.Now()))
}

func (g *grove) hangUp(a, b int) {
	if !g.linked[pair(a, b)] {
		return
	}
	delete(g.linked, pair(a, b))
	g.net.After(50*time.Millisecond, func() {
		g.do(a, g.all[a].tree.Gone(name(b), g.net.Now()))
		g.do(b, g.all[b].tree.Gone(name(a), g.net.Now()))
	})
}

func (g *grove) frame(from, to int, s Send) {
	body := map[byte]int{TreePush: 1, TreeIHave: 8 * len(s.IDs), TreeGraft: 8 * len(s.IDs), TreeVec: 40, TreeBye: 5}[s.Kind]
	if s.Kind == TreePush {
		body += len(s.IDs) * g.payload
		g.pushed += uint64(len(s.IDs))
	}
	size := body + 1 + wire.UvarintLen(uint64(body+1))
	g.bytes += uint64(size)
	g.net.Send(from, to, size, func() {
		if g.linked[pair(from, to)] {
			g.arrive(from, to, s)
		}
	})
}

func (g *grove) arrive(from, to int, s Send) {
	m, now := g.all[to], g.net.Now()
	switch s.Kind {
	case TreePush:
		fresh := make([]bool, len(s.IDs))
		for i, id := range s.IDs {
			if !m.log[id] {
				fresh[i], m.log[id], m.hops[id] = true, true, int(s.Hop)+1
				g.delays = append(g.delays, now.Sub(g.at[id]))
			}
		}
		g.do(to, m.tree.Received(name(from), s.Hop, s.IDs, fresh, now))
	case TreeVec:
		g.reconcile(from, to)
	default:
		g.do(to, m.tree.Frame(name(from), TreeFrame{Kind: s.Kind, IDs: s.IDs, Reason: s.Reason}, now))
	}
}

// reconcile gives each what the other has.
func (g *grove) reconcile(a, b int) {
	for _, d := range [][2]int{{a, b}, {b, a}} {
		var ids []Short
		for _, id := range g.made {
			if g.all[d[0]].log[id] && !g.all[d[1]].log[id] {
				ids = append(ids, id)
				g.all[d[1]].log[id] = true
			}
		}
		g.synced += uint64(len(ids) * g.payload)
		g.do(d[1], g.all[d[1]].tree.Synced(name(d[0]), ids, g.net.Now()))
	}
}

func (g *grove) write(i int) Short {
	var id Short
	binary.BigEndian.PutUint64(id[:], g.net.Rand.Uint64())
	g.made = append(g.made, id)
	g.at[id] = g.net.Now()
	g.all[i].log[id] = true
	g.do(i, g.all[i].tree.Wrote([]Short{id}, g.net.Now()))
	return id
}

// missing returns how many deliveries there are not.
func (g *grove) missing(ids []Short) (n int) {
	for _, m := range g.all {
		for _, id := range ids {
			if !m.log[id] {
				n++
			}
		}
	}
	return n
}

// eager returns the number of edges that are eager on both sides, and whether they connect all.
func (g *grove) eager() (edges int, whole bool) {
	next := map[int][]int{}
	for i, m := range g.all {
		list, _, _ := m.tree.Edges()
		for _, p := range list {
			j := index(p)
			other, _, _ := g.all[j].tree.Edges()
			if i < j && slices.Contains(other, name(i)) {
				next[i], next[j] = append(next[i], j), append(next[j], i)
				edges++
			}
		}
	}
	seen, queue := map[int]bool{0: true}, []int{0}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, j := range next[i] {
			if !seen[j] {
				seen[j] = true
				queue = append(queue, j)
			}
		}
	}
	return edges, len(seen) == len(g.all)
}
