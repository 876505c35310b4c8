package crdt

import (
	"fmt"
	"slices"
	"testing"
)

// spec says what a history of one object means, from its definition alone: quadratic, no order of
// arrival, no state. Every operation stands alone in its vertex.
func spec(h *history) string {
	ruler := slices.MinFunc(h.events, func(a, b event) int { return a.stamp().Compare(b.stamp()) })
	typ, sum, lines := ruler.ops[0].Type, 0, []string{}
	for i, e := range h.events {
		o, beaten := e.ops[0], false
		if o.Type != typ {
			continue
		}
		for _, f := range h.events {
			p := f.ops[0]
			if p.Type != typ || string(p.Key) != string(o.Key) {
				continue
			}
			names := f.past[i] && slices.Contains(p.Dots, Dot{Author: e.v.Author, Seq: e.v.Seq})
			lww := typ == LWWRegister || typ == LWWMap
			beaten = beaten || names || lww && e.stamp().Compare(f.stamp()) < 0
		}
		switch {
		case typ == GCounter || typ == PNCounter:
			sum += int(o.N) * (1 - 2*int(o.Op))
		case !beaten && o.Op == Add && (typ == MVRegister || typ == LWWRegister):
			lines = append(lines, string(o.Value))
		case !beaten && o.Op == Add && typ.known():
			lines = append(lines, fmt.Sprintf("%s=%s", o.Key, o.Value))
		}
	}
	slices.Sort(lines)
	return fmt.Sprint(typ, sum, slices.Compact(lines))
}

func (e event) stamp() Stamp { return Stamp{Lamport: e.v.Lamport, Author: e.v.Author} }

// told writes what a State says of the object "o" in the words of spec.
func told(s *State) string {
	typ, _ := s.Type("o")
	lines := []string{}
	for _, v := range s.Values("o") {
		lines = append(lines, string(v))
	}
	if v, ok := s.Register("o"); ok {
		lines = append(lines, string(v))
	}
	for _, k := range s.Elements("o") {
		v, _ := s.Get("o", k)
		lines = append(lines, fmt.Sprintf("%s=%s", k, v))
	}
	slices.Sort(lines)
	return fmt.Sprint(typ, s.Counter("o"), slices.Compact(lines))
}

// Every causal order of small histories says what the definition says, for each type and for mixes.
func TestModel(t *testing.T) {
	checked := 0
	for seed := range uint64(150) {
		for only := -1; only < len(kinds); only++ {
			h := newHistory(seed*100+uint64(only+1), 2+int(seed%3))
			h.run(3+int(seed%4), func(r *replica) []Op {
				typ := kinds[h.rnd.IntN(len(kinds))]
				if only >= 0 {
					typ = kinds[only]
				}
				return []Op{h.randomOp(r, "o", typ)}
			})
			want := spec(h)
			h.orders(func(order []int) {
				checked++
				var s State
				for _, i := range order {
					s.Apply(h.events[i].v, h.events[i].ops)
				}
				if got := told(&s); got != want {
					t.Fatalf("seed %d, type %d, order %v: got %s want %s", seed, only, order, got, want)
				}
			})
		}
	}
	if checked < 5000 {
		t.Errorf("%d orders checked only", checked)
	}
}
