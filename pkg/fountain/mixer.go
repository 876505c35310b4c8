package fountain

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// xoshiro is Xoshiro256** seeded by a SHA-256, as BCR-2024-001 has it.
type xoshiro [4]uint64

func newXoshiro(seed []byte) *xoshiro {
	sum := sha256.Sum256(seed)
	var x xoshiro
	for i := range x {
		x[i] = binary.BigEndian.Uint64(sum[i*8:])
	}
	return &x
}

func (x *xoshiro) next() uint64 {
	out := bits.RotateLeft64(x[1]*5, 7) * 9
	t := x[1] << 17
	x[2] ^= x[0]
	x[3] ^= x[1]
	x[1] ^= x[2]
	x[0] ^= x[3]
	x[2] ^= t
	x[3] = bits.RotateLeft64(x[3], 45)
	return out
}

// float returns a number of [0, 1].
func (x *xoshiro) float() float64 { return float64(x.next()) / float64(1<<64) }

// below returns a whole number below n.
func (x *xoshiro) below(n int) int { return min(int(float64(x.float()*float64(n))), n-1) }

// sampler draws from a distribution by Vose's alias method.
type sampler struct {
	probs   []float64
	aliases []int
}

// newSampler prepares weights. Every product is rounded by itself: an arm64 that fuses a multiplication
// with an addition would pick other parts than its peer.
func newSampler(weights []float64) *sampler {
	n, sum := len(weights), 0.0
	for _, w := range weights {
		sum += w
	}
	p := make([]float64, n)
	s := &sampler{make([]float64, n), make([]int, n)}
	var small, large []int
	for i := n - 1; i >= 0; i-- {
		p[i] = float64(float64(weights[i]*float64(n)) / sum)
		if p[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		a, g := small[len(small)-1], large[len(large)-1]
		small, large = small[:len(small)-1], large[:len(large)-1]
		s.probs[a], s.aliases[a] = p[a], g
		p[g] += float64(p[a] - 1)
		if p[g] < 1 {
			small = append(small, g)
		} else {
			large = append(large, g)
		}
	}
	for _, i := range append(large, small...) {
		s.probs[i] = 1
	}
	return s
}

func (s *sampler) draw(x *xoshiro) int {
	r1, r2 := x.float(), x.float()
	i := min(int(float64(float64(len(s.probs))*r1)), len(s.probs)-1)
	if r2 < s.probs[i] {
		return i
	}
	return s.aliases[i]
}

// degrees draws how many fragments of n are mixed: 1/d for d.
func degrees(n int) *sampler {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = 1 / float64(i+1)
	}
	return newSampler(weights)
}

// shuffled returns the numbers below n in the order the generator draws them.
func shuffled(n int, x *xoshiro) []int {
	rest, out := make([]int, n), make([]int, 0, n)
	for i := range rest {
		rest[i] = i
	}
	for len(rest) > 0 {
		i := x.below(len(rest))
		out = append(out, rest[i])
		rest = append(rest[:i], rest[i+1:]...)
	}
	return out
}
