package reconcile

import (
	"encoding/binary"
	"math"

	"github.com/dchest/siphash"
)

// The rateless sketch: a set is coded into an endless row of cells, and the cell-wise difference of
// two rows gives up the symbols that only one set has, once there are about 1.35 cells for each.
// Nobody has to guess the size of the difference before.

// Symbol stands for a vertex in a sketch: 64 keyed bits of its id.
type Symbol uint64

// ShortID returns SipHash-2-4 of an id under k. A stranger to k cannot craft two ids with one symbol.
func ShortID(k [16]byte, id [32]byte) Symbol {
	k0, k1 := binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])
	return Symbol(siphash.Hash(k0, k1, id[:]))
}

// Cell is the sum of the symbols whose index sequence names it.
type Cell struct {
	// Sum is the XOR of the symbols.
	Sum Symbol
	// Check is the XOR of their checks.
	Check uint32
	// Count is how many there are; of a difference, mine less theirs.
	Count int32
}

const (
	// MaxCells is the longest row, in cells. A phone stops at MaxCellsPhone.
	MaxCells = 1 << 18
	// MaxCellsPhone is the longest row on a device with little memory.
	MaxCellsPhone = 1 << 15
	// MaxSet is the largest set that can be sketched, in symbols.
	MaxSet = 1<<31 - 1
)

// BlockSize returns how many cells to send next after sent cells: 16, then a tenth of what was sent.
func BlockSize(sent int) int { return max(16, sent/10) }

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// checkKey is the number that symbols are XORed with before mix: the first half of the key.
func checkKey(k [16]byte) uint64 { return binary.BigEndian.Uint64(k[:8]) }

// check is not linear in XOR, or the check of a sum would follow from the sum.
func (x Symbol) check(key uint64) uint32 { return uint32(mix(uint64(x)^key) >> 32) }

// indexes walks the cells that a symbol belongs to: cell m holds a share of 1/(1+m/2) of all symbols.
type indexes struct{ state, at uint64 }

func (x Symbol) indexes() indexes { return indexes{state: uint64(x) | 1} }

// next moves to the following index. Each intermediate is rounded by its own float64(): Go may fuse
// x*y+z on arm64 and others and never does on amd64, and two peers that round apart build other cells
// of which nothing ever decodes. Past 2^62 the walk stands still, far beyond any cell.
func (s *indexes) next() {
	const multiplier, far = 0xDA942042E4DD58B5, 1 << 62
	s.state *= multiplier
	root := float64(math.Sqrt(float64(float64(s.state) + 1)))
	gap := float64(float64(float64(1<<32)/root) - 1)
	from := float64(float64(s.at) + 1.5)
	step := float64(from * gap)
	if step >= far || s.at >= far {
		s.at = far
		return
	}
	s.at += uint64(math.Ceil(step))
}

// flip adds (sign 1) or takes away (sign −1) a symbol in the cells whose first one is number lo.
func flip(cells []Cell, lo int, x Symbol, check uint32, sign int32) {
	from, to := uint64(lo), uint64(lo+len(cells))
	for s := x.indexes(); s.at < to; s.next() {
		if s.at < from {
			continue
		}
		c := &cells[s.at-from]
		c.Sum ^= x
		c.Check ^= check
		c.Count += sign
	}
}
