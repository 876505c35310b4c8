package light

import (
	"encoding/binary"
	"math/bits"
)

// Committee is SyncCommittee: the keys in order, compressed, and their sum.
type Committee struct {
	Keys      [][48]byte
	Aggregate [48]byte
}

// Root is the hash_tree_root.
func (c *Committee) Root() Root {
	leaves := make([]Root, len(c.Keys))
	for i, k := range c.Keys {
		leaves[i] = merkle(chunks(k[:]), 1)
	}
	return pair(merkle(leaves, bits.Len(uint(len(c.Keys)))-1), merkle(chunks(c.Aggregate[:]), 1))
}

func (c *Committee) append(b []byte) []byte {
	for _, k := range c.Keys {
		b = append(b, k[:]...)
	}
	return append(b, c.Aggregate[:]...)
}

func (c *Committee) isEmpty() bool {
	for _, k := range c.Keys {
		if k != [48]byte{} {
			return false
		}
	}
	return c.Aggregate == [48]byte{}
}

func (r *reader) committee(n int) *Committee {
	c := &Committee{Keys: make([][48]byte, n)}
	for i := range c.Keys {
		copy(c.Keys[i][:], r.take(48))
	}
	copy(c.Aggregate[:], r.take(48))
	return c
}

// Bootstrap is LightClientBootstrap.
type Bootstrap struct {
	Header  Header
	Current *Committee
	Branch  []Root
}

// Update is LightClientUpdate; a finality or an optimistic update is one with less in it.
type Update struct {
	Attested       Header
	Next           *Committee // never nil; empty when absent
	NextBranch     []Root     // all zero: no next committee
	Finalized      Header
	FinalityBranch []Root // all zero: no finality
	Bits           []byte // who signed
	Signature      [96]byte
	SigSlot        uint64
}

// Kind of container.
type Kind uint8

// The containers a server hands out.
const (
	KindBootstrap Kind = iota + 1
	KindUpdate
	KindFinality
	KindOptimistic
)

func (s *Spec) committeeSize() int { return 48 * (s.CommitteeSize + 1) }
func (s *Spec) aggregateSize() int { return s.CommitteeSize/8 + 96 + 8 } // with signature_slot

// fixed is the size of the fixed part of a container; a header counts 4 for its offset where it is variable.
func (s *Spec) fixed(k Kind, f shape) int {
	head := f.headerSize()
	if f.exec {
		head = 4
	}
	switch k {
	case KindBootstrap:
		return head + s.committeeSize() + 32*depth(f.current)
	case KindUpdate:
		return 2*head + s.committeeSize() + 32*(depth(f.next)+depth(f.finalized)) + s.aggregateSize()
	case KindFinality:
		return 2*head + 32*depth(f.finalized) + s.aggregateSize()
	}
	return head + s.aggregateSize()
}

// MaxSize is the most bytes of a container in any fork.
func (s *Spec) MaxSize(k Kind) int {
	f := Fulu.shape()
	n := s.fixed(k, f) + f.headerMax()
	if k == KindUpdate || k == KindFinality {
		n += f.headerMax()
	}
	return n
}

// look finds the fork of a container by the slot in its first header.
func (s *Spec) look(k Kind, b []byte) (shape, error) {
	if len(b) > s.MaxSize(k) || len(b) < 12 {
		return shape{}, because(ErrSize, "%d bytes", len(b))
	}
	if len(b) == s.fixed(k, Altair.shape()) {
		slot := binary.LittleEndian.Uint64(b)
		if f := s.ForkAt(slot); f == Altair || f == Bellatrix {
			return f.shape(), nil
		}
	}
	at := binary.LittleEndian.Uint32(b)
	if uint64(at)+8 > uint64(len(b)) {
		return shape{}, because(ErrSize, "first offset %d of %d bytes", at, len(b))
	}
	slot := binary.LittleEndian.Uint64(b[at:])
	f := s.ForkAt(slot)
	switch {
	case f < Capella:
		return shape{}, because(ErrFork, "slot %d", slot)
	case int(at) != s.fixed(k, f.shape()):
		return shape{}, because(ErrSize, "not a container of %v", f)
	}
	return f.shape(), nil
}

// parts cuts the one or two headers off; what is left is the fixed part between them.
type parts struct {
	reader
	s    shape
	tail []byte // the variable part
	base int
	ends []int
}

func (s *Spec) open(k Kind, b []byte) (*parts, error) {
	f, err := s.look(k, b)
	if err != nil {
		return nil, err
	}
	n := s.fixed(k, f)
	if len(b) < n {
		return nil, because(ErrSize, "%d bytes", len(b))
	}
	return &parts{reader: reader{b: b[:n]}, s: f, tail: b[n:], base: n}, nil
}

// mark stands where a header is, or its offset.
func (p *parts) mark() (inline []byte) {
	if !p.s.exec {
		return p.take(p.s.headerSize())
	}
	p.ends = append(p.ends, p.offset())
	return nil
}

// header returns the i-th header once all marks are read.
func (p *parts) header(i int, inline []byte) (Header, error) {
	if p.s.exec {
		from, to := p.ends[i]-p.base, len(p.tail)
		if i+1 < len(p.ends) {
			to = p.ends[i+1] - p.base
		}
		if i == 0 && from != 0 || from < 0 || to < from || to > len(p.tail) {
			return Header{}, because(ErrSize, "offsets")
		}
		inline = p.tail[from:to]
	}
	h, ok := decodeHeader(inline, p.s)
	if !ok {
		return h, because(ErrSize, "header")
	}
	return h, nil
}

// done wants the fixed part to be read to its end, and nothing behind it in a container without variable parts.
func (p *parts) done() error {
	if p.bad || len(p.b) != 0 || !p.s.exec && len(p.tail) != 0 {
		return because(ErrSize, "surplus or missing bytes")
	}
	return nil
}
