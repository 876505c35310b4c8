package crdt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"
)

func at(author byte, lamport uint64) Vertex {
	return Vertex{Author: [32]byte{author}, Seq: lamport, Lamport: lamport}
}

func TestCounterDoesNotWrap(t *testing.T) {
	var s State
	s.Apply(at(1, 1), []Op{{Object: "p", Type: PNCounter, N: MaxCount}})
	c := s.objects["p"].parts[0].value.(*counter)
	for range 60 { // doubled 60 times: 2^100
		t := c.authors[[32]byte{1}]
		lo, hi := t[Add].lo, t[Add].hi
		t[Add].add(lo)
		t[Add].hi += hi
	}
	if got, want := s.Counter("p"), new(big.Int).Lsh(big.NewInt(1), 100); got.Cmp(want) != 0 {
		t.Errorf("got %v want %v", got, want)
	}
	s.Apply(at(2, 2), []Op{{Object: "q", Type: PNCounter, N: 3}, {Object: "q", Type: PNCounter, Op: Remove, N: 5}})
	if got := s.Counter("q"); got.Int64() != -2 {
		t.Errorf("got %v", got)
	}
}

// The type goes by the smallest stamp: an operation that arrives later and is older in the order
// changes it, and what the other type holds is not lost when it changes back.
func TestTypeBySmallestStamp(t *testing.T) {
	var s State
	s.Apply(at(3, 9), []Op{{Object: "o", Type: GSet, Key: []byte("late")}})
	s.Apply(at(2, 5), []Op{{Object: "o", Type: PNCounter, N: 7}})
	if typ, _ := s.Type("o"); typ != PNCounter || s.Counter("o").Int64() != 7 || s.Elements("o") != nil {
		t.Errorf("type %d, counter %v", typ, s.Counter("o"))
	}
	s.Apply(at(1, 1), []Op{{Object: "o", Type: GSet, Key: []byte("early")}})
	if got := s.Elements("o"); !slices.Equal(got, []string{"early", "late"}) {
		t.Errorf("elements %q", got)
	}
}

func TestReadsOfNothing(t *testing.T) {
	var s State
	_, reg := s.Register("o")
	_, key := s.Get("o", "k")
	_, typ := s.Type("o")
	if reg || key || typ || s.Counter("o").Sign() != 0 || s.Elements("o") != nil || s.Values("o") != nil || s.Seen("o", "e") != nil || len(s.Objects()) != 0 {
		t.Error("the empty state says something")
	}
	if got := s.Snapshot(); !bytes.Equal(got, []byte{0x80}) {
		t.Errorf("snapshot %x", got)
	}
}

// The bytes of a snapshot are frozen.
func TestSnapshotVector(t *testing.T) {
	var s State
	s.Apply(at(1, 1), every())
	s.Apply(at(2, 2), append(every(), Op{Object: "x", Type: 6}))
	sum := sha256.Sum256(s.Snapshot())
	if got, want := hex.EncodeToString(sum[:]), "c1fd585c60da37abb60f9adfe1ba055ad4e490841c615854b6266087adfd9d0c"; got != want {
		t.Errorf("digest %s want %s", got, want)
	}
}

// A state keeps no memory of what it was given.
func TestApplyCopies(t *testing.T) {
	var s State
	buf := []byte("abc")
	ops := []Op{
		{Object: "r", Type: LWWRegister, Value: buf}, {Object: "l", Type: LWWMap, Key: buf, Value: buf},
		{Object: "m", Type: MVRegister, Value: buf}, {Object: "s", Type: GSet, Key: buf},
	}
	s.Apply(at(1, 1), ops)
	want := s.Snapshot()
	copy(buf, "xyz")
	v, _ := s.Register("r")
	copy(v, "xyz")
	copy(s.Values("m")[0], "xyz")
	if !bytes.Equal(s.Snapshot(), want) {
		t.Error("the state changed with the caller's bytes")
	}
}

// numbered applies n operations in n vertices, one key or object each, in the given order, and a
// last one with a stamp below all.
func numbered(t *testing.T, s *State, n int, typ Type, objects bool, reverse bool) {
	t.Helper()
	for i := range n {
		if reverse {
			i = n - 1 - i
		}
		name := string(binary.BigEndian.AppendUint32(nil, uint32(i)))
		o := Op{Object: "o", Type: typ, Key: []byte(name), Value: []byte("v")}
		if objects {
			o.Object = name
		}
		s.Apply(at(1, uint64(i+10)), []Op{o})
	}
	o := Op{Object: "o", Type: typ, Key: []byte("first"), Value: []byte("v")}
	if objects {
		o.Object = "first"
	}
	s.Apply(at(2, 1), []Op{o})
}

// Above a limit everybody sees the same: what has the smallest stamps, whatever came first.
func TestElementLimit(t *testing.T) {
	for _, typ := range []Type{GSet, ORSet, LWWMap} {
		var a, b State
		numbered(t, &a, MaxElements+5, typ, false, false)
		numbered(t, &b, MaxElements+5, typ, false, true)
		got := a.Elements("o")
		if !slices.Equal(got, b.Elements("o")) || len(got) != MaxElements || !slices.Contains(got, "first") {
			t.Errorf("type %d: %d elements, first %v", typ, len(got), slices.Contains(got, "first"))
		}
		last := string(binary.BigEndian.AppendUint32(nil, MaxElements-1))
		if _, ok := a.Get("o", last); slices.Contains(got, last) || ok {
			t.Errorf("type %d: one above the limit is seen", typ)
		}
		if _, ok := a.Get("o", "first"); ok != (typ == LWWMap) {
			t.Errorf("type %d: first is read: %v", typ, ok)
		}
		if !bytes.Equal(a.Snapshot(), b.Snapshot()) {
			t.Errorf("type %d: snapshots differ", typ)
		}
	}
}

func TestObjectLimit(t *testing.T) {
	var a, b State
	numbered(t, &a, MaxObjects+5, GSet, true, false)
	numbered(t, &b, MaxObjects+5, GSet, true, true)
	got := a.Objects()
	if !slices.Equal(got, b.Objects()) || len(got) != MaxObjects || !slices.Contains(got, "first") {
		t.Errorf("%d objects", len(got))
	}
	if typ, ok := a.Type(string(binary.BigEndian.AppendUint32(nil, MaxObjects-1))); ok {
		t.Errorf("an object above the limit has type %d", typ)
	}
	if !bytes.Equal(a.Snapshot(), b.Snapshot()) {
		t.Error("snapshots differ")
	}
}

// What is above a writer's limit is skipped alone; its neighbours count.
func TestSkipsOne(t *testing.T) {
	var s State
	s.Apply(at(1, 1), []Op{
		{Object: "p", Type: PNCounter, N: MaxCount + 1}, {Object: "p", Type: PNCounter, N: 2},
		{Object: "r", Type: LWWRegister, Value: make([]byte, MaxValue+1)},
	})
	if _, ok := s.Type("r"); ok || s.Counter("p").Int64() != 2 {
		t.Errorf("counter %v, register %v", s.Counter("p"), ok)
	}
}
