package dag

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// orphan makes a vertex that names what nobody has.
func (r *room) orphan(key sig.Private, n int, size int) vertex.Item {
	var miss vertex.ID
	binary.BigEndian.PutUint64(miss[:], uint64(n)+1)
	return vertex.Seal(vertex.Vertex{Session: r.root.Session, Author: key.Public(), Parents: []vertex.ID{miss}, Lamport: 9,
		Kind: vertex.App}, make([]byte, size), key)
}

func (r *room) from(sender string, now time.Time, items ...vertex.Item) []Result {
	r.t.Helper()
	got, err := r.logs[1].Receive(sender, items, now)
	if err != nil {
		r.t.Fatal(err)
	}
	return got.Results
}

// parkedNow checks that the park's counts are those of its items, in memory and after another opening.
func (r *room) parkedNow() (n, bytes int) {
	r.t.Helper()
	for range 2 {
		k := r.logs[1].park
		n, bytes = 0, 0
		senders, authors := map[string]load{}, map[sig.Public]int{}
		for _, p := range k.items {
			n, bytes = n+1, bytes+p.size()
			senders[p.sender] = load{senders[p.sender].items + 1, senders[p.sender].bytes + p.size()}
			authors[p.item.Author]++
		}
		if n != len(k.items) || bytes != k.bytes || fmt.Sprint(senders) != fmt.Sprint(k.bySender) || fmt.Sprint(authors) != fmt.Sprint(k.byAuthor) {
			r.t.Fatalf("park counts %d %v %v, holds %d %v %v", k.bytes, k.bySender, k.byAuthor, bytes, senders, authors)
		}
		r.limited(1, r.logs[1].cfg.Limits)
	}
	return n, bytes
}

// limited opens log i again with limits.
func (r *room) limited(i int, lim Limits) {
	r.t.Helper()
	old := r.logs[i].cfg
	old.Limits = lim
	l, err := Open(old)
	if err != nil {
		r.t.Fatal(err)
	}
	r.logs[i] = l
}

// TestParkLimits floods the park by one sender and by one author, with small and with large vertices.
func TestParkLimits(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	r.limited(1, Limits{Items: 100, Bytes: 64 << 10, Author: 20})
	small, large := seedKey(61), seedKey(62)
	for i := range 300 {
		r.from("flood", noon, r.orphan(seedKey(100+i), i, 1))
		if n, _ := r.parkedNow(); n > 50 {
			t.Fatalf("one sender has %d parked of 100 for all", n)
		}
	}
	honest := r.orphan(small, 7, 1)
	r.from("honest", noon, honest)
	for i := range 300 {
		r.from(fmt.Sprint("flood", i%3), noon, r.orphan(seedKey(100+i), i, 1000))
		if n, size := r.parkedNow(); n > 100 || size > 64<<10 {
			t.Fatalf("%d parked, %d bytes", n, size)
		}
	}
	if r.logs[1].park.items[honest.ID] == nil {
		t.Error("a flood threw out what an honest sender had parked")
	}
	r.limited(1, Limits{Author: 20})
	refused := 0
	for i := range 60 {
		it := r.orphan(large, 1000+i, 1)
		it.Signed = false
		if got := r.from("flood", noon, it)[0]; got.Outcome == Refused {
			refused++
		}
	}
	if n := r.logs[1].park.byAuthor[large.Public()]; n != 20 || refused != 40 {
		t.Errorf("%d parked of one author, %d refused", n, refused)
	}
	signed := r.orphan(large, 5000, 1)
	if got := r.from("honest", noon, signed)[0]; got.Outcome != Parked {
		t.Errorf("unsigned vertices in an author's name keep out its own: %+v", got)
	}
	r.parkedNow()
}

// TestParkAge: what waits too long goes when the next vertex comes.
func TestParkAge(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	r.from("a", noon, r.orphan(seedKey(61), 1, 1))
	r.from("a", noon.Add(13*24*time.Hour), r.orphan(seedKey(61), 2, 1))
	if n, _ := r.parkedNow(); n != 2 {
		t.Fatalf("%d parked", n)
	}
	r.from("a", noon.Add(14*24*time.Hour+2*time.Second), r.root)
	if n, _ := r.parkedNow(); n != 1 {
		t.Errorf("%d parked after 14 days", n)
	}
}

