package hns

import (
	"crypto/sha3"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	maxName     = 63
	maxResource = 512
)

// Key returns where a name stands in the tree: SHA3-256 of it. A name is a last label, 1 to 63 of a–z, 0–9, and within
// also - and _; a dot at its end is left out, and a capital is taken as small. The five names that the chain does not
// sell are refused. Errors wrap wire.ErrInvalid.
func Key(name string) (clean string, key Hash, err error) {
	clean = strings.TrimSuffix(asciiLower(name), ".")
	if len(clean) == 0 || len(clean) > maxName {
		return "", Hash{}, wire.Invalid("name of %d letters; 1 to %d are", len(clean), maxName)
	}
	for i := range len(clean) {
		switch c := clean[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case (c == '-' || c == '_') && i > 0 && i < len(clean)-1:
		case c == '.':
			return "", Hash{}, wire.Invalid("%q has a dot; the chain holds last labels alone", clean)
		default:
			return "", Hash{}, wire.Invalid("%q has %q at place %d, which no name of the chain has there", clean, c, i+1)
		}
	}
	if slices.Contains([]string{"example", "invalid", "local", "localhost", "test"}, clean) {
		return "", Hash{}, wire.Invalid("%q is kept for other uses; the chain has no such name", clean)
	}
	return clean, sha3.Sum256([]byte(clean)), nil
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// NameState is what the tree holds under a name.
type NameState struct {
	Name       string
	Data       []byte // of DecodeResource; empty for a name that was bought and never filled, or revoked
	Height     uint32 // where its auction began
	Renewal    uint32
	Owner      *Outpoint // nil: none
	Value      uint64
	Highest    uint64
	Transfer   uint32
	Revoked    uint32 // 0: not
	Claimed    uint32
	Renewals   uint64
	Registered bool
	Expired    bool
	Weak       bool
}

// Outpoint is the coin that owns a name.
type Outpoint struct {
	Tx    Hash
	Index uint64 // below 2^32
}

// flags of a NameState, the lowest bit first.
const (
	hasOwner = 1 << iota
	hasValue
	hasHighest
	hasTransfer
	hasRevoked
	hasClaimed
	hasRenewals
	isRegistered
	isExpired
	isWeak
	noFlag
)

// DecodeNameState reads length u8 ‖ name ‖ length u16 ‖ data ‖ height u32 ‖ renewal u32 ‖ flags u16 ‖ the fields that the flags
// name, little endian, in the one form that a full node writes. Errors wrap wire.ErrInvalid.
func DecodeNameState(b []byte) (*NameState, error) {
	if len(b) > maxValue {
		return nil, wire.Invalid("name state of %d bytes, at most %d", len(b), maxValue)
	}
	d := wire.NewReader(b)
	s := &NameState{Name: string(d.Take(int(d.Byte())))}
	n := le16(d)
	if n > maxResource {
		return nil, wire.Invalid("resource of %d bytes, at most %d", n, maxResource)
	}
	s.Data = d.Take(n)
	s.Height, s.Renewal = le32(d), le32(d)
	flags := le16(d)
	if flags >= noFlag {
		return nil, wire.Invalid("name state with flags %#x", flags)
	}
	s.readFields(d, flags)
	if err := d.End(); err != nil {
		return nil, err
	}
	if clean, _, err := Key(s.Name); err != nil {
		return nil, err
	} else if clean != s.Name {
		return nil, wire.Invalid("name state of %q", s.Name)
	}
	if s.flags() != flags {
		return nil, wire.Invalid("name state names a field that is 0")
	}
	return s, nil
}

func (s *NameState) readFields(d *wire.Reader, flags int) {
	if flags&hasOwner != 0 {
		s.Owner = &Outpoint{readHash(d), varint(d)}
		if s.Owner.Index > 1<<32-1 || s.Owner.Tx == (Hash{}) && s.Owner.Index == 1<<32-1 {
			d.Fail(wire.Invalid("name state with no owner as its owner"))
		}
	}
	if flags&hasValue != 0 {
		s.Value = varint(d)
	}
	if flags&hasHighest != 0 {
		s.Highest = varint(d)
	}
	for _, f := range []struct {
		flag int
		to   *uint32
	}{{hasTransfer, &s.Transfer}, {hasRevoked, &s.Revoked}, {hasClaimed, &s.Claimed}} {
		if flags&f.flag != 0 {
			*f.to = le32(d)
		}
	}
	if flags&hasRenewals != 0 {
		s.Renewals = varint(d)
	}
	s.Registered, s.Expired, s.Weak = flags&isRegistered != 0, flags&isExpired != 0, flags&isWeak != 0
}

func (s *NameState) flags() int {
	f := 0
	for i, set := range []bool{s.Owner != nil, s.Value != 0, s.Highest != 0, s.Transfer != 0, s.Revoked != 0, s.Claimed != 0,
		s.Renewals != 0, s.Registered, s.Expired, s.Weak} {
		if set {
			f |= 1 << i
		}
	}
	return f
}

// Encode is the inverse of DecodeNameState.
func (s *NameState) Encode() []byte {
	b := append([]byte{byte(len(s.Name))}, s.Name...)
	b = append(binary.LittleEndian.AppendUint16(b, uint16(len(s.Data))), s.Data...)
	b = binary.LittleEndian.AppendUint32(b, s.Height)
	b = binary.LittleEndian.AppendUint32(b, s.Renewal)
	b = binary.LittleEndian.AppendUint16(b, uint16(s.flags()))
	if s.Owner != nil {
		b = appendVarint(append(b, s.Owner.Tx[:]...), s.Owner.Index)
	}
	for _, v := range []uint64{s.Value, s.Highest} {
		if v != 0 {
			b = appendVarint(b, v)
		}
	}
	for _, v := range []uint32{s.Transfer, s.Revoked, s.Claimed} {
		if v != 0 {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	if s.Renewals != 0 {
		b = appendVarint(b, s.Renewals)
	}
	return b
}

func appendVarint(b []byte, v uint64) []byte {
	switch {
	case v < 0xfd:
		return append(b, byte(v))
	case v < 1<<16:
		return binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(v))
	case v < 1<<32:
		return binary.LittleEndian.AppendUint32(append(b, 0xfe), uint32(v))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xff), v)
}
