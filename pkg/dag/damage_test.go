package dag

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// victim is a log whose records are broken on purpose, and what it has to be again afterwards.
type victim struct {
	*room
	raw  []store.Write // all records of log 1 before the damage
	all  []vertex.Item // what an undamaged replica holds
	wait []vertex.Item // what is parked
	want string

	bodiless map[vertex.ID]bool // whose bodies are broken
}

// newVictim makes a log of about 200 vertices by four authors and, with fork, two branches of one of them.
func newVictim(t *testing.T, fork bool) *victim {
	rnd := rand.New(rand.NewPCG(3, 3))
	v := &victim{room: newRoom(t, 4)}
	for i := 1; i < 4; i++ {
		v.give(i, v.root)
	}
	for n := range 200 {
		w := rnd.IntN(4)
		if v.logs[w].Ahead() {
			continue
		}
		text := fmt.Sprint("text ", n)
		if n%4 == 0 {
			text += string(make([]byte, maxInline))
		}
		it := v.write(w, text)
		if to := rnd.IntN(4); to != w {
			v.give(to, v.room.all(w)...)
		}
		if fork && w == 3 && n > 100 {
			twin := it.Vertex
			twin.HLC++
			v.give(1, vertex.Seal(twin, []byte("twin"), v.keys[3]))
		}
	}
	for range 2 {
		for i := range 4 {
			v.give(1, v.room.all(i)...)
			v.give(i, v.room.all(1)...)
		}
	}
	if fork {
		v.write(1, "names the fork")
	}
	for i := range 6 {
		x := v.all0().Vertex
		x.Author, x.Seq, x.Prev, x.Parents = v.keys[2].Public(), 0, vertex.ID{}, []vertex.ID{{byte(i)}}
		v.wait = append(v.wait, vertex.Seal(x, []byte("waits"), v.keys[2]))
	}
	v.give(1, v.wait...)
	v.all = v.room.all(1)
	v.want = v.describe()
	v.raw = records(t, v.eng[1])
	return v
}

func (v *victim) all0() vertex.Item {
	it, err := v.logs[1].Item(v.logs[1].Arrivals() - 1)
	if err != nil {
		v.t.Fatal(err)
	}
	return it
}

