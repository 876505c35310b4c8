package list

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Every flipped byte of a root or a leaf is refused.
func TestFlips(t *testing.T) {
	s, keys := signers(1, 3, 5, 1)
	l := build(t, s, keys[:3], 7, t0, 200)
	x := trust(t, s)
	at := Arrival{Now: t0 + 10}
	if _, err := x.Check(l.Root, nil, at); err != nil {
		t.Fatal(err)
	}
	root := l.Root.Encode()
	for i := range root {
		for _, bit := range []byte{1, 0x80} {
			b := bytes.Clone(root)
			b[i] ^= bit
			if r, err := DecodeRoot(b); err == nil {
				if _, err := x.Check(r, nil, at); err == nil {
					t.Errorf("flip of byte %d of the root is taken", i)
				}
			}
		}
	}
	leaf := l.Leaves[3].Encode()
	for i := range leaf {
		b := bytes.Clone(leaf)
		b[i] ^= 1
		if f, err := DecodeLeaf(b); err == nil && l.Root.CheckLeaf(f, true) == nil {
			t.Errorf("flip of byte %d of a leaf is taken", i)
		}
	}
	// a leaf of another list with the same peers
	other := build(t, s, keys[:3], 8, t0, 200)
	if err := other.Root.CheckLeaf(l.Leaves[3], true); reason(err) != BadLeaf {
		t.Errorf("leaf of another list: %v", err)
	}
}

// Every subset of five signers: three and more pass, fewer do not.
func TestSubsets(t *testing.T) {
	s, keys := signers(1, 3, 5, 1)
	x := trust(t, s)
	for set := range 1 << 5 {
		var by []sig.Private
		for i := range 5 {
			if set>>i&1 == 1 {
				by = append(by, keys[4-i]) // out of order: SignWith sorts
			}
		}
		l := build(t, s, by, 1, t0, 20)
		_, err := x.Check(l.Root, nil, Arrival{Now: t0})
		if (err == nil) != (len(by) >= 3) {
			t.Errorf("signers %05b: %v", set, err)
		}
	}
	l := build(t, s, keys[:4], 1, t0, 20)
	l.Root.Sigs[3].Sig[0] ^= 1 // three good ones do not help
	if _, err := x.Check(l.Root, nil, Arrival{Now: t0}); reason(err) != BadSignature {
		t.Errorf("one bad of four: %v", err)
	}
	if err := l.Root.SignWith(s, key(99)); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a stranger signs: %v", err)
	}
	l = build(t, s, keys[:2], 1, t0, 20)
	l.Root.Sigs = append(l.Root.Sigs, l.Root.Sigs[1]) // one signature twice is not two
	if _, err := DecodeRoot(l.Root.Encode()); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a signature twice: %v", err)
	}
}

func TestCheck(t *testing.T) {
	s, keys := signers(1, 3, 5, 1)
	strange, others := signers(1, 3, 5, 70)
	mk := func(seq, issued uint64) *Root { return build(t, s, keys[:3], seq, issued, 20).Root }
	held := func(r *Root) *Held { return Decision{Epoch: 1}.Held(r) }
	foreign := mk(1, t0)
	foreign.Network = Tag{9}
	twin, err := Draft{Set: s, Seq: 5, Issued: t0, Entries: entries(21)}.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys[:3] {
		if err := twin.Root.SignWith(s, k); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		root  *Root
		held  *Held
		at    Arrival
		want  Reason
		class Class
	}{
		{"first", mk(1, t0), nil, Arrival{Now: t0}, "", Fresh},
		{"newer", mk(6, t0), held(mk(5, t0)), Arrival{Now: t0}, "", Fresh},
		{"same", mk(5, t0), held(mk(5, t0)), Arrival{Now: t0}, "", Fresh},
		{"old", mk(4, t0), held(mk(5, t0)), Arrival{Now: t0}, Rollback, Useless},
		{"old by hand", mk(4, t0), held(mk(5, t0)), Arrival{Now: t0, Lenient: true}, Older, Useless},
		{"twin", twin.Root, held(mk(5, t0)), Arrival{Now: t0}, Equivocation, Useless},
		{"twin by hand", twin.Root, held(mk(5, t0)), Arrival{Now: t0, Lenient: true}, Equivocation, Useless},
		{"last second", mk(1, t0), nil, Arrival{Now: t0 + Life}, "", Fresh},
		{"expired", mk(1, t0), nil, Arrival{Now: t0 + Life + 1}, Expired, Stale},
		{"expired and old", mk(4, t0), held(mk(5, t0)), Arrival{Now: t0 + Life + 1}, Rollback, Useless},
		{"expired long ago", mk(1, t0), nil, Arrival{Now: t0 + Life + staleLife + 1}, Expired, Hint},
		{"ahead by a day", mk(1, t0), nil, Arrival{Now: t0 - day}, "", Fresh},
		{"ahead", mk(1, t0), nil, Arrival{Now: t0 - day - 1}, BadClock, Useless},
		{"ahead, but a later one was seen", mk(9, t0), nil, Arrival{Now: t0 - 9*day, Seen: t0 - 5}, "", Fresh},
		{"clock before the build", mk(1, t0), nil, Arrival{Now: 5, Build: t0 - 60*day}, "", Fresh},
		{"network", foreign, nil, Arrival{Now: t0}, OtherNetwork, Useless},
		{"set", build(t, strange, others[:3], 1, t0, 20).Root, nil, Arrival{Now: t0}, UnknownSet, Useless},
	} {
		d, err := trust(t, s).Check(c.root, c.held, c.at)
		if reason(err) != c.want || d.Class != c.class {
			t.Errorf("%s: class %d, %v", c.name, d.Class, err)
		}
		if err != nil && errors.Is(err, sig.ErrVerify) == (c.want == Older) {
			t.Errorf("%s: exit code of %v", c.name, err)
		}
	}
	if d, _ := trust(t, s).Check(mk(1, t0), nil, Arrival{Now: 5, Build: t0 - 60*day}); !d.Clock || d.Now != t0 {
		t.Errorf("clock before the build: %+v", d)
	}
}

