package hns

import (
	"math/big"
	"slices"
)

const (
	spacing    = 600 // seconds between blocks, meant
	window     = 144 // blocks of a day
	minSpan    = window * spacing / 4
	maxSpan    = window * spacing * 4
	medianSpan = 11
	// future is how far a block may be ahead of the clock.
	future = 2 * 3600
)

// target expands the compact form: a byte of length and 23 bits of the number's beginning. It is nil where no hash can be at
// or below it, or where it is longer than a hash.
func target(bits uint32) *big.Int {
	size, head := uint(bits>>24), bits&0x7fffff
	if bits&0x800000 != 0 || size > 34 {
		return nil
	}
	n := new(big.Int)
	if size <= 3 {
		n.SetUint64(uint64(head >> (8 * (3 - size))))
	} else {
		n.Lsh(n.SetUint64(uint64(head)), 8*(size-3))
	}
	if n.Sign() == 0 || n.BitLen() > 256 {
		return nil
	}
	return n
}

// compact is the inverse of target, rounding down.
func compact(n *big.Int) uint32 {
	size := uint((n.BitLen() + 7) / 8)
	var head uint32
	if size <= 3 {
		head = uint32(n.Uint64() << (8 * (3 - size)))
	} else {
		head = uint32(new(big.Int).Rsh(n, 8*(size-3)).Uint64())
	}
	if head&0x800000 != 0 {
		head >>= 8
		size++
	}
	return uint32(size)<<24 | head
}

func two256() *big.Int { return new(big.Int).Lsh(big.NewInt(1), 256) }

// work is how many hashes a target costs.
func work(target *big.Int) *big.Int {
	return new(big.Int).Div(two256(), new(big.Int).Add(target, big.NewInt(1)))
}

// next returns the compact target that the block after prev must have; ok is false when what it follows from lies below
// what is known.
func (n *Network) next(prev *entry, time uint64) (bits uint32, ok bool) {
	switch {
	case n.NoRetarget:
		return n.Limit, true
	case n.Reset && time > prev.time+2*spacing:
		return n.Limit, true
	case prev.height < window+2:
		return n.Limit, true
	}
	last, first := suitable(prev), suitable(prev.back(window))
	if last == nil || first == nil {
		return 0, false
	}
	return n.retarget(first, last), true
}

// retarget aims at one block in ten minutes from the work and the time between two blocks a day apart.
func (n *Network) retarget(first, last *entry) uint32 {
	span := int64(last.time) - int64(first.time)
	span = min(max(span, minSpan), maxSpan)
	w := new(big.Int).Sub(last.work, first.work)
	w.Mul(w, big.NewInt(spacing)).Div(w, big.NewInt(span))
	if w.Sign() == 0 {
		return n.Limit
	}
	t := w.Div(two256(), w)
	t.Sub(t, big.NewInt(1))
	if t.Cmp(target(n.Limit)) > 0 {
		return n.Limit
	}
	return compact(t)
}

// suitable is the block of median time among e and the two before, so that one wrong clock moves nothing.
func suitable(z *entry) *entry {
	y := z.back(1)
	x := z.back(2)
	if x == nil {
		return nil
	}
	if x.time > z.time {
		x, z = z, x
	}
	if x.time > y.time {
		y = x
	}
	if y.time > z.time {
		y = z
	}
	return y
}

// median is the time that the block after e must be later than; 0 where too few blocks below it are known.
func median(e *entry) uint64 {
	var times [medianSpan]uint64
	n, low := 0, e
	for ; e != nil && n < medianSpan; e = e.prev {
		times[n], low = e.time, e
		n++
	}
	if n < medianSpan && low.height > 0 {
		return 0
	}
	slices.Sort(times[:n])
	return times[n/2]
}

// back is the block n below, or nil; e may be nil.
func (e *entry) back(n int) *entry {
	for ; e != nil && n > 0; n-- {
		e = e.prev
	}
	return e
}
