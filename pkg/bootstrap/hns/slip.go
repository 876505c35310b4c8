package hns

import (
	"encoding/binary"

	"github.com/pars-network/pars/pkg/wire"
)

// MaxSlip is the longest slip in bytes.
const MaxSlip = 4 + 1 + maxName + 4 + 32 + MaxProof

const slipMagic = "PHN1"

// Slip is a proof that is carried to somebody without a network. Whoever holds a chain with its root can check it.
type Slip struct {
	Name   string
	Height uint32 // of the block that it was proven under
	Root   Hash
	Proof  *Proof
}

// Encode writes "PHN1" ‖ length u8 ‖ name ‖ height u32, big endian ‖ root 32 ‖ proof.
func (s *Slip) Encode() []byte {
	b := append([]byte(slipMagic), byte(len(s.Name)))
	b = binary.BigEndian.AppendUint32(append(b, s.Name...), s.Height)
	return append(append(b, s.Root[:]...), s.Proof.Encode()...)
}

// DecodeSlip is the inverse of Encode. It checks the form alone. Errors wrap wire.ErrInvalid.
func DecodeSlip(b []byte) (*Slip, error) {
	if len(b) > MaxSlip {
		return nil, wire.Invalid("slip of %d bytes, at most %d", len(b), MaxSlip)
	}
	d := wire.NewReader(b)
	if string(d.Take(4)) != slipMagic {
		return nil, wire.Invalid("not a proof of a name")
	}
	s := &Slip{Name: string(d.Take(int(d.Byte()))), Height: d.Uint32(), Root: readHash(d)}
	rest := d.Take(d.Len())
	if d.Err() != nil {
		return nil, d.Err()
	}
	if clean, _, err := Key(s.Name); err != nil {
		return nil, err
	} else if clean != s.Name {
		return nil, wire.Invalid("slip for %q", s.Name)
	}
	var err error
	s.Proof, err = DecodeProof(rest)
	return s, err
}

// Check verifies the proof and that its root is one of the chain, deep enough to be used. A root that the chain does not hold
// is no proof of a lie, since it may be older than what is held, or newer: wire.ErrNotFound. So is a name proven absent,
// and then there is an answer. Everything else that is wrong wraps wire.ErrInvalid.
func (s *Slip) Check(c *Chain) (*Answer, error) {
	_, key, err := Key(s.Name)
	if err != nil {
		return nil, err
	}
	value, err := s.Proof.Verify(s.Root, key)
	if err != nil {
		return nil, err
	}
	block, ok := c.holds(s.Root)
	if !ok {
		return nil, &noRoot{s.Height, c.tip.height}
	}
	return read(s.Name, block, s.Proof, value)
}

// holds finds the block of a root that is as deep as Safe wants it, or deeper.
func (c *Chain) holds(root Hash) (Block, bool) {
	safe, ok := c.Safe()
	if !ok {
		return Block{}, false
	}
	b, _, ok := c.Find(root)
	return b, ok && b.Height <= safe.Height
}

// noRoot says what to do about a root that is not held.
type noRoot struct{ height, tip uint32 }

func (e *noRoot) Error() string {
	if e.height > e.tip {
		return "the proof is of a block that the chain has not reached; sync first"
	}
	return "the proof is of a root that the chain does not hold; sync, or ask for a newer proof"
}

func (e *noRoot) Unwrap() error { return wire.ErrNotFound }
