package fountain

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// wolf is the message of the reference's tests: n bytes of the generator seeded by "Wolf".
func wolf(n int) []byte {
	x, out := newXoshiro([]byte("Wolf")), make([]byte, n)
	for i := range out {
		out[i] = byte(x.below(256))
	}
	return out
}

// The numbers of these tests are those of BlockchainCommons/bc-ur, test/test.cpp.
func TestReferenceGenerator(t *testing.T) {
	x := newXoshiro([]byte("Wolf"))
	for i, want := range []uint64{42, 81, 85, 8, 82, 84, 76, 73, 70, 88, 2, 74, 40, 48, 77, 54, 88, 7, 5, 88} {
		if got := x.next() % 100; got != want {
			t.Fatalf("number %d: got %d want %d", i, got, want)
		}
	}
	x = newXoshiro([]byte("Wolf"))
	for i, want := range []int{6, 5, 8, 4, 10, 5, 7, 10, 4, 9, 10, 9, 7, 7, 1, 1, 2, 9, 9, 2} {
		if got := x.below(10) + 1; got != want {
			t.Fatalf("whole number %d: got %d want %d", i, got, want)
		}
	}
	x = newXoshiro([]byte("Wolf"))
	s := newSampler([]float64{1, 2, 4, 8})
	for i, want := range []int{3, 3, 3, 3, 3, 3, 3, 0, 2, 3, 3, 3, 3, 1, 2, 2, 1, 3, 3, 2, 3, 3, 1, 1, 2, 1, 1, 3, 1, 3, 1, 2, 0, 2, 1, 0} {
		if got := s.draw(x); got != want {
			t.Fatalf("sample %d: got %d want %d", i, got, want)
		}
	}
	x = newXoshiro([]byte("Wolf"))
	for _, want := range [][]int{{5, 3, 8, 2, 9, 4, 6, 7, 0, 1}, {9, 7, 5, 4, 0, 1, 2, 8, 6, 3}, {5, 3, 4, 7, 8, 2, 1, 0, 6, 9}} {
		if got := shuffled(10, x); !slices.Equal(got, want) {
			t.Fatalf("shuffle: got %v want %v", got, want)
		}
	}
}

func TestReferenceDegrees(t *testing.T) {
	want := []int{11, 3, 6, 5, 2, 1, 2, 11, 1, 3, 9, 10, 10, 4, 2, 1, 1, 2, 1, 1, 5, 2, 4, 10, 3, 2, 1, 1, 3, 11, 2, 6, 2, 9, 9, 2, 6, 7, 2, 5, 2, 4, 3, 1, 6, 11, 2, 11, 3, 1, 6, 3, 1, 4, 5, 3, 6, 1, 1, 3, 1, 2, 2, 1, 4, 5, 1, 1, 9, 1, 1, 6, 4, 1, 5, 1, 2, 2, 3, 1, 1, 5, 2, 6, 1, 7, 11, 1, 8, 1, 5, 1, 1, 2, 2, 6, 4, 10, 1, 2}
	d := degrees(11)
	for i, w := range want {
		if got := d.draw(newXoshiro([]byte("Wolf-"+strconv.Itoa(i+1)))) + 1; got != w {
			t.Fatalf("degree %d: got %d want %d", i, got, w)
		}
	}
}

func TestReferenceFragments(t *testing.T) {
	p, err := NewParts(wolf(1024), 100)
	if err != nil || p.Count() != 11 || p.size != 94 {
		t.Fatalf("%d fragments of %d: %v", p.Count(), p.size, err)
	}
	for i, want := range [][]int{{9}, {2, 5, 6, 8, 9, 10}, {8}, {1, 5}, {1}, {0, 2, 4, 5, 8, 10}, {5}, {2}, {2}, {0, 1, 3, 4, 5, 7, 9, 10}, {0, 1, 2, 3, 5, 6, 8, 9, 10}, {0, 2, 4, 5, 7, 8, 9, 10}, {3, 5}, {4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {0, 1, 3, 4, 5, 6, 7, 9, 10}, {6}, {5, 6}, {7}} {
		got := p.mix.fragments(uint32(i + 12))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("part %d: got %v want %v", i+12, got, want)
		}
	}
}

