package crdt

import (
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

// Vertex is what a State has to know of the vertex that operations stand in.
type Vertex struct {
	// Author, Seq and Lamport are the vertex's own.
	Author       [32]byte
	Seq, Lamport uint64
	// Fork is the first 8 bytes of the vertex id where its author has forked, otherwise zero. When a
	// fork is first seen, the caller folds anew with the branches named.
	Fork [8]byte
	// InPast reports whether an operation stands in the vertex's own past; nil means that all do. What
	// a liar removes without having seen it would be gone for those who had it already and stay with
	// the others, so dots outside the past are passed over.
	InPast func(Dot) bool
}

// State is the fold of a set of vertices. The zero value is the empty set.
type State struct {
	objects map[string]*object
	// cut is the first stamp that is not seen when there are more than MaxObjects; known is false
	// when it has to be found again.
	cut   Stamp
	known bool
}

// object holds one part for each type that was ever asked of it. All are kept up to date, so the
// arrival of an operation with a smaller stamp and another type is no work at all.
type object struct{ parts []*part }

type part struct {
	typ   Type
	first Stamp // the smallest of its operations
	value value // nil for an unknown type
}

// value is the fold of one object's operations of one type.
type value interface {
	apply(w when, o *Op)
	// append writes the canonical state.
	append(b []byte) []byte
}

// when is the name and the stamp of an operation, and what it had seen.
type when struct {
	dot    Dot
	stamp  Stamp
	inPast func(Dot) bool
}

// Apply folds the operations of one vertex, once, after those of its whole past. It keeps no memory
// of the caller.
func (s *State) Apply(v Vertex, ops []Op) {
	if s.objects == nil {
		s.objects = map[string]*object{}
	}
	var p *part // of the operation at; the stamps of its neighbours are larger
	var at *Op
	for j := range ops {
		o := &ops[j]
		if !o.within() {
			continue
		}
		w := when{
			dot:    Dot{Author: v.Author, Seq: v.Seq, J: uint32(j), Fork: v.Fork},
			stamp:  Stamp{Lamport: v.Lamport, Author: v.Author, J: uint32(j)},
			inPast: v.InPast,
		}
		if at == nil || o.Object != at.Object || o.Type != at.Type {
			p, at = s.part(o, w.stamp), o
		}
		if p.value != nil {
			p.value.apply(w, o)
		}
	}
}

// part finds or makes the part that an operation belongs to and lowers its first stamp.
func (s *State) part(o *Op, stamp Stamp) *part {
	obj := s.objects[o.Object]
	if obj == nil {
		obj = &object{}
		s.objects[o.Object] = obj
	}
	for _, p := range obj.parts {
		if p.typ == o.Type {
			if stamp.Compare(p.first) < 0 {
				p.first, s.known = stamp, false
			}
			return p
		}
	}
	p := &part{typ: o.Type, first: stamp, value: newValue(o.Type)}
	obj.parts, s.known = append(obj.parts, p), false
	return p
}

func newValue(t Type) value {
	switch t {
	case GCounter, PNCounter:
		return &counter{}
	case GSet:
		return &growSet{}
	case ORSet:
		return &observedSet{}
	case LWWRegister:
		return &register{}
	case MVRegister:
		return &multi{}
	case LWWMap:
		return &lastMap{}
	}
	return nil
}

// ruling returns the part that gives the object its type: that of the operation with the smallest
// stamp. Only the branches of a forked author can share one; then the smaller type rules.
func (o *object) ruling() *part {
	return slices.MinFunc(o.parts, func(a, b *part) int {
		if c := a.first.Compare(b.first); c != 0 {
			return c
		}
		return int(a.typ) - int(b.typ)
	})
}

// visible returns the ruling part of an object among the first MaxObjects, or nil.
func (s *State) visible(name string) *part {
	o := s.objects[name]
	if o == nil {
		return nil
	}
	p := o.ruling()
	if len(s.objects) > MaxObjects && p.first.Compare(s.cutoff()) >= 0 {
		return nil
	}
	return p
}

func (s *State) cutoff() Stamp {
	if !s.known {
		firsts := make([]Stamp, 0, len(s.objects))
		for _, o := range s.objects {
			firsts = append(firsts, o.ruling().first)
		}
		s.cut, s.known = cutoff(firsts, MaxObjects), true
	}
	return s.cut
}

// cutoff returns the smallest stamp that is not among the n smallest.
func cutoff(stamps []Stamp, n int) Stamp {
	slices.SortFunc(stamps, Stamp.Compare)
	return stamps[n]
}

// Snapshot returns the canonical bytes of the state: equal sets of vertices give equal bytes. It holds
// all that was folded, also what is above a limit: an array of [object, [type, first stamp, state]…],
// objects and types ascending.
func (s *State) Snapshot() []byte {
	b := wire.AppendArray(nil, len(s.objects))
	for _, name := range sortedKeys(s.objects) {
		parts := slices.Clone(s.objects[name].parts)
		slices.SortFunc(parts, func(a, b *part) int { return int(a.typ) - int(b.typ) })
		b = wire.AppendBytes(wire.AppendArray(b, 1+len(parts)), []byte(name))
		for _, p := range parts {
			b = appendStamp(wire.AppendUint(wire.AppendArray(b, 3), uint64(p.typ)), p.first)
			if p.value == nil {
				b = wire.AppendNull(b)
			} else {
				b = p.value.append(b)
			}
		}
	}
	return b
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