// TestEvictedIsNotParked: an answer says parked only of what the park holds.
func TestEvictedIsNotParked(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	r.limited(1, Limits{Items: 10})
	var items []vertex.Item
	for i := range 40 {
		items = append(items, r.orphan(seedKey(61), i, 1))
		items[i].Signed = i%2 == 0
	}
	for _, got := range r.from("a", noon, items...) {
		if p := r.logs[1].park.items[got.ID]; (p != nil) != (got.Outcome == Parked) {
			t.Fatalf("answered %s %s, parked %v", got.Outcome, got.Reason, p != nil)
		}
	}
	if n, _ := r.parkedNow(); n == 0 || n > 10 {
		t.Errorf("%d parked", n)
	}
}

// TestWantsAreShared: one sender's vertices with many made-up parents do not crowd out another's.
func TestWantsAreShared(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	for i := range 200 {
		junk := vertex.Vertex{Session: r.root.Session, Author: seedKey(300 + i).Public(), Lamport: 9, Kind: vertex.App}
		for p := range vertex.MaxParents {
			junk.Parents = append(junk.Parents, vertex.ID{byte(p), byte(i)})
		}
		r.from("liar", noon, vertex.Seal(junk, []byte("x"), seedKey(300+i)))
	}
	var real []vertex.ID
	for i := range 20 {
		it := r.orphan(r.keys[0], i, 1)
		real = append(real, it.Parents[0])
		if i%4 == 0 {
			unsigned := r.orphan(r.keys[0], 100+i, 1)
			unsigned.Signed = false
			r.from("honest", noon, unsigned)
		}
		r.from("honest", noon, it)
	}
	wants, _ := r.logs[1].Wants(40)
	if len(wants) != 40 {
		t.Fatalf("%d wants", len(wants))
	}
	for _, id := range real {
		if !slices.Contains(wants, id) {
			t.Errorf("%s is not wanted", id)
		}
	}
	if again, _ := r.logs[1].Wants(40); !slices.Equal(again, wants) {
		t.Error("wants change from call to call")
	}
}

// TestForgedCopies: a wrong signature or body condemns the copy, never the vertex.
func TestForgedCopies(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	a, b := r.write(0, "a"), r.write(0, "b")
	forged := a
	forged.Sig[0] ^= 1
	if got := outcomes(r.give(1, forged, b)); got[0] != "new " || got[1] != "new " {
		t.Fatalf("below a signed successor: %v", got) // b attests a
	}
	at := r.logs[1].index.byID[a.ID]
	if r.logs[1].index.entries[at].flags&hasSig != 0 {
		t.Error("a wrong signature is kept")
	}
	if got := outcomes(r.give(1, forged)); got[0] != "known " || r.logs[1].index.entries[at].flags&hasSig != 0 {
		t.Errorf("forged again: %v", got)
	}
	if r.give(1, a); r.logs[1].index.entries[at].flags&hasSig == 0 {
		t.Error("the right signature is not kept")
	}
	c := r.write(0, "c")
	bad := c
	bad.Sig[0] ^= 1
	if got := outcomes(r.give(1, bad, c)); !slices.Equal(got, []string{"new ", "known "}) {
		t.Errorf("good copy behind the forged one: %v", got)
	}
	d, e := r.write(0, "d"), r.write(0, "e")
	e.Signed = false
	bad = d
	bad.Sig[0] ^= 1
	if got := outcomes(r.give(1, bad, e)); got[0] != "refused signature" {
		t.Errorf("forged alone: %v", got)
	}
	if got := outcomes(r.give(1, d)); got[0] != "new " {
		t.Errorf("the vertex after its forged copy: %v", got)
	}
}

// TestFutureAndPast: the author's clock decides nothing.
func TestFutureAndPast(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	for i, ms := range []uint64{0, 1 << 40, vertex.MaxHLC} {
		v := vertex.Vertex{Session: r.root.Session, Author: r.keys[0].Public(), Seq: 1, Prev: r.root.ID, Lamport: 2, HLC: ms, Kind: vertex.App}
		if i > 0 {
			v.Author, v.Seq, v.Prev, v.Parents = r.keys[1].Public(), 0, vertex.ID{}, []vertex.ID{r.root.ID}
		}
		if got := outcomes(r.give(1, vertex.Seal(v, []byte{byte(i)}, r.keys[min(i, 1)]))); got[0] != "new " {
			t.Errorf("clock at %d: %v", ms, got)
		}
	}
}

