package reconcile

import (
	"errors"
	"slices"
	"testing"
)

// shelf is a Set of a few numbered vertices by one author, with what a test wants to go wrong.
type shelf struct {
	secret [32]byte
	items  []byte // vertex n has id {n}; its place is its place here
	bodies [][32]byte
	full   error
	sent   []uint32 // places packed
	took   int
}

func (s *shelf) Secret() [32]byte { return s.secret }
func (s *shelf) Digest() (d [32]byte) {
	copy(d[:], s.items)
	return d
}
func (s *shelf) Size() uint64     { return uint64(len(s.items)) }
func (s *shelf) Arrivals() uint32 { return uint32(len(s.items)) }
func (s *shelf) Authors() []Author {
	if len(s.items) == 0 {
		return nil
	}
	return []Author{{Key: [32]byte{1}, Next: uint64(len(s.items)), Tip: [32]byte{s.items[len(s.items)-1]}}}
}
func (s *shelf) At(_ [32]byte, seq uint64) ([32]byte, bool) {
	if seq >= uint64(len(s.items)) {
		return [32]byte{}, false
	}
	return [32]byte{s.items[seq]}, true
}
func (s *shelf) Suffix(_ [32]byte, seq uint64) []uint32 { return s.Since(uint32(seq)) }
func (s *shelf) Since(from uint32) (out []uint32) {
	for at := from; at < s.Arrivals(); at++ {
		out = append(out, at)
	}
	return out
}
func (s *shelf) Place(id [32]byte) (uint32, bool) {
	at := slices.Index(s.items, id[0])
	return uint32(at), at >= 0
}
func (s *shelf) ID(at uint32) ([32]byte, bool) {
	if at >= s.Arrivals() {
		return [32]byte{}, false
	}
	return [32]byte{s.items[at]}, true
}
func (s *shelf) Heads() (out [][32]byte) {
	if n := len(s.items); n > 0 {
		out = append(out, [32]byte{s.items[n-1]})
	}
	return out
}
func (s *shelf) Wants(int) (vertices, bodies [][32]byte) { return nil, s.bodies }
func (s *shelf) Sort(places []uint32)                    { slices.Sort(places) }
func (s *shelf) Pack(places []uint32, _ int) (run []byte, n int, err error) {
	for _, at := range places {
		run = append(run, s.items[at])
	}
	s.sent = append(s.sent, places...)
	return run, len(places), nil
}
func (s *shelf) Take(run []byte) (Taken, error) {
	if s.full != nil {
		return Taken{}, s.full
	}
	s.took++
	var t Taken
	for _, n := range run {
		if i := slices.Index(s.bodies, [32]byte{n}); i >= 0 {
			s.bodies = slices.Delete(s.bodies, i, i+1)
		}
		if !slices.Contains(s.items, n) {
			s.items = append(s.items, n)
			t.New++
		}
	}
	return t, nil
}
func (s *shelf) Sent(uint32) {}

func zeros(b []byte) error { clear(b); return nil }

func machine(me, peer string, s Set) *Machine {
	return New(Config{Me: []byte(me), Peer: []byte(peer), Nonce: [16]byte{me[0]}, Sets: []Set{s}, Rand: zeros})
}

// meet runs two machines until both are silent and returns what each sent and the first error of b.
func meet(t *testing.T, a, b *Machine) (fromA, fromB []Frame, err error) {
	t.Helper()
	toB, ea := a.Start()
	toA, eb := b.Start()
	if ea != nil || eb != nil {
		t.Fatal(ea, eb)
	}
	for len(toA)+len(toB) > 0 {
		var nextA, nextB []Frame
		fromA, fromB = append(fromA, toB...), append(fromB, toA...)
		for _, f := range toB {
			out, e := b.Receive(f)
			if nextA = append(nextA, out...); e != nil {
				return fromA, append(fromB, nextA...), e
			}
		}
		for _, f := range toA {
			out, e := a.Receive(f)
			if nextB = append(nextB, out...); e != nil {
				t.Fatal(e)
			}
		}
		toA, toB = nextA, nextB
	}
	return fromA, fromB, nil
}

func count(fs []Frame, typ uint64) (n int) {
	for _, f := range fs {
		if uint64(f.Type) == typ {
			n++
		}
	}
	return n
}

// TestNoAckWithoutCommit: whoever cannot store a run does not say that it has it.
func TestNoAckWithoutCommit(t *testing.T) {
	full := errors.New("no space")
	a, b := &shelf{items: []byte{1, 2, 3}}, &shelf{full: full}
	_, fromB, err := meet(t, machine("a", "b", a), machine("b", "a", b))
	if !errors.Is(err, full) || errors.Is(err, ErrPeer) {
		t.Errorf("error %v", err)
	}
	if count(fromB, typeAck) != 0 {
		t.Error("acknowledged what was not stored")
	}
	b.full = nil
	_, fromB, err = meet(t, machine("a", "b", a), machine("b", "a", b))
	if err != nil || count(fromB, typeAck) == 0 || len(b.items) != 3 {
		t.Errorf("with space again: %v, holds %d", err, len(b.items))
	}
}

// TestProofIsCompared: a recorded tag alone does not make a member.
func TestProofIsCompared(t *testing.T) {
	s := &shelf{secret: [32]byte{7}, items: []byte{1}}
	for _, forged := range []bool{false, true} {
		m := machine("a", "b", s)
		if _, err := m.Start(); err != nil {
			t.Fatal(err)
		}
		nonce := [16]byte{'b'}
		h := hello{Versions: []uint64{1}, Nonce: nonce, Tags: make([][8]byte, 8)}
		h.Tags[0] = tag(s.secret, nonce, []byte("b"))
		if _, err := m.Receive(h.frame()); err != nil {
			t.Fatal(err)
		}
		p := proof{0, m.proof(s.secret, nonce, m.cfg.Nonce, []byte("b"))}
		if forged {
			p.Proof[7] ^= 1
		}
		_, err := m.Receive((&match{Proofs: []proof{p}}).frame())
		if shared, _ := m.Shared(); forged != errors.Is(err, errNotMember) || forged != (shared == 0) {
			t.Errorf("forged %v: shares %d, %v", forged, shared, err)
		}
	}
}

// TestBodiesAreAskedFor: two logs with the same heads still fetch the bodies that one of them lost.
func TestBodiesAreAskedFor(t *testing.T) {
	a, b := &shelf{items: []byte{1, 2, 3}}, &shelf{items: []byte{1, 2, 3}, bodies: [][32]byte{{2}}}
	if _, _, err := meet(t, machine("a", "b", a), machine("b", "a", b)); err != nil {
		t.Fatal(err)
	}
	if len(b.bodies) != 0 || !slices.Equal(a.sent, []uint32{1}) {
		t.Errorf("still wanted %v, sent %v", b.bodies, a.sent)
	}
}
