package node

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/store"
)

var replay = flag.Uint64("seed", 0, "run the simulated stories with this seed only")

var noon = time.UnixMilli(1_800_000_000_000).UTC()

// seeded is a deterministic source of randomness.
type seeded struct{ *rand.ChaCha8 }

func source(seed uint64, who int) seeded {
	return seeded{rand.NewChaCha8(sha256.Sum256(binary.BigEndian.AppendUint64([]byte{byte(who)}, seed)))}
}

// keep makes an engine outlive the Store that is closed over it.
type keep struct{ store.Engine }

func (keep) Close() error { return nil }

// simNode is a node without sockets: sessions over a memory engine.
type simNode struct {
	t    *testing.T
	name string
	rnd  seeded
	eng  store.Engine
	st   *store.Store
	home *session.Sessions
	skew time.Duration
}

func (n *simNode) open() {
	n.t.Helper()
	if n.st != nil {
		n.st.Close()
	}
	var err error
	if n.st, err = store.New(keep{n.eng}, store.Options{Rand: n.rnd}); err != nil {
		n.t.Fatal(err)
	}
	n.home, err = session.Open(session.Config{Store: n.st, State: store.Key{1}, Rand: n.rnd})
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *simNode) now() time.Time { return noon.Add(n.skew) }

func (n *simNode) only() *session.Session {
	if l := n.home.List(); len(l) > 0 {
		return l[0]
	}
	return nil
}

// cable is a stream between two nodes: two machines and the frames under way.
type cable struct {
	a, b   *simNode
	ma, mb *reconcile.Machine
	to     [2][]reconcile.Frame // to a, to b
	frames int
	bytes  int
}

func (n *simNode) machine(peer *simNode) *reconcile.Machine {
	return n.machineOf(peer, reconcile.Config{})
}

// machineOf is a machine with the line of cfg.
func (n *simNode) machineOf(peer *simNode, cfg reconcile.Config) *reconcile.Machine {
	var sets []reconcile.Set
	for _, s := range n.home.List() {
		sets = append(sets, &set{s: s, log: s.Log(), peer: peer.name, now: n.now})
	}
	cfg.Me, cfg.Peer, cfg.Sets = []byte(n.name), []byte(peer.name), sets
	cfg.Rand = func(b []byte) error { _, err := n.rnd.Read(b); return err }
	n.rnd.Read(cfg.Nonce[:])
	return reconcile.New(cfg)
}

func connect(a, b *simNode) *cable {
	l := &cable{a: a, b: b, ma: a.machine(b), mb: b.machine(a)}
	l.to[1], _ = l.ma.Start()
	l.to[0], _ = l.mb.Start()
	return l
}

// step delivers one frame to one side; false when nothing is under way.
func (l *cable) step(t *testing.T, side int) bool {
	t.Helper()
	if len(l.to[side]) == 0 {
		side = 1 - side
	}
	if len(l.to[side]) == 0 {
		return false
	}
	f := l.to[side][0]
	l.to[side] = l.to[side][1:]
	l.frames++
	l.bytes += len(f.Payload) + 2
	m := l.ma
	if side == 1 {
		m = l.mb
	}
	out, err := m.Receive(f)
	if err != nil {
		t.Fatalf("frame %d to side %d: %v", f.Type, side, err)
	}
	l.to[1-side] = append(l.to[1-side], out...)
	return true
}

func (l *cable) run(t *testing.T) (bytes int) {
	t.Helper()
	for i := 0; ; i++ {
		if i > 100_000 {
			t.Fatal("the stream does not come to rest")
		}
		if !l.step(t, i%2) {
			return l.bytes
		}
	}
}

func (l *cable) changed(t *testing.T) {
	t.Helper()
	for side, m := range []*reconcile.Machine{l.ma, l.mb} {
		out, err := m.Changed()
		if err != nil {
			t.Fatal(err)
		}
		l.to[1-side] = append(l.to[1-side], out...)
	}
}

