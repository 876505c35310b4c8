package hns

import (
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"golang.org/x/crypto/blake2b"

	"github.com/pars-network/pars/pkg/wire"
)

// HeaderSize is the length of every header in bytes.
const HeaderSize = 236

// Hash is the hash of a block, a tree root or a key of the tree.
type Hash [32]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is lower-case hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != 2*len(h) {
		return wire.Invalid("hash of %d digits", len(b))
	}
	if _, err := hex.Decode(h[:], b); err != nil {
		return wire.Invalid("hash %q", b)
	}
	return nil
}

// Header is what a miner works on.
type Header struct {
	Nonce      uint32
	Time       uint64 // Unix seconds
	Prev       Hash
	Tree       Hash // root of the names as they were at the last interval
	ExtraNonce [24]byte
	Reserved   Hash
	Witness    Hash
	Merkle     Hash
	Version    uint32
	Bits       uint32 // target in compact form
	Mask       Hash
}

// Append writes the 236 bytes: nonce u32 ‖ time u64 ‖ prev ‖ tree ‖ extra nonce 24 ‖ reserved ‖ witness ‖ merkle ‖ version u32 ‖
// bits u32 ‖ mask.
func (h *Header) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, h.Nonce)
	b = binary.LittleEndian.AppendUint64(b, h.Time)
	b = append(append(b, h.Prev[:]...), h.Tree[:]...)
	return append(h.appendSub(b), h.Mask[:]...)
}

func (h *Header) appendSub(b []byte) []byte {
	b = append(append(b, h.ExtraNonce[:]...), h.Reserved[:]...)
	b = append(append(b, h.Witness[:]...), h.Merkle[:]...)
	b = binary.LittleEndian.AppendUint32(b, h.Version)
	return binary.LittleEndian.AppendUint32(b, h.Bits)
}

// DecodeHeader is the inverse of Append; any 236 bytes are the form of one header.
func DecodeHeader(b []byte) (*Header, error) {
	if len(b) != HeaderSize {
		return nil, wire.Invalid("header of %d bytes", len(b))
	}
	h := &Header{Nonce: binary.LittleEndian.Uint32(b), Time: binary.LittleEndian.Uint64(b[4:]),
		Version: binary.LittleEndian.Uint32(b[196:]), Bits: binary.LittleEndian.Uint32(b[200:])}
	for _, f := range []struct {
		to []byte
		at int
	}{{h.Prev[:], 12}, {h.Tree[:], 44}, {h.ExtraNonce[:], 76}, {h.Reserved[:], 100}, {h.Witness[:], 132}, {h.Merkle[:], 164}, {h.Mask[:], 204}} {
		copy(f.to, b[f.at:])
	}
	return h, nil
}

// Hash is the name of the block and its proof of work at once.
func (h *Header) Hash() Hash {
	var pad [32]byte
	for i := range pad {
		pad[i] = h.Prev[i] ^ h.Tree[i]
	}
	sub := blake2b.Sum256(h.appendSub(make([]byte, 0, 128)))
	mask := pair(h.Prev, h.Mask)
	commit := pair(sub, mask)

	pre := make([]byte, 0, 136)
	pre = binary.LittleEndian.AppendUint32(pre, h.Nonce)
	pre = binary.LittleEndian.AppendUint64(pre, h.Time)
	pre = append(append(pre, pad[:20]...), h.Prev[:]...)
	pre = append(append(pre, h.Tree[:]...), commit[:]...)

	left := blake2b.Sum512(pre)
	right := sha3.Sum256(append(pre, pad[:8]...))
	all := append(append(append(make([]byte, 0, 128), left[:]...), pad[:]...), right[:]...)
	out := Hash(blake2b.Sum256(all))
	for i := range out {
		out[i] ^= h.Mask[i]
	}
	return out
}

func pair(a, b Hash) Hash {
	var both [64]byte
	copy(both[:], a[:])
	copy(both[32:], b[:])
	return blake2b.Sum256(both[:])
}

// Block is a header that was checked, by its place.
type Block struct {
	Height uint32 `json:"height"`
	Hash   Hash   `json:"hash"`
	Tree   Hash   `json:"tree_root"`
	Time   uint64 `json:"-"`
}

func (b Block) String() string { return fmt.Sprintf("%d %s", b.Height, b.Hash) }