func TestReferencePart(t *testing.T) {
	p, err := NewParts(wolf(256), 30)
	if err != nil {
		t.Fatal(err)
	}
	for seq, want := range map[uint32]string{
		1:  "916ec65cf77cadf55cd7f9cda1a1030026ddd42e905b77adc36e4f2d3c",
		9:  "951e65305b56a3706e3e86eb01c803bbf915d80edcd64d4d0000000000",
		10: "330f0f33a05eead4f331df229871bee733b50de71afd2e5a79f196de09",
	} {
		got := p.Part(seq)
		if hex.EncodeToString(got.Data) != want || got.Checksum != 23570951 || got.Count != 9 || got.Length != 256 {
			t.Errorf("part %d: %+v", seq, got)
		}
	}
	if got := nominal(12345, 1955); got != 1764 {
		t.Errorf("fragments of %d bytes", got)
	}
}

// TestElimination: who joins a running stream at 30 % loss needs few parts more than the least; the reference's
// decoder needs 1.36, 1.79 and 2.10 times as many.
func TestElimination(t *testing.T) {
	for k, limit := range map[int]float64{16: 1.27, 64: 1.08, 200: 1.04} {
		const rounds = 40
		sum, rnd := 0, rand.New(rand.NewPCG(7, uint64(k)))
		for range rounds {
			msg := make([]byte, 16*k)
			for i := range msg {
				msg[i] = byte(rnd.Uint32())
			}
			p, err := NewParts(msg, 16)
			if err != nil || p.Count() != k {
				t.Fatal(p.Count(), err)
			}
			j, err := NewJoiner(p.Part(1))
			if err != nil {
				t.Fatal(err)
			}
			for seq := uint32(k + 1); j.Rank() < k; seq++ {
				if rnd.IntN(10) < 3 {
					continue
				}
				sum++
				if _, err := j.Add(p.Part(seq)); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := j.Message(); err != nil || !bytes.Equal(got, msg) {
				t.Fatalf("K %d: wrong message: %v", k, err)
			}
		}
		ratio := float64(sum) / float64(rounds*k)
		t.Logf("K %d: %.3f", k, ratio)
		if ratio > limit {
			t.Errorf("K %d: %.3f times the least", k, ratio)
		}
	}
}

func TestForgedPart(t *testing.T) {
	p, err := NewParts(wolf(256), 30)
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJoiner(p.Part(1))
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint32(1); seq <= 9; seq++ {
		part := p.Part(seq)
		if seq == 4 {
			part.Data[0] ^= 1
		}
		if _, err := j.Add(part); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Message(); !errors.Is(err, ErrInconsistent) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecodePart(f *testing.F) {
	p, _ := NewParts(wolf(256), 30)
	for _, seq := range []uint32{1, 9, 10} {
		part := p.Part(seq)
		f.Add(part.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		part, err := DecodePart(b)
		if err != nil {
			if !errors.Is(err, wire.ErrInvalid) {
				t.Error(err)
			}
			return
		}
		if !bytes.Equal(part.Append(nil), b) {
			t.Error("accepted, but not canonical")
		}
		if part.Count > 64 {
			return
		}
		j, err := NewJoiner(part)
		if err != nil {
			t.Fatal(err)
		}
		j.Add(part)
		j.Message()
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("0123456789"), uint16(64), uint16(640))
	f.Fuzz(func(t *testing.T, b []byte, size, length uint16) {
		n, l := int(size)%200, int(length)
		var got []Symbol
		seen := map[uint32]bool{}
		for i := 0; i+3 <= len(b) && len(got) < 300; i += 3 {
			id := uint32(b[i])<<16 | uint32(b[i+1])<<8 | uint32(b[i+2])
			if !seen[id] {
				got = append(got, Symbol{id, bytes.Repeat([]byte{b[i]}, n)})
			}
			seen[id] = true
		}
		for _, c := range codes() {
			if out, _ := c.Decode(l, n, got); out != nil && len(out) != l {
				t.Errorf("%d bytes of %d", len(out), l)
			}
		}
	})
}
