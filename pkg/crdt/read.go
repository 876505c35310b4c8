package crdt

import (
	"bytes"
	"math/big"
	"slices"
)

// view returns the fold of a visible object if it is of the Go type asked for.
func view[T value](s *State, object string) (v T, ok bool) {
	p := s.visible(object)
	if p == nil {
		return v, false
	}
	v, ok = p.value.(T)
	return v, ok
}

// Objects returns the names of the objects that are seen, in ascending order of bytes.
func (s *State) Objects() []string {
	return slices.DeleteFunc(sortedKeys(s.objects), func(name string) bool { return s.visible(name) == nil })
}

// Type returns the type of an object, that of its operation with the smallest stamp, and false when
// no such object is seen.
func (s *State) Type(object string) (Type, bool) {
	if p := s.visible(object); p != nil {
		return p.typ, true
	}
	return 0, false
}

// Counter returns the value of a GCounter or PNCounter, 0 for anything else. It may exceed 64 bits.
func (s *State) Counter(object string) *big.Int {
	if c, ok := view[*counter](s, object); ok {
		return c.sum()
	}
	return new(big.Int)
}

// Elements returns the elements of a GSet or ORSet, or the keys of an LWWMap, in ascending order of
// bytes, at most MaxElements.
func (s *State) Elements(object string) []string {
	if g, ok := view[*growSet](s, object); ok {
		return seen(g.first)
	}
	if o, ok := view[*observedSet](s, object); ok {
		return o.seen()
	}
	if m, ok := view[*lastMap](s, object); ok {
		return m.seen()
	}
	return nil
}

// Register returns the value of an LWWRegister and whether it was ever set.
func (s *State) Register(object string) ([]byte, bool) {
	r, ok := view[*register](s, object)
	if !ok || !r.written {
		return nil, false
	}
	return bytes.Clone(r.value), true
}

// Get returns the value of a key of an LWWMap and whether there is one.
func (s *State) Get(object, key string) ([]byte, bool) {
	m, ok := view[*lastMap](s, object)
	if !ok || m.keys[key] == nil || m.keys[key].deleted {
		return nil, false
	}
	if len(m.keys) > MaxElements {
		if _, ok := slices.BinarySearch(m.seen(), key); !ok {
			return nil, false
		}
	}
	return bytes.Clone(m.keys[key].value), true
}

// Values returns the concurrent values of an MVRegister in stamp order.
func (s *State) Values(object string) (values [][]byte) {
	if m, ok := view[*multi](s, object); ok {
		for _, x := range m.ordered() {
			values = append(values, bytes.Clone(x.value))
		}
	}
	return values
}

// Seen returns what Op.Dots has to name, ascending: the additions of an element of an ORSet, or the
// writes of an MVRegister, whose element is ignored.
func (s *State) Seen(object, element string) (dots []Dot) {
	if o, ok := view[*observedSet](s, object); ok {
		for _, a := range o.dots[element] {
			dots = append(dots, a.dot)
		}
	}
	if m, ok := view[*multi](s, object); ok {
		for _, x := range m.writes {
			dots = append(dots, x.dot)
		}
	}
	slices.SortFunc(dots, Dot.compare)
	return dots
}
