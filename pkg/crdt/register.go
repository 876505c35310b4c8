package crdt

import (
	"bytes"
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

// last is what was written with the largest stamp. Two branches of a forked author can write under one
// stamp; then any value beats a deletion and the larger bytes beat the smaller.
type last struct {
	stamp   Stamp
	value   []byte
	deleted bool
}

// loses reports whether a write of o beats l.
func (l *last) loses(w when, o *Op) bool {
	if c := w.stamp.Compare(l.stamp); c != 0 {
		return c > 0
	}
	if deleted := o.Op == Remove; deleted != l.deleted {
		return l.deleted
	}
	return bytes.Compare(o.Value, l.value) > 0
}

// set writes over the value that lost, which nobody else holds, unless that would keep much room for little.
func (l *last) set(w when, o *Op) {
	if cap(l.value) > 2*len(o.Value)+64 {
		l.value = nil
	}
	*l = last{stamp: w.stamp, value: append(l.value[:0], o.Value...), deleted: o.Op == Remove}
}

func (l *last) append(b []byte) []byte {
	b = appendStamp(b, l.stamp)
	if l.deleted {
		return wire.AppendNull(b)
	}
	return wire.AppendBytes(b, l.value)
}

// register is LWWRegister.
type register struct {
	last
	written bool
}

func (r *register) apply(w when, o *Op) {
	if !r.written || r.loses(w, o) {
		r.set(w, o)
		r.written = true
	}
}

func (r *register) append(b []byte) []byte { return r.last.append(wire.AppendArray(b, 2)) }

// lastMap is LWWMap: a register for each key. A deletion stays as a tombstone, or an older put that
// arrives later would bring the key back.
type lastMap struct {
	keys map[string]*mapKey
}

type mapKey struct {
	last
	first Stamp // the smallest that ever touched the key: what MaxElements goes by
}

func (m *lastMap) apply(w when, o *Op) {
	if m.keys == nil {
		m.keys = map[string]*mapKey{}
	}
	k := m.keys[string(o.Key)]
	if k == nil {
		k = &mapKey{first: w.stamp}
		k.set(w, o)
		m.keys[string(o.Key)] = k
		return
	}
	if w.stamp.Compare(k.first) < 0 {
		k.first = w.stamp
	}
	if k.loses(w, o) {
		k.set(w, o)
	}
}

func (m *lastMap) append(b []byte) []byte {
	b = wire.AppendArray(b, len(m.keys))
	for _, key := range sortedKeys(m.keys) {
		k := m.keys[key]
		b = wire.AppendBytes(wire.AppendArray(b, 4), []byte(key))
		b = k.last.append(appendStamp(b, k.first))
	}
	return b
}

func (m *lastMap) seen() []string {
	first := make(map[string]Stamp, len(m.keys))
	for key, k := range m.keys {
		first[key] = k.first
	}
	return slices.DeleteFunc(seen(first), func(key string) bool { return m.keys[key].deleted })
}

// multi is MVRegister: all values that no later write had seen.
type multi struct{ writes []write }

type write struct {
	addition
	value []byte
}

func (m *multi) apply(w when, o *Op) {
	m.writes = slices.DeleteFunc(m.writes, func(x write) bool { return w.saw(x.dot, o.Dots) })
	m.writes = append(m.writes, write{addition{w.dot, w.stamp}, bytes.Clone(o.Value)})
}

// ordered returns the writes in stamp order, those of one stamp by branch.
func (m *multi) ordered() []write {
	return slices.SortedFunc(slices.Values(m.writes), func(a, b write) int {
		if c := a.stamp.Compare(b.stamp); c != 0 {
			return c
		}
		return a.dot.compare(b.dot)
	})
}

func (m *multi) append(b []byte) []byte {
	b = wire.AppendArray(b, len(m.writes))
	for _, x := range m.ordered() {
		b = appendStamp(appendDot(wire.AppendArray(b, 3), x.dot), x.stamp)
		b = wire.AppendBytes(b, x.value)
	}
	return b
}
