package fountain

import (
	"crypto/subtle"
	"math/bits"
)

// solver is Gaussian elimination over GF(2), a row at a time: row i of a full one says what unknown i is.
type solver struct {
	k    int
	rank int
	rows []row // by their lowest unknown; empty: none yet
}

type row struct {
	bits []uint64 // which unknowns are in it
	data []byte   // their sum
}

func newSolver(k int) *solver { return &solver{k: k, rows: make([]row, k)} }

// newBits returns an empty set of unknowns.
func (s *solver) newBits() []uint64 { return make([]uint64, (s.k+63)/64) }

// add takes the row over. It reports whether the row told something new, or ErrInconsistent.
func (s *solver) add(set []uint64, data []byte) (bool, error) {
	for w := 0; w < len(set); {
		if set[w] == 0 {
			w++
			continue
		}
		i := w*64 + bits.TrailingZeros64(set[w])
		r := s.rows[i]
		if r.bits == nil {
			s.rows[i] = row{set, data}
			s.rank++
			return true, nil
		}
		xorBits(set[w:], r.bits[w:])
		subtle.XORBytes(data, data, r.data)
	}
	for _, c := range data {
		if c != 0 {
			return false, ErrInconsistent
		}
	}
	return false, nil
}

// solution returns the unknowns in order; nil while the rank is not full. The solver is used up.
func (s *solver) solution() [][]byte {
	if s.rank < s.k {
		return nil
	}
	out := make([][]byte, s.k)
	for i := s.k - 1; i >= 0; i-- {
		r := s.rows[i]
		for w, v := range r.bits {
			for v &^= mask(i, w); v != 0; v &= v - 1 {
				subtle.XORBytes(r.data, r.data, out[w*64+bits.TrailingZeros64(v)])
			}
		}
		out[i] = r.data
	}
	return out
}

// mask is the bit of unknown i in word w.
func mask(i, w int) uint64 {
	if i/64 != w {
		return 0
	}
	return 1 << (i % 64)
}

func xorBits(dst, src []uint64) {
	for i, v := range src {
		dst[i] ^= v
	}
}
