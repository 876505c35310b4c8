package crdt

import (
	"bytes"
	"math/big"
	"math/bits"
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

// total is a 128-bit sum: 2^40 vertices of 1,024 steps of 2^40 do not wrap it.
type total struct{ hi, lo uint64 }

func (t *total) add(n uint64) {
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, n, 0)
	t.hi += carry
}

func (t total) big() *big.Int {
	v := new(big.Int).SetUint64(t.hi)
	return v.Or(v.Lsh(v, 64), new(big.Int).SetUint64(t.lo))
}

func (t total) append(b []byte) []byte { return wire.AppendUint(wire.AppendUint(b, t.hi), t.lo) }

// counter is GCounter and PNCounter: the sum of all steps, by author.
type counter struct{ authors map[[32]byte]*[2]total }

func (c *counter) apply(w when, o *Op) {
	if c.authors == nil {
		c.authors = map[[32]byte]*[2]total{}
	}
	t := c.authors[w.dot.Author]
	if t == nil {
		t = &[2]total{}
		c.authors[w.dot.Author] = t
	}
	t[o.Op].add(o.N)
}

func (c *counter) append(b []byte) []byte {
	authors := make([][32]byte, 0, len(c.authors))
	for a := range c.authors {
		authors = append(authors, a)
	}
	slices.SortFunc(authors, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	b = wire.AppendArray(b, len(authors))
	for _, a := range authors {
		t := c.authors[a]
		b = wire.AppendBytes(wire.AppendArray(b, 5), a[:])
		b = t[Remove].append(t[Add].append(b))
	}
	return b
}

func (c *counter) sum() *big.Int {
	v := new(big.Int)
	for _, t := range c.authors {
		v.Add(v, t[Add].big())
		v.Sub(v, t[Remove].big())
	}
	return v
}