// TestStreamOfJunk: refused items of a stream are told with their reasons and the good ones between are taken.
func TestStreamOfJunk(t *testing.T) {
	r := newRoom(t, 2)
	good := r.write(0, "good")
	big := vertex.Item{Vertex: good.Vertex, Signed: true, Body: make([]byte, vertex.MaxBody)}
	big.Size = vertex.MaxBody
	foreign := good.Vertex
	foreign.Session[0]++
	wrong := good
	wrong.Body = []byte("evil")
	var b []byte
	b = r.root.Append(b)
	b = wrong.Append(b)
	b = big.Append(b)
	b = append(b, 0x83, 0xa0, 0x40, 0x40)
	b = append(b, 0x82, 0x40, 0x40)
	f := vertex.Seal(foreign, good.Body, r.keys[0])
	b = f.Append(b)
	b = good.Append(b)
	got := map[string]int{}
	if _, err := r.logs[1].Import(bytes.NewReader(b), "file", noon, func(x Result) { got[string(x.Outcome)+" "+x.Reason]++ }); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"new ": 2, "refused body": 2, "refused canonical": 2, "refused session": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v want %v", got, want)
	}
	if _, err := r.logs[1].Import(strings.NewReader("\x83\xff"), "file", noon, nil); !errors.Is(err, vertex.ErrLost) {
		t.Errorf("no beginning: %v", err)
	}
	if _, err := r.logs[1].Import(bytes.NewReader(b[:len(b)-3]), "file", noon, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v", err)
	}
}

// TestMemoryOfJunk: parked junk takes at most four times its bytes, refused junk nothing.
func TestMemoryOfJunk(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	var parked, refused []byte
	for i := range 2000 {
		it := r.orphan(seedKey(i%40), i, 200)
		parked = it.Append(parked)
		it.Sig[3] ^= 1
		v := it.Vertex
		v.HLC++
		it = vertex.Seal(v, it.Body, seedKey(999))
		refused = it.Append(refused)
	}
	if grown := r.heap(refused); grown > 1<<20 {
		t.Errorf("%d bytes of refused junk hold %d", len(refused), grown)
	}
	if grown := r.heap(parked); grown > 4*len(parked) {
		t.Errorf("%d bytes of parked junk hold %d", len(parked), grown)
	}
	if n, _ := r.parkedNow(); n != 2000 {
		t.Errorf("%d parked", n)
	}
}

// heap receives b and returns by how much the live heap, the store's records left out, grew.
func (r *room) heap(b []byte) int {
	live := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		size, _ := r.eng[1].Size()
		return int(m.HeapAlloc) - int(size)
	}
	before := live()
	if _, err := r.logs[1].Import(bytes.NewReader(b), "file", noon, nil); err != nil {
		r.t.Fatal(err)
	}
	return live() - before
}

// fingerprint is what must not change unless something is new or parked.
func fingerprint(l *Log) string {
	n, parked := l.Count()
	return fmt.Sprintf("%x %d %d %v, %d parked", l.Digest(), n, l.Arrivals(), l.Damage(), parked)
}

// swallow gives b to log 1 as an item and as a run and checks what must hold whatever it is.
func (r *room) swallow(t testing.TB, b []byte) {
	var items []vertex.Item
	if it, _, err := vertex.DecodeItem(b); err == nil {
		items = append(items, it)
	}
	if run, err := vertex.DecodeRun(r.root.Session, b); err == nil {
		items = append(items, run...)
	}
	if len(items) == 0 {
		return
	}
	l := r.logs[1]
	before := fingerprint(l)
	got, err := l.Receive("fuzz", items, noon)
	if err != nil {
		t.Fatal(err)
	}
	changed := got.New > 0
	for _, x := range got.Results {
		changed = changed || x.Outcome == Parked
		if x.Outcome == New && r.legal != nil && !r.legal[x.ID] {
			t.Fatalf("%s is accepted and no author signed it", x.ID)
		}
		if x.Outcome == New && l.index.entries[l.index.byID[x.ID]].flags&(hasSig|continued) == 0 {
			t.Fatalf("%s is accepted and nothing attests it", x.ID)
		}
	}
	after := fingerprint(l)
	if doomed(got.Results) {
		before, _, _ = strings.Cut(before, ",")
		after, _, _ = strings.Cut(after, ",")
	}
	if after != before && !changed {
		t.Fatalf("refused or known, and yet\n%s\nbecame\n%s", before, after)
	}
}

// doomed reports whether a refusal may have taken parked vertices that stand on it along.
func doomed(rs []Result) bool {
	return slices.ContainsFunc(rs, func(r Result) bool { return r.Outcome == Refused && r.Reason != string(vertex.BadSession) })
}

