package fountain

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func codes() map[string]Code { return map[string]Code{"raptorq": RaptorQ{}, "linear": Linear{}} }

func random(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// receive feeds random ids in random order, 30 % of the source symbols lost, and returns how many were needed.
func receive(t testing.TB, c Code, k, size int, rnd *rand.Rand) int {
	block := random(k*size-3, byte(k))
	e, err := c.NewEncoder(block, size)
	if err != nil || e.K() != k {
		t.Fatalf("K %d: %v", e.K(), err)
	}
	var got []Symbol
	for id := uint32(0); ; id++ {
		if rnd.IntN(10) < 3 {
			continue
		}
		got = append(got, Symbol{id, e.Symbol(id)})
		if len(got) < k {
			continue
		}
		shuffled := append([]Symbol(nil), got...)
		rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		out, err := c.Decode(len(block), size, shuffled)
		if err != nil {
			t.Fatal(err)
		}
		if out != nil {
			if !bytes.Equal(out, block) {
				t.Fatalf("K %d: wrong bytes", k)
			}
			return len(got)
		}
		if len(got) > k+40 {
			t.Fatalf("K %d: %d symbols are not enough", k, len(got))
		}
	}
}

// TestOverhead: at 30 % loss RaptorQ needs at most 1.05 times the least at every K, the linear code from 64 on.
func TestOverhead(t *testing.T) {
	const rounds = 25
	for name, c := range codes() {
		for _, k := range []int{1, 2, 16, 64, 200} {
			sum, rnd := 0, rand.New(rand.NewPCG(1, uint64(k)))
			for range rounds {
				sum += receive(t, c, k, 64, rnd)
			}
			ratio := float64(sum) / float64(rounds*k)
			t.Logf("%s K %d: %.3f", name, k, ratio)
			if ratio > 1.05 && (name == "raptorq" || k >= 64) {
				t.Errorf("%s K %d: %.3f times the least", name, k, ratio)
			}
		}
	}
}

// TestManySymbols: any K+3 of far ids decode with RaptorQ.
func TestManySymbols(t *testing.T) {
	const k, size = 100, 64
	block := random(k*size, 1)
	e, err := RaptorQ{}.NewEncoder(block, size)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(5, 5))
	for range 50 {
		seen, got := map[uint32]bool{}, []Symbol(nil)
		for len(got) < k+3 {
			id := rnd.Uint32N(MaxID + 1)
			if !seen[id] {
				got = append(got, Symbol{id, e.Symbol(id)})
			}
			seen[id] = true
		}
		if out, err := (RaptorQ{}).Decode(len(block), size, got); err != nil || !bytes.Equal(out, block) {
			t.Fatalf("%d random symbols of %d do not decode: %v", len(got), k, err)
		}
	}
}

func TestLimits(t *testing.T) {
	for name, c := range codes() {
		for _, x := range [][2]int{{0, 64}, {MaxBlock + 1, 2900}, {64*MaxK + 1, 64}, {100, 63}, {100, 2901}} {
			if _, err := c.Decode(x[0], x[1], nil); !errors.Is(err, wire.ErrInvalid) {
				t.Errorf("%s decodes a block of %d in %d: %v", name, x[0], x[1], err)
			}
			if _, err := c.NewEncoder(make([]byte, x[0]), x[1]); !errors.Is(err, wire.ErrInvalid) {
				t.Errorf("%s encodes a block of %d in %d: %v", name, x[0], x[1], err)
			}
		}
		if _, err := c.Decode(64, 64, []Symbol{{MaxID + 1, make([]byte, 64)}}); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s takes an id out of range: %v", name, err)
		}
		if _, err := c.Decode(64, 64, []Symbol{{1, make([]byte, 65)}}); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s takes a long symbol: %v", name, err)
		}
	}
}

// TestContradiction: a false symbol beside enough true ones is noticed by the linear code.
func TestContradiction(t *testing.T) {
	e, err := Linear{}.NewEncoder(random(640, 3), 64)
	if err != nil {
		t.Fatal(err)
	}
	var got []Symbol
	for id := range uint32(14) {
		got = append(got, Symbol{id, bytes.Clone(e.Symbol(id))})
	}
	got[5].Data[0] ^= 1
	if _, err := (Linear{}).Decode(640, 64, got); !errors.Is(err, ErrInconsistent) {
		t.Errorf("got %v", err)
	}
}

func Example() {
	block := bytes.Repeat([]byte("salam "), 100)
	e, err := RaptorQ{}.NewEncoder(block, 64)
	if err != nil {
		fmt.Println(err)
		return
	}
	var got []Symbol
	for id := uint32(3); len(got) < e.K(); id++ { // the first three are lost
		got = append(got, Symbol{id, e.Symbol(id)})
	}
	out, err := RaptorQ{}.Decode(len(block), 64, got)
	fmt.Println(bytes.Equal(out, block), err)
	// Output: true <nil>
}