func rotate(t *testing.T, old *Set, by []sig.Private, next *Set, with []sig.Private, issued uint64) *Rotation {
	t.Helper()
	r := &Rotation{Old: old.Tag(), Issued: issued, New: next}
	for _, k := range slices.Concat(by, with) {
		if err := r.SignWith(old, k); err != nil {
			t.Fatal(err)
		}
	}
	b := r.Encode()
	got, err := DecodeRotation(b)
	if err != nil || !bytes.Equal(got.Encode(), b) {
		t.Fatal(err)
	}
	return got
}

func TestRotation(t *testing.T) {
	s1, k1 := signers(1, 3, 5, 1)
	s2, k2 := signers(2, 2, 3, 20)
	s3, k3 := signers(3, 1, 1, 30)
	x := trust(t, s1)
	r12, r23 := rotate(t, s1, k1[:3], s2, k2[:2], t0), rotate(t, s2, k2[1:], s3, k3, t0+day)
	if _, err := x.Rotate(r23); reason(err) != UnknownSet {
		t.Errorf("a link is missing: %v", err)
	}
	for _, r := range []*Rotation{rotate(t, s1, k1[:2], s2, k2[:2], t0), rotate(t, s1, k1[:3], s2, k2[:1], t0),
		rotate(t, s1, k1[:3], s3, k3, t0)} {
		if _, err := x.Rotate(r); err == nil {
			t.Errorf("rotation with too few signatures or over an epoch is taken")
		}
	}
	// a list of the old set with the highest number there is: rotation heals it
	last := build(t, s1, k1[:3], 1<<63-1, t0, 20).Root
	d, err := x.Check(last, nil, Arrival{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	held := d.Held(last)
	for _, r := range []*Rotation{r12, r23, r12} {
		if alarm, err := x.Rotate(r); err != nil || alarm {
			t.Fatalf("alarm %v, %v", alarm, err)
		}
	}
	fresh := build(t, s3, k3, 1, t0+day, 20).Root
	d, err = x.Check(fresh, held, Arrival{Now: t0 + day})
	if err != nil || d.Epoch != 3 || x.Line(fresh) != x.Line(last) {
		t.Fatalf("list of the new set: %+v, %v", d, err)
	}
	if _, err := x.Check(last, d.Held(fresh), Arrival{Now: t0 + day}); reason(err) != Rollback {
		t.Errorf("the old set against a held list of the new one: %v", err)
	}
	if _, err := x.Check(last, nil, Arrival{Now: t0 + day}); err != nil {
		t.Errorf("the old set within 30 days: %v", err)
	}
	if _, err := x.Check(last, nil, Arrival{Now: t0 + 31*day}); reason(err) != UnknownSet {
		t.Errorf("the old set after 30 days: %v", err)
	}
}

// Two successors of one set: somebody holds k stolen keys. The list issued later wins, and both are told.
func TestFork(t *testing.T) {
	s1, k1 := signers(1, 3, 5, 1)
	a, ka := signers(2, 1, 1, 20)
	b, kb := signers(2, 1, 1, 21)
	x := trust(t, s1)
	if alarm, err := x.Rotate(rotate(t, s1, k1[:3], a, ka, t0)); alarm || err != nil {
		t.Fatal(alarm, err)
	}
	if alarm, err := x.Rotate(rotate(t, s1, k1[:3], b, kb, t0)); !alarm || err != nil {
		t.Fatal(alarm, err)
	}
	early, late := build(t, a, ka, 5, t0, 20).Root, build(t, b, kb, 1, t0+5, 20).Root
	d, err := x.Check(early, nil, Arrival{Now: t0})
	if err != nil {
		t.Fatal(err)
	}
	if d, err = x.Check(late, d.Held(early), Arrival{Now: t0}); err != nil || !d.Fork {
		t.Errorf("later list: %+v, %v", d, err)
	}
	if d, err := x.Check(early, d.Held(late), Arrival{Now: t0}); reason(err) != Rollback || !d.Fork {
		t.Errorf("earlier list: %+v, %v", d, err)
	}
}