// seeds are a few items and runs of a small session.
func (r *room) seeds() (out [][]byte) {
	r.write(0, "a")
	r.write(0, "b with a longer text, so that a header can be guessed from it")
	r.write(0, "c with a longer text, so that a header can be guessed from it")
	all := r.all(0)
	for i := range all {
		out = append(out, all[i].Append(nil))
	}
	for n := 1; n <= len(all); n++ {
		if run, err := vertex.Pack(all[len(all)-n:], r.logs[0].Lamport); err == nil {
			out = append(out, run)
		}
	}
	tips := slices.Clone(all)
	vertex.TipSignatures(tips)
	if run, err := vertex.Pack(tips, r.logs[0].Lamport); err == nil {
		out = append(out, run)
	}
	return out
}

// TestMutations changes, cuts, doubles and joins good bytes. Replay: go test ./pkg/dag -run TestMutations -seed=N
func TestMutations(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	mutations(t, 0, n)
}

func mutations(t *testing.T, from uint64, n int) {
	if *replay != 0 {
		from = *replay
	}
	r := newRoom(t, 2)
	seeds := r.seeds()
	r.legal = map[vertex.ID]bool{r.root.ID: true}
	for _, it := range r.all(0) {
		r.legal[it.ID] = true
	}
	for i := 0; i < n; i++ {
		if i%2000 == 0 {
			r.eng[1] = store.NewMemory()
			r.open(1)
			r.give(1, r.root)
		}
		rnd := rand.New(rand.NewPCG(from+uint64(i/1000), uint64(i)))
		if i%8 == 0 {
			r.swallow(t, r.crooked(rnd))
		} else {
			r.swallow(t, mutate(rnd, seeds))
		}
		if t.Failed() {
			t.Fatalf("seed %d, case %d", from+uint64(i/1000), i)
		}
	}
}

func mutate(rnd *rand.Rand, seeds [][]byte) []byte {
	b := bytes.Clone(seeds[rnd.IntN(len(seeds))])
	for range 1 + rnd.IntN(3) {
		i := rnd.IntN(len(b) + 1)
		switch rnd.IntN(6) {
		case 0:
			b = b[:i]
		case 1:
			o := seeds[rnd.IntN(len(seeds))]
			b = append(b[:i:i], o[rnd.IntN(len(o)):]...)
		case 2:
			b = slices.Insert(b, i, byte(rnd.Uint32()))
		default:
			if i < len(b) {
				b[i] ^= byte(1 << rnd.IntN(8))
			}
		}
		if len(b) == 0 {
			return []byte{0}
		}
	}
	return b
}

// crooked is a vertex with a field or two changed and then sealed by somebody: it passes every decoder.
func (r *room) crooked(rnd *rand.Rand) []byte {
	all := r.all(0)
	it := all[rnd.IntN(len(all))]
	v := it.Vertex
	v.Parents = slices.Clone(v.Parents)
	key := r.keys[rnd.IntN(2)]
	for range 1 + rnd.IntN(2) {
		o := all[rnd.IntN(len(all))]
		switch rnd.IntN(9) {
		case 0:
			v.Seq = o.Seq
		case 1:
			v.Prev = o.ID
		case 2:
			v.Parents = append(v.Parents, o.ID)
			slices.SortFunc(v.Parents, vertex.ID.Compare)
		case 3:
			v.Lamport = o.Lamport + uint64(rnd.IntN(3))
		case 4:
			v.Epoch = uint32(rnd.IntN(3))
		case 5:
			v.Author = key.Public()
		case 6:
			v.HLC = rnd.Uint64() & vertex.MaxHLC
		case 7:
			v.Seq, v.Prev = 0, vertex.ID{}
		case 8:
			v.Kind = vertex.Kind(rnd.IntN(6))
		}
	}
	bad := vertex.Seal(v, it.Body, key)
	bad.Signed = rnd.IntN(4) > 0
	b := bad.Append(nil)
	if _, _, err := vertex.DecodeItem(b); err == nil && bad.Signed && bad.Author == key.Public() {
		r.legal[bad.ID] = true
	}
	return b
}

func FuzzReceive(f *testing.F) {
	var t testing.T
	r := newRoom(&t, 2)
	for _, s := range r.seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newRoom(t, 2)
		r.give(1, r.root)
		r.swallow(t, b)
		before := fingerprint(r.logs[1])
		r.open(1)
		if after := fingerprint(r.logs[1]); after != before {
			t.Fatalf("memory\n%s\ndisk\n%s", before, after)
		}
	})
}
