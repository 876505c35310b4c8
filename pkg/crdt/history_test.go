package crdt

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// event is a vertex of a test history with its operations and the numbers of all before it.
type event struct {
	v    Vertex
	past map[int]bool
	ops  []Op
}

// replica is one writer: the events it has, folded.
type replica struct {
	author [32]byte
	have   map[int]bool
	state  State
	seq    uint64
}

type history struct {
	events   []event
	replicas []*replica
	rnd      *rand.Rand
}

func newHistory(seed uint64, replicas int) *history {
	h := &history{rnd: rand.New(rand.NewPCG(seed, 1))}
	for i := range replicas {
		h.replicas = append(h.replicas, &replica{author: [32]byte{byte(i + 1)}, have: map[int]bool{}})
	}
	return h
}

// merge brings all events of one replica to another; their numbers are a causal order.
func (h *history) merge(from, to *replica) {
	for _, i := range slices.Sorted(maps.Keys(from.have)) {
		if !to.have[i] {
			to.have[i] = true
			to.state.Apply(h.events[i].v, h.events[i].ops)
		}
	}
}

// write appends an event of r on top of all that it has.
func (h *history) write(r *replica, ops []Op) {
	past, lamport := maps.Clone(r.have), uint64(0)
	for i := range past {
		lamport = max(lamport, h.events[i].v.Lamport)
	}
	v := Vertex{Author: r.author, Seq: r.seq, Lamport: lamport + 1}
	v.InPast = func(d Dot) bool {
		for i := range past {
			if e := h.events[i].v; e.Author == d.Author && e.Seq == d.Seq {
				return true
			}
		}
		return false
	}
	h.events = append(h.events, event{v, past, ops})
	r.have[len(h.events)-1], r.seq = true, r.seq+1
	r.state.Apply(v, ops)
}

// run lets random replicas write n events, hearing of each other now and then.
func (h *history) run(n int, make func(r *replica) []Op) {
	for range n {
		r := h.replicas[h.rnd.IntN(len(h.replicas))]
		if h.rnd.IntN(2) == 0 {
			h.merge(h.replicas[h.rnd.IntN(len(h.replicas))], r)
		}
		h.write(r, make(r))
	}
}

// fold applies the events in the given order, through the codec.
func (h *history) fold(t *testing.T, order []int) *State {
	t.Helper()
	var s State
	for _, i := range order {
		ops, err := DecodeOps(encodeAny(h.events[i].ops))
		if err != nil {
			t.Fatal(err)
		}
		s.Apply(h.events[i].v, ops)
	}
	return &s
}

// shuffle returns a random causal order.
func (h *history) shuffle(rnd *rand.Rand) (order []int) {
	done := map[int]bool{}
	for len(order) < len(h.events) {
		i := rnd.IntN(len(h.events))
		if !done[i] && h.ready(i, done) {
			done[i] = true
			order = append(order, i)
		}
	}
	return order
}

func (h *history) ready(i int, done map[int]bool) bool {
	for p := range h.events[i].past {
		if !done[p] {
			return false
		}
	}
	return true
}

// orders calls f with every causal order.
func (h *history) orders(f func([]int)) {
	done := map[int]bool{}
	var walk func(order []int)
	walk = func(order []int) {
		if len(order) == len(h.events) {
			f(order)
			return
		}
		for i := range h.events {
			if !done[i] && h.ready(i, done) {
				done[i] = true
				walk(append(order, i))
				delete(done, i)
			}
		}
	}
	walk(nil)
}

// randomOp returns an operation of type typ on a small space of objects, keys and values.
func (h *history) randomOp(r *replica, object string, typ Type) Op {
	b := func(n int) []byte { return []byte{byte('a' + h.rnd.IntN(n))} }
	o := Op{Object: object, Type: typ, Op: uint8(h.rnd.IntN(2))}
	if s, ok := shapeOf(typ, o.Op); !ok && typ.known() {
		o.Op = Add
	} else if s.dots && h.rnd.IntN(4) == 0 {
		o.Dots = h.guess()
	}
	s, _ := shapeOf(typ, o.Op)
	if s.n {
		o.N = uint64(h.rnd.IntN(100))
	}
	if s.key {
		o.Key = b(3)
	}
	if s.value {
		o.Value = b(5)
	}
	if s.dots && o.Dots == nil {
		o.Dots = r.state.Seen(object, string(o.Key))
	}
	return o
}

// guess returns a dot that the writer need not have seen, as a liar would name it.
func (h *history) guess() []Dot {
	r := h.replicas[h.rnd.IntN(len(h.replicas))]
	return []Dot{{Author: r.author, Seq: uint64(h.rnd.IntN(int(r.seq) + 2))}}
}
