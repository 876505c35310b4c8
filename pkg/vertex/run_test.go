package vertex

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func lamports(items []Item) func(ID) (uint64, bool) {
	m := map[ID]uint64{}
	for i := range items {
		m[items[i].ID] = items[i].Lamport
	}
	return func(id ID) (uint64, bool) { l, ok := m[id]; return l, ok }
}

func same(t *testing.T, want, got []Item) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d items want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i].Append(nil), want[i].Append(nil)) {
			t.Fatalf("item %d differs", i)
		}
	}
}

func TestRunRoundTrip(t *testing.T) {
	for seed := range uint64(40) {
		items := history(seed, 200, 5)
		for _, cut := range []int{0, 1, 77, 199} {
			part := slices.Clone(items[cut:])
			TipSignatures(part)
			if seed%3 == 0 && len(part) > 4 {
				part[3].Body = nil
			}
			run, err := Pack(part, lamports(items))
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeRun(items[0].Session, run)
			if err != nil {
				t.Fatalf("seed %d cut %d: %v", seed, cut, err)
			}
			same(t, part, got)
		}
	}
}

// TestRunOfFork packs an author's two branches, inside the run and leaving from an external vertex.
func TestRunOfFork(t *testing.T) {
	items := history(9, 40, 2)
	last := items[39]
	fork := last.Vertex
	fork.HLC++
	twin := Seal(fork, last.Body, key(0))
	if last.Author != key(0).Public() {
		twin = Seal(fork, last.Body, key(1))
	}
	next := twin.Vertex
	next.Seq, next.Prev, next.Lamport, next.Parents = twin.Seq+1, twin.ID, twin.Lamport+1, nil
	third := Item{Vertex: next, Body: []byte("x")}
	third.SetBody(third.Body)
	third.Kind = 200
	third.ID = IDOf(third.AppendMap(nil))
	all := append(slices.Clone(items), twin, third)
	for _, cut := range []int{0, 39, 40} {
		run, err := Pack(all[cut:], lamports(all))
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeRun(items[0].Session, run)
		if err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		same(t, all[cut:], got)
	}
}

func TestRunSize(t *testing.T) {
	items := history(11, 1500, 20)
	bodies := 0
	for i := range items {
		bodies += len(items[i].Body)
	}
	TipSignatures(items)
	run, err := Pack(items, lamports(items))
	if err != nil {
		t.Fatal(err)
	}
	over := float64(len(run)-bodies) / float64(len(items))
	t.Logf("%.1f bytes a vertex beside its body", over)
	if over > 14 { // one parent and a half more on average than a quiet chat has
		t.Errorf("%.1f bytes a vertex beside its body", over)
	}
}

// TestRunCanonical flips every bit of a run: what is accepted must pack to itself.
func TestRunCanonical(t *testing.T) {
	items := history(12, 12, 3)
	run, err := Pack(items[4:], lamports(items))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(run) * 8 {
		b := slices.Clone(run)
		b[i/8] ^= 1 << (i % 8)
		got, err := DecodeRun(items[0].Session, b)
		if err != nil {
			var re *RefusedError
			if !errors.As(err, &re) {
				t.Fatalf("bit %d: %v is no refusal", i, err)
			}
			continue
		}
		for j := range got {
			if got[j].ID == items[4+j].ID && got[j].Sig == items[4+j].Sig && j == len(got)-1 && i/8 >= len(run)-64 {
				t.Fatalf("bit %d changes nothing", i)
			}
		}
	}
	if _, err := DecodeRun(items[0].Session, append(slices.Clone(run), 0)); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a byte too many: %v", err)
	}
}

func FuzzDecodeRun(f *testing.F) {
	items := history(13, 30, 3)
	for _, cut := range []int{0, 10, 29} {
		run, err := Pack(items[cut:], lamports(items))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(run)
	}
	s := items[0].Session
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := DecodeRun(s, b)
		if err == nil && len(got) > len(b) {
			t.Error("more vertices than bytes")
		}
	})
}

func BenchmarkDecodeRun(b *testing.B) {
	items := history(14, 1000, 20)
	TipSignatures(items)
	run, err := Pack(items, lamports(items))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := DecodeRun(items[0].Session, run); err != nil {
			b.Fatal(err)
		}
	}
}
