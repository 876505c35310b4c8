package gossip

import (
	"encoding/binary"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/internal/convo"
	"github.com/pars-network/pars/internal/simnet"
)

// The target: at most one and a half payloads a delivery, control and framing counted, at 50 members.
func TestTreeIsCheap(t *testing.T) {
	for _, payload := range []int{300, 4096} {
		g := newGrove(1, 50, payload)
		g.start()
		g.net.Run(20 * time.Second)
		for range 10 {
			g.write(g.net.Rand.IntN(50))
			g.net.Run(time.Second)
		}
		edges, whole := g.eager()
		if limit := 49 + 3; edges > limit || !whole {
			t.Errorf("%d B: %d eager edges, whole %v", payload, edges, whole)
		}
		from := len(g.made)
		g.bytes, g.pushed, g.synced = 0, 0, 0
		for range 100 {
			g.write(g.net.Rand.IntN(50))
			g.net.Run(time.Second)
		}
		g.net.Run(5 * time.Second)
		if n := g.missing(g.made[from:]); n != 0 {
			t.Errorf("%d deliveries missing", n)
		}
		ratio := float64(g.bytes+g.synced) / float64(100*49*payload)
		slices.Sort(g.delays)
		t.Logf("%d B: %.3f payload bytes a delivery, %.3f pushes, p95 %v", payload, ratio, float64(g.pushed)/4900, g.delays[len(g.delays)*95/100])
		if ratio > 1.5 {
			t.Errorf("%d B: %.3f payload bytes a delivery", payload, ratio)
		}
	}
}

// Whatever is lost, sleeps, dies or is cut: once the network is quiet, all that are connected hold all.
func TestTreeConverges(t *testing.T) {
	seeds := []uint64{1, 2, 3, 4, 5, 6, 7, 8}
	if *seedFlag != 0 {
		seeds = []uint64{*seedFlag}
	}
	for _, seed := range seeds {
		converge(t, seed)
	}
}

func converge(t *testing.T, seed uint64) {
	r := mrand.New(mrand.NewPCG(seed, 9))
	n := 8 + r.IntN(40)
	g := newGrove(seed, n, 300)
	g.net.Link.Loss = r.Float64() * 0.6
	g.start()
	for range 120 {
		g.net.Run(time.Duration(r.IntN(1500)) * time.Millisecond)
		i := r.IntN(len(g.all))
		switch r.IntN(8) {
		case 0:
			g.net.Sleep(i)
			for p := range g.linked {
				if p[0] == i || p[1] == i {
					g.hangUp(p[0], p[1])
				}
			}
		case 1:
			g.net.Wake(i)
		case 2:
			j := r.IntN(len(g.all))
			g.hangUp(i, j)
		case 3:
			if len(g.all) < 60 {
				j := g.add(seed)
				g.know(j)
				g.tick(j)
			}
		default:
			if !g.net.Asleep(i) {
				g.write(i)
			}
		}
	}
	g.net.Link.Loss = 0
	for i := range g.all {
		g.net.Wake(i)
		g.know(i)
	}
	g.net.Run(6 * time.Minute)
	if lost := g.missing(g.made); lost != 0 {
		t.Errorf("-seed=%d: %d of %d deliveries missing", seed, lost, len(g.made)*len(g.all))
	}
	before := len(g.made)
	for range 10 { // liveness: the tree carries again
		g.write(r.IntN(len(g.all)))
		g.net.Run(3 * time.Second)
	}
	if lost := g.missing(g.made[before:]); lost != 0 {
		t.Errorf("-seed=%d: the tree does not carry: %d missing", seed, lost)
	}
}

// A cut of the session in two heals.
func TestTreePartition(t *testing.T) {
	g := newGrove(4, 30, 300)
	g.start()
	g.net.Run(20 * time.Second)
	for a := range 15 {
		for b := 15; b < 30; b++ {
			g.net.Cut(a, b)
			g.net.Cut(b, a)
		}
	}
	for i := range 20 {
		g.write(i)
		g.net.Run(time.Second)
	}
	for a := range 15 {
		for b := 15; b < 30; b++ {
			g.net.Heal(a, b)
			g.net.Heal(b, a)
		}
	}
	g.write(3)
	g.net.Run(3 * time.Minute)
	if lost := g.missing(g.made); lost != 0 {
		t.Errorf("%d missing after the cut healed", lost)
	}
}

// A thousand members: how far a message travels.
func TestTreeAtScale(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand members") // skip: with -short alone
	}
	g := newGrove(2, 1000, 300)
	for _, m := range g.all {
		m.tree.Active = ActiveFor(1000, false)
	}
	g.start()
	g.net.Run(20 * time.Second)
	for range 10 {
		g.write(g.net.Rand.IntN(1000))
		g.net.Run(time.Second)
	}
	g.delays = nil
	for range 5 {
		g.write(g.net.Rand.IntN(1000))
		g.net.Run(2 * time.Second)
	}
	g.net.Run(10 * time.Second)
	if lost := g.missing(g.made); lost != 0 {
		t.Errorf("%d missing", lost)
	}
	var hops []int
	for _, m := range g.all {
		for _, id := range g.made[10:] {
			hops = append(hops, m.hops[id])
		}
	}
	slices.Sort(hops)
	slices.Sort(g.delays)
	p95 := hops[len(hops)*95/100]
	t.Logf("hops p50 %d, p95 %d; delay p95 %v", hops[len(hops)/2], p95, g.delays[len(g.delays)*95/100])
	if p95 > maxTreeHop {
		t.Errorf("p95 of %d hops", p95)
	}
}

