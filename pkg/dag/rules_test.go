package dag

import (
	"slices"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// on makes a vertex of key that continues prev, if that is its own, and names parents.
func (r *room) on(key sig.Private, prev *vertex.Item, parents ...vertex.Item) vertex.Item {
	v := vertex.Vertex{Session: r.root.Session, Author: key.Public(), Kind: vertex.App}
	if prev != nil {
		v.Seq, v.Prev, v.Lamport, v.Epoch = prev.Seq+1, prev.ID, prev.Lamport, prev.Epoch
	}
	for _, p := range parents {
		v.Parents = append(v.Parents, p.ID)
		v.Lamport, v.Epoch = max(v.Lamport, p.Lamport), max(v.Epoch, p.Epoch)
	}
	slices.SortFunc(v.Parents, vertex.ID.Compare)
	v.Lamport++
	return vertex.Seal(v, []byte{1}, key)
}

func (r *room) expect(got []Result, want ...string) {
	r.t.Helper()
	if o := outcomes(got); !slices.Equal(o, want) {
		r.t.Errorf("got %q want %q", o, want)
	}
}

// TestAttestation: the signature of a vertex that waits does not stand for the one below it.
func TestAttestation(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	x := r.on(r.keys[0], &r.root)
	y := r.on(r.keys[0], &x, r.orphan(r.keys[1], 1, 1))
	bare := x
	bare.Signed = false
	r.expect(r.give(1, bare, y), "parked unattested", "parked missing")
	if n, _ := r.logs[1].Count(); n != 1 {
		t.Errorf("%d accepted", n)
	}
	r.expect(r.give(1, r.on(r.keys[0], &x)), "new ") // this one does
	if _, ok := r.logs[1].Find(x.ID); !ok {
		t.Error("not attested by its signed successor")
	}
}

func TestEpochDoesNotFall(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	up := r.on(r.keys[0], &r.root).Vertex
	up.Epoch = 2
	a := vertex.Seal(up, []byte{1}, r.keys[0])
	down := r.on(r.keys[0], &a).Vertex
	down.Epoch = 1
	r.expect(r.give(1, a, vertex.Seal(down, []byte{1}, r.keys[0])), "new ", "refused epoch")
	side := r.on(r.keys[1], nil, a).Vertex
	side.Epoch = 1
	r.expect(r.give(1, vertex.Seal(side, []byte{1}, r.keys[1]), r.on(r.keys[1], nil, a)), "refused epoch", "new ")
}

// TestRefusedPast: nothing waits behind what is refused, whichever came first, and nothing is remembered.
func TestRefusedPast(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	wrong := r.on(r.keys[0], &r.root).Vertex
	wrong.Lamport += 3
	bad := vertex.Seal(wrong, []byte{1}, r.keys[0])
	child := r.on(r.keys[1], nil, bad)
	grand := r.on(r.keys[1], &child)
	r.expect(r.give(1, bad, child), "refused lamport", "refused past")
	r.expect(r.give(1, child, grand), "parked missing", "parked missing")
	r.expect(r.give(1, bad), "refused lamport")
	if n, parked := r.logs[1].Count(); n != 1 || parked != 0 {
		t.Errorf("%d accepted, %d parked", n, parked)
	}
	if got := r.logs[1].Refused(); got[vertex.BadLamport] != 2 || got[vertex.BadPast] != 3 {
		t.Errorf("counted %v", got)
	}
	r.open(1)
	if _, parked := r.logs[1].Count(); parked != 0 {
		t.Errorf("%d parked on disk", parked)
	}
}

// TestStrangersCannotVouch: strangers who name one another all wait; a member who names the last lets all in.
func TestStrangersCannotVouch(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	p, q := seedKey(81), seedKey(82)
	a := r.on(p, nil, r.root)
	b := r.on(q, nil, a)
	c := r.on(p, &a, b)
	r.expect(r.give(1, a, b, c), "parked writer", "parked missing", "parked missing")
	r.expect(r.give(1, r.on(r.keys[0], &r.root, c)), "new ")
	if n, parked := r.logs[1].Count(); n != 5 || parked != 0 {
		t.Errorf("%d accepted, %d parked", n, parked)
	}
	if m, _ := r.logs[1].Find(b.ID); m.Writer {
		t.Error("a stranger counts as a writer because somebody named it")
	}
}

// TestRestoredUnsigned: a lost vertex that comes back without its signature is still asked for, and not
// named, for nobody could prove it to others.
func TestRestoredUnsigned(t *testing.T) {
	r := newRoom(t, 3)
	x := r.write(0, "x")
	y := r.on(r.keys[2], nil, x)
	r.give(1, r.root, x, y)
	for _, w := range records(t, r.eng[1]) {
		if w.Key[0] == byte(store.TableVertex) && w.Key[len(w.Key)-1] == 1 {
			r.eng[1].Commit([]store.Write{{Key: w.Key, Value: w.Value[1:]}})
		}
	}
	r.open(1)
	bare := x
	bare.Signed = false
	r.expect(r.give(1, bare), "new ")
	for range 2 {
		if _, bodies := r.logs[1].Wants(9); !slices.Equal(bodies, []vertex.ID{x.ID}) {
			t.Errorf("wanted %v", bodies)
		}
		r.open(1)
	}
	r.judge[seedKey(83).Public()] = true
	it, err := r.logs[1].Append(seedKey(83), Draft{Now: noon})
	if err != nil || slices.Contains(it.Parents, y.ID) {
		t.Errorf("names what it cannot prove: %v", err)
	}
	r.expect(r.give(1, x), "known ")
	if _, bodies := r.logs[1].Wants(9); len(bodies) > 0 || r.logs[1].Damage().Any() {
		t.Errorf("still wanted %v, damage %+v", bodies, r.logs[1].Damage())
	}
}

// TestUnsignedGoFirst: when the park is full, what somebody signed outlives what nobody did.
func TestUnsignedGoFirst(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	r.limited(1, Limits{Items: 20})
	for i := range 60 {
		it := r.orphan(seedKey(61), i, 1)
		it.Signed = i < 4
		r.from("a", noon, it)
	}
	signed := 0
	for _, p := range r.logs[1].park.items {
		if p.item.Signed {
			signed++
		}
	}
	if signed != 4 {
		t.Errorf("%d of 4 signed ones are left", signed)
	}
}

// TestIncompleteIsNotNamed: whose body is missing, here or below, is not named until it has come.
func TestIncompleteIsNotNamed(t *testing.T) {
	r := newRoom(t, 3)
	r.give(1, r.root)
	a := r.write(0, "a")
	b := r.write(0, "b")
	bare := a
	bare.Body = nil
	r.expect(r.give(1, bare, b), "new ", "new ")
	first := r.write(1, "one")
	if !slices.Equal(first.Parents, []vertex.ID{r.root.ID}) {
		t.Errorf("names %v", first.Parents)
	}
	if _, bodies := r.logs[1].Wants(9); !slices.Equal(bodies, []vertex.ID{a.ID}) {
		t.Errorf("wants %v", bodies)
	}
	r.open(1)
	r.expect(r.give(1, a), "known ")
	if second := r.write(1, "two"); !slices.Equal(second.Parents, []vertex.ID{b.ID}) {
		t.Errorf("names %v once the body is here", second.Parents)
	}
	r.open(1)
	if it, err := r.logs[1].Item(r.logs[1].index.byID[a.ID]); err != nil || string(it.Body) != "a" {
		t.Errorf("body %q: %v", it.Body, err)
	}
}

// TestBetterCopyOfParked: what waits keeps the body and the signature that a later copy brings, also over a
// restart, and the park counts them.
func TestBetterCopyOfParked(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	a := r.write(0, "a")
	b := r.write(0, "b with a body of its own")
	bare := b
	bare.Body, bare.Signed = nil, false
	r.expect(r.give(1, bare), "parked missing")
	r.parkedNow()
	forged := b
	forged.Sig[0] ^= 1
	r.expect(r.give(1, forged), "parked missing")
	if n, size := r.parkedNow(); n != 1 || size != parkedOverhead+len(b.Body) {
		t.Errorf("%d parked, %d bytes counted", n, size)
	}
	if r.logs[1].park.items[b.ID].item.Signed {
		t.Error("a wrong signature is kept")
	}
	r.expect(r.give(1, b), "parked missing")
	r.parkedNow()
	a.Signed = false
	r.expect(r.give(1, a), "new ") // attested by the signature that waited
	if it, err := r.logs[1].Item(r.logs[1].index.byID[b.ID]); err != nil || !slices.Equal(it.Body, b.Body) || it.Sig != b.Sig {
		t.Errorf("%q %v", it.Body, err)
	}
	if n, _ := r.parkedNow(); n != 0 {
		t.Errorf("%d parked", n)
	}
}

// TestParkKeepsNoBuffer: what waits holds its own body and not the run that it came in.
func TestParkKeepsNoBuffer(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	it := r.orphan(r.keys[0], 1, 100)
	bare := r.orphan(r.keys[0], 2, 100)
	full := bare
	bare.Body = nil
	r.expect(r.give(1, it, bare), "parked missing", "parked missing")
	r.expect(r.give(1, full), "parked missing")
	for i := range it.Body {
		it.Body[i], full.Body[i] = 9, 9
	}
	for _, p := range r.logs[1].park.items {
		if err := p.item.CheckBody(); err != nil {
			t.Errorf("its body is that of the carrier's buffer: %v", err)
		}
	}
}
