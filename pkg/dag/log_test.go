package dag

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

var replay = flag.Uint64("seed", 0, "run the random tests with this seed only")

var noon = time.UnixMilli(1_800_000_000_000)

// members is a Judge: everybody whose first key byte differs from that of the strangers may write.
type members map[sig.Public]bool

func (m members) MayWrite(it *vertex.Item) bool { return m[it.Author] }

// room is a session with a few writers, each with a log of its own.
type room struct {
	t     testing.TB
	keys  []sig.Private
	judge members
	logs  []*Log
	eng   []store.Engine
	root  vertex.Item
	legal map[vertex.ID]bool // what an author signed, where a test keeps count
}

func seedKey(i int) sig.Private { return sig.FromSeed([32]byte{byte(i), byte(i >> 8), 1}) }

func newRoom(t testing.TB, n int) *room {
	r := &room{t: t, judge: members{}}
	for i := range n {
		r.keys = append(r.keys, seedKey(i))
		r.judge[r.keys[i].Public()] = true
	}
	v := vertex.Vertex{Session: vertex.SessionOf(r.keys[0].Public()), Author: r.keys[0].Public(), Lamport: 1,
		HLC: uint64(noon.UnixMilli()), Kind: vertex.Control}
	r.root = vertex.Seal(v, []byte("create"), r.keys[0])
	for i := range n {
		r.eng = append(r.eng, store.NewMemory())
		r.logs = append(r.logs, nil)
		r.open(i)
	}
	if err := r.logs[0].Found(r.root, nil); err != nil {
		t.Fatal(err)
	}
	return r
}

// keep makes an engine outlive the Store that is closed over it.
type keep struct{ store.Engine }

func (keep) Close() error { return nil }

func (r *room) open(i int) {
	r.t.Helper()
	st, err := store.New(keep{r.eng[i]}, store.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { st.Close() })
	l, err := Open(Config{Store: st, Space: st.Space(7, store.Key{9}), Session: r.root.Session, Genesis: r.root.ID,
		Own: r.keys[i].Public(), Judge: r.judge})
	if err != nil {
		r.t.Fatal(err)
	}
	r.logs[i] = l
}

func (r *room) give(i int, items ...vertex.Item) []Result {
	r.t.Helper()
	got, err := r.logs[i].Receive("peer", items, noon)
	if err != nil {
		r.t.Fatal(err)
	}
	return got.Results
}

func (r *room) write(i int, text string) vertex.Item {
	r.t.Helper()
	it, err := r.logs[i].Append(r.keys[i], Draft{Kind: vertex.App, Now: noon,
		Body: func(*vertex.Vertex) ([]byte, error) { return []byte(text), nil }})
	if err != nil {
		r.t.Fatal(err)
	}
	return it
}

// all returns what log i holds, parents first.
func (r *room) all(i int) []vertex.Item {
	r.t.Helper()
	var out []vertex.Item
	for _, m := range r.logs[i].Since(0) {
		it, err := r.logs[i].Item(m.Arrival)
		if err != nil {
			r.t.Fatal(err)
		}
		out = append(out, it)
	}
	return out
}

func (r *room) same(a, b int) {
	r.t.Helper()
	if r.logs[a].Digest() != r.logs[b].Digest() {
		na, pa := r.logs[a].Count()
		nb, pb := r.logs[b].Count()
		r.t.Fatalf("logs %d and %d differ: %d+%d and %d+%d vertices", a, b, na, pa, nb, pb)
	}
	if fmt.Sprint(ids(r.logs[a].Order())) != fmt.Sprint(ids(r.logs[b].Order())) {
		r.t.Fatalf("logs %d and %d read in different orders", a, b)
	}
}

func ids(ms []Meta) (out []vertex.ID) {
	for _, m := range ms {
		out = append(out, m.ID)
	}
	return out
}

func outcomes(rs []Result) (out []string) {
	for _, r := range rs {
		out = append(out, string(r.Outcome)+" "+r.Reason)
	}
	return out
}

