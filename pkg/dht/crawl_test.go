package dht

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// simCaller lets a crawl walk a network in memory. It may be asked by many at once: it changes nothing.
type simCaller struct{ s *sim }

// Call is of Caller.
func (c simCaller) Call(_ context.Context, p Peer) (Talk, error) {
	n := c.s.byID[p.ID]
	if n == nil || n.dead {
		return nil, context.DeadlineExceeded
	}
	return simTalk{n}, nil
}

type simTalk struct{ n *simNode }

// FindNode is of Talk.
func (t simTalk) FindNode(_ context.Context, key []byte) ([]Peer, error) {
	if t.n.liar {
		return nil, ErrWrongNet
	}
	return nearest(t.n.table, NodeID(PeerID(key)), K), nil
}

// Hello is of Talk.
func (simTalk) Hello(context.Context) (Hello, error) { return Hello{Agent: "sim"}, nil }

// HangUp is of Talk.
func (simTalk) HangUp() {}

func crawl(t testing.TB, s *sim, change func(*Crawl)) map[string]NodeLine {
	t.Helper()
	out := map[string]NodeLine{}
	c := &Crawl{Caller: simCaller{s}, Workers: 4, Now: time.Now, Neighbours: true, Who: true, Emit: func(l NodeLine) error {
		if _, twice := out[l.PeerID]; twice {
			t.Errorf("%s told twice", l.PeerID)
		}
		out[l.PeerID] = l
		return nil
	}}
	if change != nil {
		change(c)
	}
	seeds := []Peer{s.nodes[0].peer}
	for id := range c.Done { // as the file of an earlier run names them
		seeds = append(seeds, s.byID[id].peer)
	}
	if _, err := c.Run(context.Background(), seeds); err != nil {
		t.Fatal(err)
	}
	return out
}

// Every node that answers is found, those that do not are told with the reason, and a second run asks the rest.
func TestCrawl(t *testing.T) {
	s := newSim(20, 500)
	for i := 1; i < 500; i += 5 {
		s.nodes[i].dead = true
	}
	s.nodes[2].liar = true // of another network
	all := crawl(t, s, nil)
	for _, n := range s.nodes {
		l, ok := all[PeerName(n.peer.ID)]
		want := map[bool]string{true: "timeout"}[n.dead]
		if n.liar {
			want = "wrong-net"
		}
		if !ok || l.Error != want || l.Agent != map[bool]string{false: "sim"}[n.dead] || l.Reachable != (want == "") {
			t.Errorf("%+v", l)
		}
	}
	done := map[PeerID]bool{}
	first := crawl(t, s, func(c *Crawl) {
		c.Limit = 100
		c.Heard = func(l NodeLine) error {
			for _, n := range s.nodes {
				if PeerName(n.peer.ID) == l.PeerID {
					done[n.peer.ID] = false
				}
			}
			return nil
		}
	})
	for id := range done {
		done[id] = first[PeerName(id)].PeerID != ""
	}
	rest := crawl(t, s, func(c *Crawl) { c.Done = done })
	if len(first) != 100 || len(first)+len(rest) != len(s.nodes) {
		t.Errorf("%d asked, then %d, of %d; the limit was 100", len(first), len(rest), len(s.nodes))
	}
	for id := range rest {
		if first[id].PeerID != "" {
			t.Errorf("%s asked again", id)
		}
	}
}

// asks counts the requests of a crawl.
type asks struct {
	Caller
	n *atomic.Int64
}

// Call is of Caller.
func (c asks) Call(ctx context.Context, p Peer) (Talk, error) {
	t, err := c.Caller.Call(ctx, p)
	return counted{t, c.n}, err
}

type counted struct {
	Talk
	n *atomic.Int64
}

// FindNode is of Talk.
func (a counted) FindNode(ctx context.Context, key []byte) ([]Peer, error) {
	a.n.Add(1)
	return a.Talk.FindNode(ctx, key)
}

// A crawl for who is there asks each node a few times and finds all; one for neighbours hears each table to its end, and asks
// for no bucket of which it has all already.
func TestCrawlAsksFew(t *testing.T) {
	s := newSim(21, 1000)
	for i := 1; i < 1000; i += 5 {
		s.nodes[i].dead = true
	}
	for _, neighbours := range []bool{false, true} {
		var n atomic.Int64
		got := crawl(t, s, func(c *Crawl) { c.Caller, c.Neighbours = asks{c.Caller, &n}, neighbours })
		if len(got) != len(s.nodes) {
			t.Errorf("%d of %d found", len(got), len(s.nodes))
		}
		per := float64(n.Load()) / 800
		t.Logf("%.1f requests a node", per)
		if most := map[bool]float64{false: 3, true: 8}[neighbours]; per > most {
			t.Errorf("%.1f requests a node, want at most %.0f", per, most)
		}
		for _, x := range s.nodes {
			if l := got[PeerName(x.peer.ID)]; neighbours && !x.dead && len(l.Neighbours) != len(x.table) {
				t.Errorf("%d neighbours of %d", len(l.Neighbours), len(x.table))
			}
		}
	}
}

// A crawl that is interrupted, or whose output fails, ends and says so.
func TestCrawlEnds(t *testing.T) {
	s := newSim(21, 200)
	ctx, cancel := context.WithCancel(context.Background())
	told := 0
	c := &Crawl{Caller: simCaller{s}, Workers: 3, Now: time.Now, Emit: func(NodeLine) error {
		if told++; told == 10 {
			cancel()
		}
		return nil
	}}
	if _, err := c.Run(ctx, []Peer{s.nodes[0].peer}); !errors.Is(err, context.Canceled) || told > 20 {
		t.Errorf("%d told, %v", told, err)
	}
	c.Emit = func(NodeLine) error { return wire.ErrBusy }
	if n, err := c.Run(context.Background(), []Peer{s.nodes[0].peer}); !errors.Is(err, wire.ErrBusy) || n > 10 {
		t.Errorf("%d asked, %v", n, err)
	}
}