// A forged push moves no edge: what the log refuses is not told to the tree. And a flood of ids costs a bounded memory.
func TestTreeUnderAttack(t *testing.T) {
	var m Tree
	m.Rand = mrand.NewChaCha8([32]byte{1})
	now := time.Unix(0, 0)
	m.Join("bad", false, 0, now)
	m.Join("good", false, 0, now)
	r := mrand.New(mrand.NewPCG(1, 1))
	for range 100 {
		ids := make([]Short, maxIHave)
		for i := range ids {
			binary.BigEndian.PutUint64(ids[i][:], r.Uint64())
		}
		m.Frame("bad", TreeFrame{Kind: TreeIHave, IDs: ids}, now)
	}
	if len(m.missing) > maxMissing {
		t.Errorf("waits for %d ids", len(m.missing))
	}
	grafts := 0
	for range 100 {
		now = now.Add(time.Second)
		for _, s := range m.Tick(now) {
			if s.Kind == TreeGraft {
				grafts++
			}
		}
	}
	if grafts > maxMissing || len(m.missing) != 0 {
		t.Errorf("asked %d times, waits for %d", grafts, len(m.missing))
	}
	if out := m.Frame("stranger", TreeFrame{Kind: TreeGraft}, now); out != nil {
		t.Errorf("answers who is no neighbour: %v", out)
	}
	for range 20 {
		m.Join(PeerID(fmt.Sprint(r.Uint64())), false, 0, now)
	}
	if len(m.edges) > activeView+moreEdges {
		t.Errorf("%d neighbours", len(m.edges))
	}
}

// A member whose only eager edge brings a vertex twice keeps it: without one it would hear by announcements alone.
func TestTreeKeepsItsOnlyEdge(t *testing.T) {
	m := Tree{Rand: mrand.NewChaCha8([32]byte{1})}
	now := time.Unix(0, 0)
	m.Join("a", false, 0, now)
	m.Join("b", false, 0, now)
	id := []Short{{1}}
	m.Received("a", 0, id, []bool{true}, now)
	if out := m.Received("b", 0, id, []bool{false}, now); len(out) != 1 || out[0].Kind != TreePrune {
		t.Errorf("a second edge is kept: %v", out)
	}
	if out := m.Received("a", 0, id, []bool{false}, now); len(out) != 0 {
		t.Errorf("the only edge is pruned: %v", out)
	}
}

// Conversations: what a small session sends, in words.
func TestTreeConversations(t *testing.T) {
	convo.Run(t, "testdata/tree_*.txt", func(t *testing.T) func(convo.Command) string {
		var g *grove
		var out strings.Builder
		ids := map[Short]string{}
		at := func(s string) int { return int(s[0] - 'a') }
		return func(c convo.Command) string {
			out.Reset()
			switch c.Verb {
			case "new":
				g = newGrove(1, len(c.Args), 300)
				g.net.Link = simnet.Link{Delay: 50 * time.Millisecond}
				kinds := map[byte]string{TreePush: "push", TreeIHave: "ihave", TreeGraft: "graft", TreePrune: "prune", TreeVec: "vec", TreeBye: "bye"}
				g.trace = func(from int, s Send) {
					what := kinds[s.Kind]
					if s.Dial {
						what = "dial"
					} else if s.Drop {
						what = "drop"
					}
					var list []string
					for _, id := range s.IDs {
						list = append(list, ids[id])
					}
					fmt.Fprintf(&out, "%s->%s: %s %s\n", c1(from), c1(index(s.To)), what, strings.Join(list, " "))
				}
				for i := range g.all {
					g.all[i].tree.Active = len(c.Args)
					g.tick(i)
				}
			case "link":
				g.connect(at(c.Args[0]), at(c.Args[1]))
			case "cut":
				g.net.Cut(at(c.Args[0]), at(c.Args[1]))
			case "hangup":
				g.hangUp(at(c.Args[0]), at(c.Args[1]))
			case "write":
				i := at(c.Args[0])
				var id Short
				copy(id[:], c.Args[1])
				ids[id] = c.Args[1]
				g.made = append(g.made, id)
				g.all[i].log[id] = true
				g.do(i, g.all[i].tree.Wrote([]Short{id}, g.net.Now()))
			case "run":
				d, err := time.ParseDuration(c.Args[0])
				if err != nil {
					return err.Error()
				}
				g.net.Run(d)
			case "edges":
				for i, m := range g.all {
					e, l, p := m.tree.Edges()
					fmt.Fprintf(&out, "%s: eager %s lazy %s parked %s\n", c1(i), letters(e), letters(l), letters(p))
				}
			case "bye":
				i, j := at(c.Args[0]), at(c.Args[1])
				g.do(j, g.all[j].tree.Frame(name(i), TreeFrame{Kind: TreeBye, Reason: ByeSleep, Back: 600}, g.net.Now()))
			default:
				return "unknown verb " + c.Verb
			}
			return strings.ReplaceAll(out.String(), " \n", "\n")
		}
	})
}

func c1(i int) string { return string(rune('a' + i)) }

func letters(list []PeerID) string {
	out := "-"
	for i, p := range list {
		if i == 0 {
			out = ""
		}
		out += c1(index(p))
	}
	return out
}
