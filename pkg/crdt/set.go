package crdt

import (
	"maps"
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

// growSet is GSet: each element with the smallest stamp that added it.
type growSet struct{ first map[string]Stamp }

func (g *growSet) apply(w when, o *Op) {
	if g.first == nil {
		g.first = map[string]Stamp{}
	}
	if s, ok := g.first[string(o.Key)]; !ok || w.stamp.Compare(s) < 0 {
		g.first[string(o.Key)] = w.stamp
	}
}

func (g *growSet) append(b []byte) []byte {
	b = wire.AppendArray(b, len(g.first))
	for _, e := range sortedKeys(g.first) {
		b = appendStamp(wire.AppendBytes(wire.AppendArray(b, 2), []byte(e)), g.first[e])
	}
	return b
}

// seen returns the keys with the smallest stamps, at most MaxElements, in ascending order of bytes.
func seen(first map[string]Stamp) []string {
	keys := sortedKeys(first)
	if len(keys) <= MaxElements {
		return keys
	}
	cut := cutoff(slices.Collect(maps.Values(first)), MaxElements)
	return slices.DeleteFunc(keys, func(k string) bool { return first[k].Compare(cut) >= 0 })
}

// observedSet is ORSet: each element with the additions that nobody has removed. A removal takes only
// those its writer had seen, so a concurrent addition wins; causal delivery brings an addition before
// its removal, so none needs a tombstone.
type observedSet struct{ dots map[string][]addition }

// addition is an operation that added an element.
type addition struct {
	dot   Dot
	stamp Stamp
}

func (s *observedSet) apply(w when, o *Op) {
	if s.dots == nil {
		s.dots = map[string][]addition{}
	}
	if o.Op == Add {
		s.dots[string(o.Key)] = append(s.dots[string(o.Key)], addition{w.dot, w.stamp})
		return
	}
	left := slices.DeleteFunc(s.dots[string(o.Key)], func(a addition) bool { return w.saw(a.dot, o.Dots) })
	if len(left) == 0 {
		delete(s.dots, string(o.Key))
	} else {
		s.dots[string(o.Key)] = left
	}
}

// saw reports whether a dot stands in the list, which is ascending, and in the operation's past.
func (w *when) saw(d Dot, list []Dot) bool {
	_, ok := slices.BinarySearchFunc(list, d, Dot.compare)
	return ok && (w.inPast == nil || w.inPast(d))
}

func (s *observedSet) append(b []byte) []byte {
	b = wire.AppendArray(b, len(s.dots))
	for _, e := range sortedKeys(s.dots) {
		list := slices.SortedFunc(slices.Values(s.dots[e]), func(a, b addition) int { return a.dot.compare(b.dot) })
		b = wire.AppendBytes(wire.AppendArray(b, 1+len(list)), []byte(e))
		for _, a := range list {
			b = appendStamp(appendDot(wire.AppendArray(b, 2), a.dot), a.stamp)
		}
	}
	return b
}

func (s *observedSet) seen() []string {
	first := make(map[string]Stamp, len(s.dots))
	for e, list := range s.dots {
		first[e] = slices.MinFunc(list, func(a, b addition) int { return a.stamp.Compare(b.stamp) }).stamp
	}
	return seen(first)
}