func TestAppendAndMerge(t *testing.T) {
	r := newRoom(t, 3)
	for i := range r.logs[1:] {
		r.give(i+1, r.root)
	}
	for i := range 30 {
		r.write(i%3, fmt.Sprint(i))
	}
	for a := range 3 {
		var b bytes.Buffer
		if _, err := r.logs[a].Export(&b); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for c := range 3 {
				if _, err := r.logs[c].Import(bytes.NewReader(b.Bytes()), "file", noon, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	r.same(0, 1)
	r.same(1, 2)
	if n, _ := r.logs[0].Count(); n != 31 {
		t.Errorf("%d vertices", n)
	}
}

// TestAnyOrder delivers a history of five writers, one of whom forks, in random orders, batches and with
// signatures on tips only, with restarts between: every log ends with the same set and order.
func TestAnyOrder(t *testing.T) {
	seeds := []uint64{}
	for s := range uint64(60) {
		seeds = append(seeds, s)
	}
	if *replay != 0 {
		seeds = []uint64{*replay}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("replay: go test ./pkg/dag -run TestAnyOrder -seed=%d", seed)
				}
			}()
			anyOrder(t, seed)
		})
	}
}

func anyOrder(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	r := newRoom(t, 5)
	for i := 1; i < 5; i++ {
		r.give(i, r.root)
	}
	var made []vertex.Item
	for i := range 60 {
		w := rnd.IntN(5)
		if r.logs[w].Ahead() || slices.Contains(r.logs[w].Forks(), r.keys[w].Public()) {
			continue
		}
		made = append(made, r.write(w, fmt.Sprint(i)))
		r.give(rnd.IntN(5), r.all(w)...)
		if i == 20 {
			v := made[len(made)-1].Vertex
			v.HLC++
			r.give(rnd.IntN(5), vertex.Seal(v, []byte("fork"), keyOf(r, v.Author)))
		}
	}
	pool := append([]vertex.Item{}, r.all(0)...)
	for i := 1; i < 5; i++ {
		pool = append(pool, r.all(i)...)
	}
	vertex.TipSignatures(pool[:len(pool)/2])
	for i := range 5 {
		rnd.Shuffle(len(pool), func(a, b int) { pool[a], pool[b] = pool[b], pool[a] })
		for n := 0; n < len(pool); {
			k := min(len(pool)-n, 1+rnd.IntN(12))
			r.give(i, slices.Clone(pool[n:n+k])...)
			n += k
			if rnd.IntN(10) == 0 {
				r.open(i)
			}
		}
	}
	for range 3 { // whoever accepted a vertex of the forked author names it, so that all accept it
		for a := range 5 {
			if _, err := r.logs[a].Append(r.keys[a], Draft{Now: noon}); err != nil {
				spare := seedKey(50 + a) // a device whose key was cloned comes back under a new one
				r.judge[spare.Public()] = true
				if _, err := r.logs[a].Append(spare, Draft{Now: noon}); err != nil {
					t.Fatal(err)
				}
			}
			for b := range 5 {
				r.give(b, r.all(a)...)
			}
		}
	}
	for i := 1; i < 5; i++ {
		r.same(0, i)
	}
}

func keyOf(r *room, pub sig.Public) sig.Private {
	for _, k := range r.keys {
		if k.Public() == pub {
			return k
		}
	}
	return sig.Private{}
}

func TestReasons(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	a := r.write(0, "a")
	b := r.write(0, "b")
	r.give(1, a)
	edit := func(f func(v *vertex.Vertex)) vertex.Item {
		v := b.Vertex
		f(&v)
		return vertex.Seal(v, b.Body, r.keys[0])
	}
	forged := b
	forged.Sig[5] ^= 1
	small := vertex.Seal(vertex.Vertex{Session: r.root.Session, Parents: []vertex.ID{r.root.ID}, Lamport: 2, Kind: vertex.App}, []byte("x"), r.keys[0])
	stranger := vertex.Seal(vertex.Vertex{Session: r.root.Session, Author: seedKey(99).Public(), Parents: []vertex.ID{r.root.ID},
		Lamport: 2, Kind: vertex.App}, []byte("x"), seedKey(99))
	unsigned := b
	unsigned.Signed = false
	for _, c := range []struct {
		name, want string
		it         vertex.Item
	}{
		{"forged", "refused signature", forged},
		{"unsigned", "parked unattested", unsigned},
		{"session", "refused session", edit(func(v *vertex.Vertex) { v.Session[0]++ })},
		{"seq", "refused seq", edit(func(v *vertex.Vertex) { v.Seq++ })},
		{"lamport", "refused lamport", edit(func(v *vertex.Vertex) { v.Lamport += 5 })},
		{"prev", "refused prev", vertex.Seal(vertex.Vertex{Session: b.Session, Author: r.keys[1].Public(), Seq: 2, Prev: a.ID, Lamport: 3, Kind: vertex.App}, b.Body, r.keys[1])},
		{"root", "refused root", edit(func(v *vertex.Vertex) { v.Seq, v.Prev, v.Lamport = 0, vertex.ID{}, 1 })},
		{"author", "refused author", small},
		{"stranger", "parked writer", stranger},
		{"missing", "parked missing", edit(func(v *vertex.Vertex) { v.Parents = []vertex.ID{{1}} })},
		{"future", "new ", func() vertex.Item { x := b; return x }()},
		{"replay", "known ", b},
	} {
		if got := outcomes(r.give(1, c.it)); got[0] != c.want {
			t.Errorf("%s: got %q want %q", c.name, got[0], c.want)
		}
	}
}

