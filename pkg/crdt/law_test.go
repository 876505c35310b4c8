package crdt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// encodeAny writes operations without looking at their limits, as a liar would.
func encodeAny(ops []Op) []byte {
	b := wire.AppendArray(nil, len(ops))
	for i := range ops {
		s, _ := shapeOf(ops[i].Type, ops[i].Op)
		b = ops[i].append(b, s)
	}
	return b
}

var kinds = [...]Type{GCounter, PNCounter, GSet, ORSet, LWWRegister, MVRegister, LWWMap, 6, 200}

// Any causal order gives the same bytes, for each type alone and for all mixed on the same objects,
// with liars who remove what they never saw and operations above the limits.
func TestAnyOrderSameBytes(t *testing.T) {
	for seed := range uint64(60) {
		for only := -1; only < len(kinds); only++ {
			h := newHistory(seed, 2+int(seed%4))
			h.run(25, func(r *replica) (ops []Op) {
				for range 1 + h.rnd.IntN(4) {
					typ := kinds[h.rnd.IntN(len(kinds))]
					if only >= 0 {
						typ = kinds[only]
					}
					o := h.randomOp(r, fmt.Sprint(h.rnd.IntN(3)), typ)
					if typ == PNCounter && h.rnd.IntN(5) == 0 {
						o.N = MaxCount + 1
					}
					ops = append(ops, o)
				}
				return ops
			})
			for _, r := range h.replicas[1:] {
				h.merge(r, h.replicas[0])
			}
			want := h.replicas[0].state.Snapshot()
			rnd := rand.New(rand.NewPCG(seed, 2))
			for range 5 {
				order := h.shuffle(rnd)
				if got := h.fold(t, order).Snapshot(); !bytes.Equal(got, want) {
					t.Fatalf("seed %d, type %d, order %v:\n%x\n%x", seed, only, order, got, want)
				}
			}
			for i, r := range h.replicas {
				if h.merge(h.replicas[0], r); !bytes.Equal(r.state.Snapshot(), want) {
					t.Fatalf("seed %d, type %d: replica %d ended elsewhere", seed, only, i)
				}
			}
		}
	}
}

// Without the question about the past a guessed dot splits two replicas; with it they agree.
func TestRemovalOfTheUnseen(t *testing.T) {
	add := Vertex{Author: [32]byte{1}, Lamport: 1}
	ops := []Op{{Object: "o", Type: ORSet, Key: []byte("e")}}
	lie := Vertex{Author: [32]byte{2}, Lamport: 1}
	remove := []Op{{Object: "o", Type: ORSet, Op: Remove, Key: []byte("e"), Dots: []Dot{{Author: [32]byte{1}}}}}
	for _, told := range []bool{false, true} {
		if told {
			lie.InPast = func(Dot) bool { return false }
		}
		var a, b State
		a.Apply(add, ops)
		a.Apply(lie, remove)
		b.Apply(lie, remove)
		b.Apply(add, ops)
		if same := bytes.Equal(a.Snapshot(), b.Snapshot()); same != told {
			t.Errorf("told of the past %v: same bytes %v", told, same)
		}
	}
}

// Two branches of a forked author share sequence number and stamp; the order still does not matter.
func TestForkedAuthor(t *testing.T) {
	var events []func(*State)
	for branch := range 2 {
		v := Vertex{Author: [32]byte{1}, Lamport: 5, Fork: [8]byte{byte(branch + 1)}}
		val := []byte{byte(branch)}
		ops := []Op{
			{Object: "r", Type: LWWRegister, Value: val}, {Object: "m", Type: LWWMap, Op: uint8(branch), Key: []byte("k")},
			{Object: "v", Type: MVRegister, Value: val}, {Object: "s", Type: ORSet, Key: []byte("e")},
			{Object: "t", Type: kinds[branch], N: 1},
		}
		events = append(events, func(s *State) { s.Apply(v, ops) })
	}
	var a, b State
	events[0](&a)
	events[1](&a)
	events[1](&b)
	events[0](&b)
	if !bytes.Equal(a.Snapshot(), b.Snapshot()) {
		t.Errorf("\n%x\n%x", a.Snapshot(), b.Snapshot())
	}
	if len(a.Values("v")) != 2 || len(a.Seen("s", "e")) != 2 {
		t.Error("a branch got lost")
	}
	if typ, _ := b.Type("t"); typ != GCounter {
		t.Errorf("type %d", typ)
	}
}
