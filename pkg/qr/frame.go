package qr

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/pars-network/pars/pkg/fountain"
	"github.com/pars-network/pars/pkg/wire"
)

// Kinds of frames: the first byte.
const (
	kindRaptorQ = 0xf1 // a symbol
	kindMissing = 0xf2 // what a receiver still needs
	kindHead    = 0xf3 // what the object is
	kindLinear  = 0xf4 // a symbol of the other code
)

// Overhead is how much longer a frame is than its symbol, in bytes.
const Overhead = 16

const (
	maxBlocks = 255
	maxType   = 32
)

// frame is one of bulk: the fields that its kind has.
type frame struct {
	kind   byte
	object uint32 // first bytes of the object's SHA-256
	// a symbol
	length int // of its block
	block  byte
	fountain.Symbol
	// a head
	head head
	// an answer
	needed []uint16 // symbols, by block
}

// head says what an object is.
type head struct {
	total int64
	sum   [32]byte
	size  int // of a symbol
	name  string
}

// blockLength is the length of block i of an object.
func blockLength(total int64, size, i int) int {
	whole := int64(blockSize(size))
	return int(min(whole, total-int64(i)*whole))
}

// blockSize is the length of all blocks but the last.
func blockSize(size int) int { return min(fountain.MaxBlock, fountain.MaxK*size) }

func blockCount(total int64, size int) int {
	whole := int64(blockSize(size))
	return int((total + whole - 1) / whole)
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func seal(b []byte) []byte { return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli())) }

func appendUint24(b []byte, v int) []byte { return append(b, byte(v>>16), byte(v>>8), byte(v)) }

// encode returns the bytes, integers big-endian, CRC-32C last.
func (f *frame) encode() []byte {
	b := binary.BigEndian.AppendUint32([]byte{f.kind}, f.object)
	switch f.kind {
	case kindHead:
		b = append(b, byte(f.head.total>>32))
		b = binary.BigEndian.AppendUint32(b, uint32(f.head.total))
		b = append(b, f.head.sum[:]...)
		b = binary.BigEndian.AppendUint16(b, uint16(f.head.size))
		b = append(b, f.head.name...)
	case kindMissing:
		for _, n := range f.needed {
			b = binary.BigEndian.AppendUint16(b, n)
		}
	default:
		b = append(appendUint24(b, f.length), f.block)
		b = append(appendUint24(b, int(f.ID)), f.Data...)
	}
	return seal(b)
}

// isFrame reports whether bytes of a symbol are meant to be a frame.
func isFrame(b []byte) bool { return len(b) > 0 && b[0] >= kindRaptorQ && b[0] <= kindLinear }

// decodeFrame is the inverse of encode. Errors wrap wire.ErrInvalid.
func decodeFrame(b []byte) (*frame, error) {
	if len(b) < 9 || !isFrame(b) {
		return nil, wire.Invalid("frame of %d bytes", len(b))
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli()) != binary.BigEndian.Uint32(b[len(body):]) {
		return nil, wire.Invalid("frame with a wrong checksum")
	}
	f := &frame{kind: b[0], object: binary.BigEndian.Uint32(b[1:])}
	r := wire.NewReader(body[5:])
	switch f.kind {
	case kindHead:
		return f, f.readHead(r)
	case kindMissing:
		if r.Len()%2 != 0 || r.Len() > 2*maxBlocks {
			return nil, wire.Invalid("answer of %d bytes", r.Len())
		}
		for r.Len() > 0 {
			f.needed = append(f.needed, r.Uint16())
		}
		return f, nil
	}
	return f, f.readSymbol(r)
}

func (f *frame) readSymbol(r *wire.Reader) error {
	n := r.Take(3)
	f.block = r.Byte()
	id := r.Take(3)
	if r.Err() != nil {
		return r.Err()
	}
	f.length = int(n[0])<<16 | int(n[1])<<8 | int(n[2])
	f.ID = uint32(id[0])<<16 | uint32(id[1])<<8 | uint32(id[2])
	f.Data = r.Take(r.Len())
	size := len(f.Data)
	switch {
	case size < fountain.MinSymbol || size > fountain.MaxSymbol:
		return wire.Invalid("symbol of %d bytes", size)
	case f.length < 1 || f.length > blockSize(size) || f.block == maxBlocks:
		return wire.Invalid("block %d of %d bytes", f.block, f.length)
	}
	return nil
}

func (f *frame) readHead(r *wire.Reader) error {
	h := &f.head
	h.total = int64(r.Byte())<<32 | int64(r.Uint32())
	copy(h.sum[:], r.Take(32))
	h.size = int(r.Uint16())
	h.name = string(r.Take(r.Len()))
	switch {
	case r.Err() != nil:
		return r.Err()
	case h.size < fountain.MinSymbol || h.size > fountain.MaxSymbol:
		return wire.Invalid("head for symbols of %d bytes", h.size)
	case h.total < 1 || blockCount(h.total, h.size) > maxBlocks:
		return wire.Invalid("head of an object of %d bytes", h.total)
	case f.object != objectID(h.sum):
		return wire.Invalid("head of another object")
	}
	return checkType(h.name)
}

func objectID(sum [32]byte) uint32 { return binary.BigEndian.Uint32(sum[:]) }

// checkType wants the type of a UR: small letters, digits, hyphens.
func checkType(name string) error {
	if len(name) < 1 || len(name) > maxType {
		return wire.Invalid("type of %d characters", len(name))
	}
	for _, c := range []byte(name) {
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return wire.Invalid("type with a character that is none of a-z, 0-9, -")
		}
	}
	return nil
}

// MaxObject is the largest object for symbols of size bytes.
func MaxObject(size int) int64 { return int64(maxBlocks) * int64(blockSize(size)) }

// needCount is a number of symbols as an answer tells it.
func needCount(n int) uint16 { return uint16(min(max(n, 0), math.MaxUint16)) }

func sumOf(data []byte) [32]byte { return sha256.Sum256(data) }