func records(t *testing.T, e store.Engine) (out []store.Write) {
	t.Helper()
	if err := e.Scan(nil, nil, func(k, v []byte) bool {
		out = append(out, store.Write{Key: bytes.Clone(k), Value: bytes.Clone(v)})
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// describe tells everything about log 1 that must be as before once it is healed.
func (v *victim) describe() string { return describe(v.logs[1]) }

func describe(l *Log) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%x\n", l.Digest())
	for _, m := range l.Order() {
		fmt.Fprintf(&b, "%s %d %d writer %v held %v\n", m.ID, m.Seq, m.Lamport, m.Writer, m.Held)
	}
	authors := l.Authors()
	slices.SortFunc(authors, func(a, b AuthorState) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	for _, a := range authors {
		n := a.Next
		if a.Forked {
			a.Tip = vertex.ID{}
		}
		fmt.Fprintf(&b, "%x next %d tip %s forked %v", a.Key[:4], n, a.Tip, a.Forked)
		var suffix []vertex.ID
		for _, at := range l.Suffix(a.Key, 0) {
			suffix = append(suffix, l.index.entries[at].id)
		}
		slices.SortFunc(suffix, vertex.ID.Compare)
		for s := range n {
			if id, ok := l.At(a.Key, s); !ok || l.index.entries[l.index.byID[id]].seq != s {
				fmt.Fprintf(&b, " no seq %d", s)
			}
		}
		fmt.Fprintf(&b, " %d %s\n", len(suffix), suffix)
	}
	return b.String()
}

// restore makes a fresh log 1 of the records, those at the places in hit broken.
func (v *victim) restore(rnd *rand.Rand, hit ...int) {
	v.eng[1] = store.NewMemory()
	v.fill(rnd, hit...)
	v.open(1)
}

// fill puts the records into the empty engine of log 1, those at the places in hit broken.
func (v *victim) fill(rnd *rand.Rand, hit ...int) {
	for i, w := range v.raw {
		val := bytes.Clone(w.Value)
		if slices.Contains(hit, i) {
			val[rnd.IntN(len(val))] ^= byte(1 << rnd.IntN(8))
		}
		if err := v.eng[1].Commit([]store.Write{{Key: w.Key, Value: val}}); err != nil {
			v.t.Fatal(err)
		}
	}
}

// readable checks that everything the log shows is really there, at its place, and nothing else is missing.
func (v *victim) readable(lost map[vertex.ID]bool) {
	v.t.Helper()
	l := v.logs[1]
	shown := 0
	for _, m := range l.Order() {
		it, err := l.Item(m.Arrival)
		if errors.Is(err, ErrNoBody) && v.bodiless[m.ID] {
			err = nil
		}
		if err != nil || it.ID != m.ID || it.Author != m.Author || it.Seq != m.Seq {
			v.t.Fatalf("place %d shows %s and holds %s: %v", m.Arrival, m.ID, it.ID, err)
		}
		if lost[m.ID] {
			v.t.Fatalf("%s is lost and shown", m.ID)
		}
		shown++
	}
	if shown != len(v.all)-len(lost) {
		v.t.Fatalf("%d of %d vertices shown with %d lost", shown, len(v.all), len(lost))
	}
	l.Seen(func(sig.Public) bool { return false })
	var out bytes.Buffer
	if n, err := l.Export(&out); err != nil || n != shown {
		v.t.Fatalf("exported %d: %v", n, err)
	}
}

// table returns the places of a table's records.
func (v *victim) table(t store.Table) (out []int) {
	for i, w := range v.raw {
		if w.Key[0] == byte(t) {
			out = append(out, i)
		}
	}
	return out
}

// at returns the vertex whose record stands at a place of raw.
func (v *victim) at(i int) vertex.Item {
	return v.all[int(v.raw[i].Key[len(v.raw[i].Key)-2])<<8|int(v.raw[i].Key[len(v.raw[i].Key)-1])]
}

// healed gives back what is wanted, at first by name alone, and checks that all is as before.
func (v *victim) healed(rnd *rand.Rand) {
	v.t.Helper()
	reopen := func() {
		v.open(1)
		if _, err := v.logs[1].Scrub(func() bool { return false }); err != nil {
			v.t.Fatal(err)
		}
	}
	reopen()
	by := map[vertex.ID]vertex.Item{}
	for _, it := range v.all {
		by[it.ID] = it
	}
	for range 300 {
		ids, bodies := v.logs[1].Wants(3)
		var items []vertex.Item
		for _, id := range append(ids, bodies...) {
			if it, ok := by[id]; ok {
				items = append(items, it)
			}
		}
		if len(items) == 0 {
			break
		}
		v.give(1, items...)
		if rnd.IntN(8) == 0 {
			reopen()
		}
	}
	pool := slices.Clone(v.all)
	rnd.Shuffle(len(pool), func(a, b int) { pool[a], pool[b] = pool[b], pool[a] })
	for len(pool) > 0 {
		n := min(len(pool), 1+rnd.IntN(80))
		v.give(1, pool[:n]...)
		pool = pool[n:]
		if rnd.IntN(5) == 0 {
			reopen()
		}
	}
	v.bodiless = nil
	v.check("after healing")
	v.readable(nil)
	v.open(1)
	v.check("after healing and opening")
	v.readable(nil)
	if n, err := v.logs[1].Scrub(func() bool { return false }); n > 0 || err != nil {
		v.t.Fatalf("scrub: %d broken, %v", n, err)
	}
	if d := v.logs[1].Damage(); d.Any() {
		v.t.Fatalf("still %+v", d)
	}
	spare := seedKey(77)
	v.judge[spare.Public()] = true
	it, err := v.logs[1].Append(spare, Draft{Kind: vertex.App, Now: noon, Body: func(*vertex.Vertex) ([]byte, error) { return []byte("on"), nil }})
	if err != nil {
		v.t.Fatal(err)
	}
	v.open(1)
	if m, ok := v.logs[1].Find(it.ID); !ok || m.Arrival != v.logs[1].Arrivals()-1 {
		v.t.Fatal("what was written after healing is not there after opening")
	}
}

func (v *victim) check(when string) {
	v.t.Helper()
	if got := v.describe(); got != v.want {
		v.t.Fatalf("%s:\n%s\nwant:\n%s", when, got, v.want)
	}
}

// named reports whether a held vertex names id.
func (v *victim) named(id vertex.ID, lost map[vertex.ID]bool) (any, asPrev bool) {
	for i := range v.all {
		if it := &v.all[i]; !lost[it.ID] && slices.Contains(names(it), id) {
			any, asPrev = true, asPrev || it.Seq > 0 && it.Prev == id
		}
	}
	return any, asPrev
}

// broken opens the log with the records at hit broken and checks what it says before anything comes back.
func (v *victim) broken(rnd *rand.Rand, hit ...int) {
	v.t.Helper()
	v.restore(rnd, hit...)
	lost := map[vertex.ID]bool{}
	v.bodiless = map[vertex.ID]bool{}
	for _, i := range hit {
		if v.raw[i].Key[0] == byte(store.TableBody) {
			v.bodiless[v.at(i).ID] = true
		}
		if v.raw[i].Key[0] == byte(store.TableVertex) {
			lost[v.at(i).ID] = true
		}
	}
	l := v.logs[1]
	if d := l.Damage(); d.Vertices+d.Tail < len(lost) {
		v.t.Fatalf("%d vertices lost, damage %+v", len(lost), d)
	}
	wants, _ := l.Wants(1000)
	tip := false
	for _, it := range v.all {
		if !lost[it.ID] {
			continue
		}
		named, asPrev := v.named(it.ID, lost)
		if (named || it.Root()) && !slices.Contains(wants, it.ID) {
			v.t.Fatalf("%s is lost and not wanted", it.ID)
		}
		tip = tip || it.Author == v.keys[1].Public() && !asPrev
	}
	if tip && !l.Ahead() {
		v.t.Fatal("the own key's last vertex may be lost and it writes on")
	}
	if l.Ahead() {
		if _, err := l.Append(v.keys[1], Draft{Now: noon}); !errors.Is(err, ErrAhead) {
			v.t.Fatalf("append with a spent key: %v", err)
		}
	}
	before := v.describe()
	v.readable(lost)
	v.open(1)
	if after := v.describe(); after != before || v.logs[1].Ahead() != l.Ahead() {
		v.t.Fatalf("another opening reads\n%s\nbefore\n%s", after, before)
	}
}

// TestLostVertex breaks each record of table v alone: all else stays, and it comes back when a peer gives it.
func TestLostVertex(t *testing.T) {
	for _, fork := range []bool{false, true} {
		v := newVictim(t, fork)
		rnd := rand.New(rand.NewPCG(1, 1))
		for _, i := range some(v.table(store.TableVertex), fork) {
			v.broken(rnd, i)
			v.healed(rnd)
		}
	}
}

// some takes each, or in a short or second run of the same kind every fifth.
func some(places []int, second bool) (out []int) {
	for i, p := range places {
		if i%5 == 0 || !second && !testing.Short() {
			out = append(out, p)
		}
	}
	return out
}

// TestLostOnBadger: the same on the engine that nodes use.
func TestLostOnBadger(t *testing.T) {
	v := newVictim(t, true)
	rnd := rand.New(rand.NewPCG(1, 7))
	vs := v.table(store.TableVertex)
	hit := []int{vs[0], vs[7], vs[8], vs[len(vs)-1], v.table(store.TableBody)[20], v.table(store.TableParked)[0]}
	db, err := store.OpenBadger(t.TempDir(), store.BadgerOptions{Phone: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	v.eng[1] = db
	v.fill(rnd, append(hit, v.table(store.TableState)...)...)
	v.open(1)
	if d := v.logs[1].Damage(); d.Vertices+d.Tail == 0 || d.Parked != 1 || d.Counters != 1 || !v.logs[1].Ahead() {
		t.Fatalf("damage %+v ahead %v", d, v.logs[1].Ahead())
	}
	v.healed(rnd)
}

// TestLostMany breaks any records of all tables at once, up to a whole author's and all of them.
func TestLostMany(t *testing.T) {
	n := uint64(100)
	if testing.Short() {
		n = 10
	}
	vs := []*victim{newVictim(t, false), newVictim(t, true)}
	for seed := range n {
		lostMany(seed, vs[seed%2])
	}
}

func lostMany(seed uint64, v *victim) {
	rnd := rand.New(rand.NewPCG(seed, 9))
	var hit []int
	switch rnd.IntN(4) {
	case 0: // a whole author
		a := v.keys[rnd.IntN(4)].Public()
		for _, i := range v.table(store.TableVertex) {
			if v.at(i).Author == a {
				hit = append(hit, i)
			}
		}
	case 1: // the newest
		vs := v.table(store.TableVertex)
		hit = slices.Clone(vs[len(vs)-1-rnd.IntN(40):])
	default:
		for range 1 + rnd.IntN(1<<rnd.IntN(9)) {
			hit = append(hit, rnd.IntN(len(v.raw)))
		}
		if rnd.IntN(3) == 0 {
			hit = append(hit, v.table(store.TableVertex)[0])
		}
	}
	v.broken(rnd, hit...)
	v.healed(rnd)
}

// TestLostBody: a body that does not open is noticed by reading, wanted, and taken back.
func TestLostBody(t *testing.T) {
	v := newVictim(t, false)
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, i := range some(v.table(store.TableBody), true) {
		v.restore(rnd, i)
		l := v.logs[1]
		if n, err := l.Scrub(func() bool { return false }); n != 1 || err != nil {
			t.Fatalf("scrub: %d broken, %v", n, err)
		}
		_, bodies := l.Wants(9)
		if d := l.Damage(); d.Bodies != 1 || len(bodies) != 1 || bodies[0] != v.at(i).ID || l.Ahead() {
			t.Fatalf("damage %+v, wanted %v, ahead %v", d, bodies, l.Ahead())
		}
		v.healed(rnd)
	}
}

// TestLostParked: what waits and does not open is forgotten, told, and parked again when it comes again.
func TestLostParked(t *testing.T) {
	v := newVictim(t, false)
	rnd := rand.New(rand.NewPCG(1, 3))
	for _, i := range v.table(store.TableParked) {
		v.restore(rnd, i)
		l := v.logs[1]
		if _, n := l.Count(); n != len(v.wait)-1 || l.Damage() != (Damage{Parked: 1}) || l.Ahead() {
			t.Fatalf("%d parked, damage %+v", n, l.Damage())
		}
		v.check("with a parked record lost")
		v.give(1, v.wait...)
		v.open(1)
		if _, n := v.logs[1].Count(); n != len(v.wait) || v.logs[1].Damage().Any() {
			t.Fatalf("%d parked, damage %+v", n, v.logs[1].Damage())
		}
	}
}

// TestLostCounters: without the record that tells what was lost, the own key is not trusted any more.
func TestLostCounters(t *testing.T) {
	v := newVictim(t, false)
	rnd := rand.New(rand.NewPCG(1, 4))
	v.restore(rnd, v.table(store.TableState)...)
	if l := v.logs[1]; !l.Damage().Any() || !l.Ahead() {
		t.Errorf("damage %+v ahead %v", l.Damage(), l.Ahead())
	}
	v.check("without counters")
	v.open(1)
	if l := v.logs[1]; l.Damage().Any() || !l.Ahead() {
		t.Errorf("opened again: damage %+v ahead %v", l.Damage(), l.Ahead())
	}
}

// TestLostCommits: the disk forgot the newest transactions whole, the record of them too or not.
func TestLostCommits(t *testing.T) {
	v := newVictim(t, false)
	vs := v.table(store.TableVertex)
	for n := 1; n < 30; n++ {
		gone := vs[len(vs)-n:]
		v.eng[1] = store.NewMemory()
		for i, w := range v.raw {
			if slices.Contains(gone, i) {
				continue
			}
			v.eng[1].Commit([]store.Write{w})
		}
		v.open(1)
		if l := v.logs[1]; l.Damage().Vertices+l.Damage().Tail < n || !l.Ahead() {
			t.Fatalf("%d lost: damage %+v ahead %v", n, l.Damage(), l.Ahead())
		}
		v.healed(rand.New(rand.NewPCG(uint64(n), 5)))
	}
}

// TestLostWhileRunning: a record that turns bad under an open log is wanted and comes back.
func TestLostWhileRunning(t *testing.T) {
	v := newVictim(t, false)
	rnd := rand.New(rand.NewPCG(1, 6))
	for _, i := range some(v.table(store.TableVertex), true) {
		v.restore(rnd)
		w := v.raw[i]
		v.eng[1].Commit([]store.Write{{Key: w.Key, Value: append(bytes.Clone(w.Value), 1)}})
		if n, err := v.logs[1].Scrub(func() bool { return false }); n != 1 || err != nil {
			t.Fatalf("scrub: %d broken, %v", n, err)
		}
		if ids, _ := v.logs[1].Wants(9); !slices.Contains(ids, v.at(i).ID) {
			t.Fatal("not wanted")
		}
		v.readable(map[vertex.ID]bool{v.at(i).ID: true})
		v.healed(rnd)
	}
}

// TestFlips flips random bits in random records.
func TestFlips(t *testing.T) {
	n := uint64(300)
	if testing.Short() {
		n = 20
	}
	flips(t, 0, n)
}

func flips(t *testing.T, from, to uint64) {
	vs := []*victim{newVictim(t, false), newVictim(t, true)}
	for seed := from; seed < to; seed++ {
		rnd := rand.New(rand.NewPCG(seed, 8))
		v := vs[seed%2]
		var hit []int
		for range 1 + rnd.IntN(4) {
			hit = append(hit, rnd.IntN(len(v.raw)))
		}
		v.broken(rnd, hit...)
		v.healed(rnd)
	}
}
