package reconcile

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

type sequence struct {
	x  Symbol
	at []uint64
}

func readSequences(t *testing.T) (out []sequence) {
	t.Helper()
	f, err := os.Open("testdata/riblt_indexes.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		x, err := strconv.ParseUint(fields[0], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		s := sequence{x: Symbol(x)}
		for _, v := range fields[1:] {
			n, err := strconv.ParseUint(v, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			s.at = append(s.at, n)
		}
		out = append(out, s)
	}
	return out
}

// The sequences of 64 symbols are frozen: a peer that computes another one decodes nothing. Run it
// under each GOARCH.
func TestIndexVectors(t *testing.T) {
	all := readSequences(t)
	if len(all) != 64 {
		t.Fatalf("%d sequences", len(all))
	}
	for _, v := range all {
		if len(v.at) != 32 {
			t.Fatalf("%x: %d indexes", v.x, len(v.at))
		}
		s := v.x.indexes()
		for i, want := range v.at {
			if s.at != want {
				t.Errorf("%016x index %d: got %d want %d", uint64(v.x), i, s.at, want)
				break
			}
			s.next()
		}
	}
}

// What a compiler may make of i + (i+1.5)·gap in floating point: one rounding instead of two. The
// vectors must tell it from the real thing, or they would not protect anyone on arm64.
func TestVectorsCatchFMA(t *testing.T) {
	caught := 0
	for _, v := range readSequences(t) {
		s := v.x.indexes()
		for i := range v.at {
			if s.at != v.at[i] {
				caught++
				break
			}
			s.state *= 0xDA942042E4DD58B5
			gap := float64(1<<32)/math.Sqrt(float64(s.state)+1) - 1
			s.at = uint64(math.Ceil(math.FMA(float64(s.at)+1.5, gap, float64(s.at))))
		}
	}
	if caught < 10 {
		t.Errorf("%d of 64 sequences differ under a fused multiply-add", caught)
	}
}

// Walks end: the largest gaps do not wrap around into low cells.
func TestIndexesSaturate(t *testing.T) {
	inverse := uint64(1) // of the multiplier, by Newton's steps
	for range 6 {
		inverse *= 2 - 0xDA942042E4DD58B5*inverse
	}
	s := Symbol(inverse).indexes() // its first state is 1, the largest gap there is
	last := s.at
	for range 200 {
		if s.next(); s.at < last {
			t.Fatalf("index %d after %d", s.at, last)
		}
		last = s.at
	}
	if last != 1<<62 {
		t.Errorf("ended at %d", last)
	}
}

// Cell m holds about 1/(1+m/2) of all symbols, 5 % less at cell 1; 13.2 bytes a cell on the wire follow from it.
func TestDensity(t *testing.T) {
	const n = 100_000
	e := NewEncoder(rowKey(), symbols(0, n))
	for _, m := range []int{0, 1, 2, 10, 100, 1000} {
		want := n / (1 + float64(m)/2)
		if got := float64(e.Cells(m, 1)[0].Count); math.Abs(got-want) > 6*math.Sqrt(want)+want/20 {
			t.Errorf("cell %d: %v symbols, about %v expected", m, got, want)
		}
	}
	if got := len(AppendCells(nil, 0, e.Cells(0, 1500), n)); got > 1500*134/10 {
		t.Errorf("%d bytes for 1500 cells", got)
	}
}

// The bytes of a row are frozen; the digest was made by the same Python program as the indexes.
func TestRowVector(t *testing.T) {
	set := make([]Symbol, 100)
	for i := range set {
		set[i] = Symbol(mix(uint64(i + 1)))
	}
	b := AppendCells(nil, 0, NewEncoder(rowKey(), set).Cells(0, 64), 100)
	if got := hex.EncodeToString(sum(b)); len(b) != 832 || got != "4440cf6b710e5d827d01665bae51895fd4a01d4ab54c92c35088ee5139b0aa06" {
		t.Errorf("%d bytes, digest %s", len(b), got)
	}
}

func sum(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}
