package hns

import (
	"encoding/binary"

	"golang.org/x/crypto/blake2b"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	keyBits  = 256
	maxValue = 668 // a NameState with everything in it
	// MaxProof is the longest proof in bytes: every level with a prefix, and the longest tail.
	MaxProof = 4 + keyBits/8 + keyBits*(2+32+32) + 2 + maxValue
)

// Kind is how a proof ends.
type Kind uint8

// Kinds. All but Exists prove that there is nothing under a key.
const (
	DeadEnd   Kind = iota // the path ends in an empty branch
	Short                 // the path ends at a branch whose prefix the key has not
	Collision             // the path ends at the leaf of another key
	Exists                // the path ends at the key's own leaf
)

func (k Kind) String() string {
	return [...]string{"deadend", "short", "collision", "exists"}[k&3]
}

// Bits is a run of at most 256 bits, the first in the highest bit of the first byte; bits beyond Size are 0.
type Bits struct {
	Size int
	Data []byte
}

// Node is one step of the path: the bits that are skipped, and the hash of the branch not taken.
type Node struct {
	Prefix  Bits
	Sibling Hash
}

// Proof is a path of the tree, from the root down.
type Proof struct {
	Kind  Kind
	Depth int // bits of the key that the path consumes
	Nodes []Node

	Prefix      Bits // of Short
	Left, Right Hash // of Short
	Key         Hash // of Collision
	ValueHash   Hash // of Collision
	Value       []byte
}

// DecodeProof reads kind<<14|depth u16 ‖ count u16 ‖ bitmap of the nodes with a prefix ‖ nodes ‖ tail, integers little endian.
// It takes the one form alone that a prover writes: bits that stand for nothing are 0, lengths the shortest, no byte is
// left over. Errors wrap wire.ErrInvalid.
func DecodeProof(b []byte) (*Proof, error) {
	if len(b) > MaxProof {
		return nil, wire.Invalid("proof of %d bytes, at most %d", len(b), MaxProof)
	}
	d := wire.NewReader(b)
	field, count := le16(d), le16(d)
	p := &Proof{Kind: Kind(field >> 14), Depth: int(field & 0x3fff)}
	bitmap := d.Take((count + 7) / 8)
	switch {
	case d.Err() != nil:
		return nil, d.Err()
	case p.Depth > keyBits || count > keyBits || count > p.Depth:
		return nil, wire.Invalid("proof of depth %d with %d nodes", p.Depth, count)
	case !spare(Bits{count, bitmap}):
		return nil, wire.Invalid("proof with spare bits in its bitmap")
	}
	p.Nodes = make([]Node, count)
	for i := range p.Nodes {
		if bit(bitmap, i) {
			p.Nodes[i].Prefix = readBits(d)
		}
		p.Nodes[i].Sibling = readHash(d)
		if d.Err() != nil {
			return nil, d.Err()
		}
	}
	p.readTail(d)
	return p, d.End()
}

func (p *Proof) readTail(d *wire.Reader) {
	switch p.Kind {
	case Short:
		p.Prefix, p.Left, p.Right = readBits(d), readHash(d), readHash(d)
	case Collision:
		p.Key, p.ValueHash = readHash(d), readHash(d)
	case Exists:
		n := le16(d)
		if n > maxValue {
			d.Fail(wire.Invalid("value of %d bytes, at most %d", n, maxValue))
		}
		p.Value = d.Take(n)
	}
}

// Encode is the inverse of DecodeProof.
func (p *Proof) Encode() []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(p.Kind)<<14|uint16(p.Depth))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(p.Nodes)))
	bitmap := make([]byte, (len(p.Nodes)+7)/8)
	for i, n := range p.Nodes {
		if n.Prefix.Size > 0 {
			bitmap[i/8] |= 0x80 >> (i % 8)
		}
	}
	b = append(b, bitmap...)
	for _, n := range p.Nodes {
		if n.Prefix.Size > 0 {
			b = n.Prefix.append(b)
		}
		b = append(b, n.Sibling[:]...)
	}
	switch p.Kind {
	case Short:
		b = append(append(p.Prefix.append(b), p.Left[:]...), p.Right[:]...)
	case Collision:
		b = append(append(b, p.Key[:]...), p.ValueHash[:]...)
	case Exists:
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(p.Value))), p.Value...)
	}
	return b
}

// Verify walks the path from its end to the root. The value is nil where the proof shows that the key has none.
// Errors wrap wire.ErrInvalid.
func (p *Proof) Verify(root, key Hash) (value []byte, err error) {
	var at Hash // of DeadEnd
	switch p.Kind {
	case Short:
		if p.Prefix.at(key, p.Depth) {
			return nil, wire.Invalid("proof ends where the key goes on")
		}
		at = branch(p.Prefix, p.Left, p.Right)
	case Collision:
		if p.Key == key {
			return nil, wire.Invalid("proof of absence holds the leaf of the key")
		}
		if !prefixed(p.Key, key, p.Depth) {
			return nil, wire.Invalid("proof of absence holds a leaf from elsewhere")
		}
		at = leaf(p.Key, p.ValueHash)
	case Exists:
		at = leaf(key, valueHash(p.Value))
	}
	depth := p.Depth
	for i := len(p.Nodes) - 1; i >= 0; i-- {
		n := p.Nodes[i]
		if depth--; depth < n.Prefix.Size {
			return nil, wire.Invalid("proof is shorter than its path")
		}
		if bit(key[:], depth) {
			at = branch(n.Prefix, n.Sibling, at)
		} else {
			at = branch(n.Prefix, at, n.Sibling)
		}
		if depth -= n.Prefix.Size; !n.Prefix.at(key, depth) {
			return nil, wire.Invalid("proof takes another path than the key")
		}
	}
	switch {
	case depth != 0:
		return nil, wire.Invalid("proof is deeper than its path")
	case at != root:
		return nil, wire.Invalid("proof is not of this root")
	case p.Kind == Exists:
		return append(make([]byte, 0, len(p.Value)), p.Value...), nil
	}
	return nil, nil
}

func leaf(key, value Hash) Hash {
	var b [65]byte
	copy(b[1:], key[:])
	copy(b[33:], value[:])
	return blake2b.Sum256(b[:])
}

func branch(prefix Bits, left, right Hash) Hash {
	b := make([]byte, 0, 1+2+32+64)
	if prefix.Size == 0 {
		b = append(b, 1)
	} else {
		b = binary.LittleEndian.AppendUint16(append(b, 2), uint16(prefix.Size))
		b = append(b, prefix.Data...)
	}
	return blake2b.Sum256(append(append(b, left[:]...), right[:]...))
}

func valueHash(value []byte) Hash { return blake2b.Sum256(value) }