func newSim(t *testing.T, seed uint64, n int) []*simNode {
	t.Helper()
	var out []*simNode
	for i := range n {
		s := &simNode{t: t, name: fmt.Sprint("node", i), rnd: source(seed, i), eng: store.NewMemory()}
		s.open()
		t.Cleanup(func() { s.st.Close() })
		out = append(out, s)
	}
	return out
}

func (n *simNode) say(text string) {
	n.t.Helper()
	if _, err := n.only().Send(text, n.now()); err != nil {
		n.t.Fatal(err)
	}
}

func (n *simNode) texts() (out []string) {
	n.t.Helper()
	ms, err := n.only().Read(n.now())
	if err != nil {
		n.t.Fatal(err)
	}
	for _, m := range ms {
		out = append(out, m.Text)
	}
	return out
}

// room makes a session on the first node that all others joined.
func room(t *testing.T, nodes []*simNode) {
	t.Helper()
	s, err := nodes[0].home.Create("room", nodes[0].now())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes[1:] {
		if _, err := n.home.Join(s.Invite(time.Time{}, nil), n.name, n.now()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTwoMeet(t *testing.T) {
	n := newSim(t, 1, 2)
	room(t, n)
	for i := range 50 {
		n[i%2].say(fmt.Sprint(i))
	}
	l := connect(n[0], n[1])
	l.run(t)
	if a, b := n[0].texts(), n[1].texts(); len(a) != 50 || !slices.Equal(a, b) {
		t.Fatalf("%d and %d messages", len(a), len(b))
	}
	n[0].say("live")
	l.changed(t)
	l.run(t)
	if got := n[1].texts(); got[len(got)-1] != "live" {
		t.Fatal("a push did not arrive")
	}
	ms, _ := n[0].only().Read(noon)
	if ms[len(ms)-1].State != session.Sent {
		t.Errorf("state %s after the peer stored it", ms[len(ms)-1].State)
	}
	if bytes := connect(n[0], n[1]).run(t); bytes > 600 {
		t.Errorf("%d bytes where nothing is new", bytes)
	} else {
		t.Logf("%d bytes both ways where nothing is new", bytes)
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	n := newSim(t, 2, 3)
	room(t, n[:2])
	if _, err := n[2].home.Create("other", noon); err != nil {
		t.Fatal(err)
	}
	l := connect(n[0], n[2])
	l.run(t)
	if shared, _ := l.ma.Shared(); shared != 0 {
		t.Error("a stranger shares a session")
	}
	if got := len(n[2].home.List()); got != 1 {
		t.Errorf("%d sessions", got)
	}
}

// TestForkedAuthor: an author wrote two long branches; vectors cannot describe it, the sketch brings both
// over in a few round trips, where walking from the heads takes one for each vertex.
func TestForkedAuthor(t *testing.T) {
	n := newSim(t, 5, 3)
	room(t, n)
	connect(n[0], n[1]).run(t)
	connect(n[0], n[2]).run(t)
	clone := &simNode{t: t, name: "clone", rnd: source(5, 9), eng: copyOf(t, n[2].eng)}
	clone.open()
	t.Cleanup(func() { clone.st.Close() })
	for i := range 300 {
		n[2].say(fmt.Sprint("left", i))
		clone.say(fmt.Sprint("right", i))
	}
	connect(n[0], n[2]).run(t)
	connect(n[1], clone).run(t)
	l := connect(n[0], n[1])
	l.run(t)
	if a, b := n[0].texts(), n[1].texts(); len(a) != 600 || !slices.Equal(a, b) {
		t.Fatalf("%d and %d messages of 600", len(a), len(b))
	}
	if l.frames > 200 {
		t.Errorf("%d frames: it walked", l.frames)
	}
	t.Logf("%d frames", l.frames)
}

// copyOf copies a disk.
func copyOf(t *testing.T, e store.Engine) store.Engine {
	t.Helper()
	out := store.NewMemory()
	var all []store.Write
	e.Scan(nil, nil, func(k, v []byte) bool {
		all = append(all, store.Write{Key: slices.Clone(k), Value: slices.Clone(v)})
		return true
	})
	if err := out.Commit(all); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStories runs random lives of a few nodes that share a session: writing, meeting, cut streams,
// restarts, clocks a day wrong, until all that meet hold all that was acknowledged.
func TestStories(t *testing.T) {
	n := uint64(100)
	if testing.Short() {
		n = 20
	}
	if long := stories(); long > 0 {
		n = long
	}
	end := time.Now().Add(soakFor())
	for i := uint64(1); i <= n || time.Now().Before(end); i++ {
		seed := i
		if i > n {
			seed = rand.Uint64()
		}
		if *replay != 0 {
			seed = *replay
		}
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { story(t, seed) }) {
			t.Fatalf("replay: go test ./pkg/node -run TestStories -seed=%d", seed)
		}
		if *replay != 0 {
			return
		}
	}
}

func story(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	n := newSim(t, seed, 2+rnd.IntN(4))
	for i, s := range n {
		s.skew = time.Duration(rnd.IntN(49)-24) * time.Hour * time.Duration(min(i, 1))
	}
	room(t, n)
	var said []string
	lines := map[[2]int]*cable{}
	for range 150 {
		i, j := rnd.IntN(len(n)), rnd.IntN(len(n))
		key := [2]int{min(i, j), max(i, j)}
		switch k := rnd.IntN(20); {
		case k < 6:
			text := fmt.Sprint(len(said))
			n[i].say(text)
			said = append(said, text)
			for _, l := range lines {
				l.changed(t)
			}
		case k < 8 && i != j:
			lines[key] = connect(n[key[0]], n[key[1]])
		case k < 9 && i != j: // the cable is pulled with frames under way
			delete(lines, key)
		case k < 10: // killed and started again
			n[i].open()
			for key := range lines {
				if key[0] == i || key[1] == i {
					delete(lines, key)
				}
			}
		default:
			for _, l := range sorted(lines) {
				for range rnd.IntN(6) {
					l.step(t, rnd.IntN(2))
				}
			}
		}
	}
	for range 2 {
		for i := range n {
			for j := range i {
				connect(n[j], n[i]).run(t)
			}
		}
	}
	slices.Sort(said)
	for _, s := range n {
		got := s.texts()
		slices.Sort(got)
		if !slices.Equal(got, said) {
			t.Fatalf("%s holds %d of %d messages: %s", s.name, len(got), len(said), strings.Join(s.only().Warnings(), "; "))
		}
		if s.only().Log().Digest() != n[0].only().Log().Digest() {
			t.Fatalf("%s has another digest", s.name)
		}
	}
}

func sorted(m map[[2]int]*cable) []*cable {
	keys := make([][2]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	out := make([]*cable, len(keys))
	for i, k := range keys {
		out[i] = m[k]
	}
	return out
}

// BenchmarkSync moves 5,000 messages between two nodes in memory: seal, sign, pack, unpack, attest.
func BenchmarkSync(b *testing.B) {
	t := &testing.T{}
	n := newSim(t, 1, 2)
	room(t, n)
	const messages = 5000
	for i := range messages {
		n[0].say(fmt.Sprint("a message of ordinary length, number ", i))
	}
	inv := n[0].only().Invite(time.Time{}, nil)
	for b.Loop() {
		fresh := &simNode{t: t, name: "fresh", rnd: source(uint64(b.N), 7), eng: store.NewMemory()}
		fresh.open()
		if _, err := fresh.home.Join(inv, "", noon); err != nil {
			b.Fatal(err)
		}
		connect(n[0], fresh).run(t)
		if got := len(fresh.texts()); got != messages {
			b.Fatal(got)
		}
	}
	b.ReportMetric(messages*float64(b.N)/b.Elapsed().Seconds(), "vertices/s")
}