// TestForkIsNamed: the pair is accepted, the author's later vertices wait until another member names them.
func TestForkIsNamed(t *testing.T) {
	r := newRoom(t, 3)
	r.give(1, r.root)
	r.give(2, r.root)
	a1 := r.write(0, "one")
	twin := a1.Vertex
	twin.HLC++
	a2 := vertex.Seal(twin, []byte("two"), r.keys[0])
	got, err := r.logs[1].Receive("peer", []vertex.Item{a1, a2}, noon)
	if err != nil || !slices.Equal(got.Forks, []sig.Public{r.keys[0].Public()}) || got.New != 2 {
		t.Fatalf("fork not reported: %+v %v", got, err)
	}
	next := a1.Vertex
	next.Seq, next.Prev, next.Lamport, next.Parents = 2, a1.ID, a1.Lamport+1, nil
	a3 := vertex.Seal(next, []byte("more"), r.keys[0])
	if o := outcomes(r.give(1, a3)); o[0] != "parked exposed" {
		t.Fatalf("exposed author: %v", o)
	}
	r.give(2, a1, a3) // this one saw no fork yet
	b := r.write(2, "I name it")
	r.give(1, b)
	r.give(2, a2)
	r.same(1, 2)
	if _, err := r.logs[0].Append(r.keys[0], Draft{Now: noon}); err != nil {
		t.Fatalf("log 0 has not seen its twin yet: %v", err)
	}
}

// TestOwnKeyElsewhere: an own vertex from outside means that the key must not write again.
func TestOwnKeyElsewhere(t *testing.T) {
	r := newRoom(t, 2)
	it := r.write(0, "mine")
	r.eng[0] = store.NewMemory()
	r.open(0)
	r.give(0, r.root, it)
	r.open(0) // and it is remembered
	if _, err := r.logs[0].Append(r.keys[0], Draft{Now: noon}); !errors.Is(err, ErrAhead) {
		t.Errorf("got %v", err)
	}
}

func TestManyHeads(t *testing.T) {
	r := newRoom(t, 45)
	var all []vertex.Item
	for i := 1; i < 45; i++ {
		r.give(i, r.root)
		all = append(all, r.write(i, "hello"))
	}
	r.give(0, all...)
	it := r.write(0, "merge")
	if heads := r.logs[0].Heads(); len(heads) != 1 || heads[0] != it.ID {
		t.Errorf("%d heads", len(heads))
	}
}

// TestAccepted: whoever folds the log is told of each vertex once, parents first, by every road.
func TestAccepted(t *testing.T) {
	r := newRoom(t, 3)
	r.give(1, r.root)
	for i := range 40 {
		r.write(0, fmt.Sprint(i))
	}
	var told []vertex.ID
	seen := map[vertex.ID]bool{}
	r.give(2, r.root)
	r.logs[2].cfg.Accepted = func(it *vertex.Item) {
		for _, id := range names(it) {
			if !seen[id] && id != r.root.ID {
				t.Errorf("told of a vertex before what it names")
			}
		}
		if _, err := r.logs[2].Item(mustFind(t, r.logs[2], it.ID)); err != nil {
			t.Errorf("told before it is durable: %v", err)
		}
		seen[it.ID] = true
		told = append(told, it.ID)
	}
	all := r.all(0)
	slices.Reverse(all)
	r.give(2, all[:25]...) // parked, then woken
	var b bytes.Buffer
	if _, err := r.logs[0].Export(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := r.logs[2].Import(&b, "file", noon, nil); err != nil {
		t.Fatal(err)
	}
	r.same(0, 2)
	if len(told) != 40 || len(seen) != 40 {
		t.Errorf("told %d times of %d vertices", len(told), len(seen))
	}
}

func mustFind(t *testing.T, l *Log, id vertex.ID) uint32 {
	t.Helper()
	m, ok := l.Find(id)
	if !ok {
		t.Fatal("told of a vertex that is not there")
	}
	return m.Arrival
}
