package crdt

import (
	"bytes"
	"cmp"

	"github.com/pars-network/pars/pkg/wire"
)

// Dot names one operation: number J of the vertex Seq of an author.
type Dot struct {
	// Author is the key that signed the vertex.
	Author [32]byte
	// Seq is the vertex's place in its author's chain, below 2^40.
	Seq uint64
	// J is the operation's place in its vertex.
	J uint32
	// Fork is the first 8 bytes of the vertex id where the author has forked, otherwise zero.
	Fork [8]byte
}

func (d Dot) compare(o Dot) int {
	if c := bytes.Compare(d.Author[:], o.Author[:]); c != 0 {
		return c
	}
	if c := cmp.Compare(d.Seq, o.Seq); c != 0 {
		return c
	}
	if c := cmp.Compare(d.J, o.J); c != 0 {
		return c
	}
	return bytes.Compare(d.Fork[:], o.Fork[:])
}

// Stamp orders operations: what is later in causality is always larger, and no writer can choose one
// freely, as a clock could be.
type Stamp struct {
	// Lamport is the vertex's, below 2^40.
	Lamport uint64
	// Author is the key that signed the vertex.
	Author [32]byte
	// J is the operation's place in its vertex.
	J uint32
}

// Compare returns −1, 0 or 1 as s is smaller than, equal to or larger than o.
func (s Stamp) Compare(o Stamp) int {
	if c := cmp.Compare(s.Lamport, o.Lamport); c != 0 {
		return c
	}
	if c := bytes.Compare(s.Author[:], o.Author[:]); c != 0 {
		return c
	}
	return cmp.Compare(s.J, o.J)
}

func appendDot(b []byte, d Dot) []byte {
	n := 3
	if d.Fork != [8]byte{} {
		n = 4
	}
	b = wire.AppendBytes(wire.AppendArray(b, n), d.Author[:])
	b = wire.AppendUint(wire.AppendUint(b, d.Seq), uint64(d.J))
	if n == 4 {
		b = wire.AppendBytes(b, d.Fork[:])
	}
	return b
}

func readDot(d *wire.Decoder) (dot Dot) {
	n := d.Array(4)
	d.Fixed(dot.Author[:])
	dot.Seq, dot.J = d.Uint(1<<40-1), uint32(d.Uint(MaxOps-1))
	if n == 4 {
		if d.Fixed(dot.Fork[:]); dot.Fork == [8]byte{} {
			d.Fail(wire.Invalid("dot with an empty branch"))
		}
	} else if n != 3 {
		d.Fail(wire.Invalid("dot of %d parts", n))
	}
	return dot
}

func appendStamp(b []byte, s Stamp) []byte {
	b = wire.AppendUint(wire.AppendArray(b, 3), s.Lamport)
	return wire.AppendUint(wire.AppendBytes(b, s.Author[:]), uint64(s.J))
}
