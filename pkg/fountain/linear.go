package fountain

import (
	"bytes"
	"crypto/subtle"
	"math/bits"
)

// Linear is a random linear code over GF(2): every repair symbol is the sum of half the source symbols.
// It needs about 1.6 symbols more than the least at any K, and time that grows with K². It is free of
// patents and stands in for RaptorQ where that is wanted; frames say which of the two made them.
type Linear struct{}

type linearEncoder struct {
	block []byte // padded
	size  int
}

// NewEncoder prepares a block. Errors wrap wire.ErrInvalid.
func (Linear) NewEncoder(block []byte, size int) (Encoder, error) {
	if err := checkBlock(len(block), size); err != nil {
		return nil, err
	}
	return linearEncoder{pad(block, size), size}, nil
}

func (e linearEncoder) K() int { return len(e.block) / e.size }

func (e linearEncoder) source(i int) []byte { return e.block[i*e.size : (i+1)*e.size : (i+1)*e.size] }

func (e linearEncoder) Symbol(id uint32) []byte {
	k := e.K()
	if int(id) < k {
		return e.source(int(id))
	}
	out := make([]byte, e.size)
	for w, v := range mixture(id, k) {
		for ; v != 0; v &= v - 1 {
			subtle.XORBytes(out, out, e.source(w*64+bits.TrailingZeros64(v)))
		}
	}
	return out
}

// mixture is the set of source symbols in a symbol, 64 of them a word: SplitMix64 from id and k.
func mixture(id uint32, k int) []uint64 {
	out := make([]uint64, (k+63)/64)
	if int(id) < k {
		out[id/64] = 1 << (id % 64)
		return out
	}
	state := uint64(id)<<32 | uint64(k)
	for i := range out {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		out[i] = z ^ z>>31
	}
	if k%64 != 0 {
		out[len(out)-1] &= 1<<(k%64) - 1
	}
	return out
}

// Decode returns the block, or nil when more symbols are needed. Errors wrap wire.ErrInvalid or are
// ErrInconsistent.
func (Linear) Decode(length, size int, symbols []Symbol) ([]byte, error) {
	if err := checkBlock(length, size); err != nil {
		return nil, err
	}
	k := Count(length, size)
	if err := checkSymbols(size, symbols); err != nil || len(symbols) < k {
		return nil, err
	}
	s := newSolver(k)
	for _, sym := range symbols {
		if _, err := s.add(mixture(sym.ID, k), bytes.Clone(sym.Data)); err != nil {
			return nil, err
		}
	}
	all := s.solution()
	if all == nil {
		return nil, nil
	}
	return bytes.Join(all, nil)[:length], nil
}
