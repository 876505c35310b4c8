// Package evil makes hostile input for tests.
package evil

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"testing"
)

// Mutate returns a seed with one to four changes: a bit, a byte, a cut, a doubled piece, a piece of another seed.
func Mutate(r *rand.Rand, seeds [][]byte) []byte {
	b := bytes.Clone(seeds[r.IntN(len(seeds))])
	for range 1 + r.IntN(4) {
		if len(b) == 0 {
			return []byte{byte(r.Uint32())}
		}
		i := r.IntN(len(b))
		switch r.IntN(6) {
		case 0, 1:
			b[i] ^= 1 << r.IntN(8)
		case 2:
			b[i] = byte(r.Uint32())
		case 3:
			b = append(b[:i:i], b[i+r.IntN(len(b)-i):]...)
		case 4:
			b = append(b[:i:i], b[r.IntN(i+1):]...)
		case 5:
			o := seeds[r.IntN(len(seeds))]
			b = append(b[:i:i], o[min(i, len(o)):]...)
		}
	}
	return b
}

// Mutated gives n changed inputs to read, and fails where reading them took more memory than most bytes each, on average over a
// thousand.
func Mutated(t *testing.T, seed uint64, n, most int, seeds [][]byte, read func(b []byte)) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	var before, after runtime.MemStats
	for done := 0; done < n; {
		batch := make([][]byte, min(1000, n-done))
		for i := range batch {
			batch[i] = Mutate(r, seeds)
		}
		runtime.ReadMemStats(&before)
		for _, b := range batch {
			read(b)
		}
		runtime.ReadMemStats(&after)
		done += len(batch)
		if got := (after.TotalAlloc - before.TotalAlloc) / uint64(len(batch)); got > uint64(most) || t.Failed() {
			t.Fatalf("seed=%d: inputs up to %d took %d bytes each, at most %d", seed, done, got, most)
		}
	}
}