func BenchmarkCrawl(b *testing.B) {
	s := newSim(22, 2000)
	b.ResetTimer()
	n := 0
	for b.Loop() {
		n += len(crawl(b, s, nil))
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "nodes/s")
}

func line(i int, addr string) NodeLine {
	return NodeLine{PeerID: PeerName(PeerOf(sig.FromSeed(fill(uint64(5000 + i))).Public())), Addrs: []string{addr}, Reachable: true}
}

func lines(n int, addr func(i int) string) (out []NodeLine) {
	for i := range n {
		out = append(out, line(i, addr(i)))
	}
	return out
}

func spread(i int) string { return fmt.Sprintf("/ip4/%d.%d.7.1/tcp/1", 20+i%100, i/100) }

func alarms(list []Finding) string {
	var out []string
	for _, f := range list {
		if f.Alarm {
			out = append(out, f.What)
		}
	}
	return strings.Join(out, " ")
}

func TestAudit(t *testing.T) {
	honest := lines(600, spread)
	if got := alarms(Audit(honest, nil)); got != "" {
		t.Errorf("honest: alarm %s", got)
	}
	key := ID(fill(70))
	crowd := honest
	for i := 0; len(crowd) < 645; i++ {
		l := line(10_000+i, spread(i))
		if p, err := l.Peer(); err != nil {
			t.Fatal(err)
		} else if NodeID(p.ID).Distance(key).fraction() < 0.01 {
			crowd = append(crowd, l)
		}
	}
	if got := alarms(Audit(crowd, &key)); got != "density" {
		t.Errorf("45 more in a hundredth of the space: alarm %q", got)
	}
	if got := alarms(Audit(crowd, nil)); got != "density" {
		t.Errorf("the same, no key named: alarm %q", got)
	}
	rack := lines(600, func(i int) string { return fmt.Sprintf("/ip4/5.6.%d.%d/tcp/1", i/200, i%200+1) })
	if got := alarms(Audit(rack, nil)); got != "share" {
		t.Errorf("one network: alarm %q", got)
	}
	for i := range honest[:20] {
		for j := range 10 {
			honest[i].Neighbours = append(honest[i].Neighbours, honest[(i+j)%20].PeerID)
		}
	}
	if got := alarms(Audit(honest, nil)); got != "" {
		t.Errorf("neighbours in common: alarm %q", got)
	}
	for j := range 10 {
		honest[30].Neighbours = append(honest[30].Neighbours, honest[100+j].PeerID)
	}
	if got := alarms(Audit(honest, nil)); got != "apart" {
		t.Errorf("a liar: alarm %q", got)
	}
}

func TestCompare(t *testing.T) {
	old := lines(4, spread)
	fresh := append([]NodeLine{}, old[1:]...)
	moved := fresh[0]
	moved.Addrs = []string{"/ip4/9.9.9.9/tcp/1"}
	fresh[0] = moved
	usurper := line(9, spread(3))
	fresh[2] = usurper
	got := map[string]string{}
	for _, f := range Compare(old, fresh) {
		got[f.What] += f.Detail + ";"
	}
	if !strings.Contains(got["left"], old[0].PeerID) || !strings.Contains(got["left"], old[3].PeerID) || !strings.HasPrefix(got["joined"], usurper.PeerID) ||
		!strings.HasPrefix(got["address"], moved.PeerID) || !strings.Contains(got["identity"], usurper.PeerID) {
		t.Errorf("%v", got)
	}
	if same := Compare(old, old); len(same) != 0 {
		t.Errorf("nothing changed: %v", same)
	}
}

func TestReadNodes(t *testing.T) {
	a := line(1, "/ip4/5.6.7.8/tcp/1")
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	more := append(append(bytes.Clone(b[:len(b)-1]), `,"later":{"x":[1]}`...), '}')
	in := strings.Join([]string{string(more), "", a.PeerID + "\t" + a.Addrs[0], a.Addrs[0] + "/p2p/" + a.PeerID,
		fmt.Sprintf(`{"addr":"%s/p2p/%s","road":"dns"}`, a.Addrs[0], a.PeerID), "{", "nobody", strings.Repeat("x", 200_000), `{"peer_id":"` + strings.Repeat("x", 70_000) + `"}`}, "\n")
	var got []NodeLine
	skipped, err := ReadNodes(strings.NewReader(in), func(l NodeLine) error { got = append(got, l); return nil })
	if err != nil || skipped != 4 || len(got) != 4 {
		t.Fatalf("%d lines, %d skipped, %v", len(got), skipped, err)
	}
	for i, l := range got {
		if p, err := l.Peer(); err != nil || l.PeerID != a.PeerID || len(p.Addrs) != 1 {
			t.Errorf("line %d: %+v %v", i, l, err)
		}
	}
	back, err := json.Marshal(got[0])
	if err != nil || !bytes.Contains(back, []byte(`"later":{"x":[1]}`)) {
		t.Errorf("what is not known was dropped: %s %v", back, err)
	}
}

func FuzzParseNode(f *testing.F) {
	a := line(1, "/ip4/5.6.7.8/tcp/1")
	b, err := json.Marshal(a)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(a.Text()))
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := ParseNode(in)
		if err != nil {
			return
		}
		b, err := json.Marshal(l)
		if err != nil {
			return // a time that JSON cannot carry
		}
		if len(b) > maxNodeLine {
			return
		}
		if again, err := ParseNode(b); err != nil || again.PeerID != l.PeerID {
			t.Errorf("%s: %v", b, err)
		}
	})
}
