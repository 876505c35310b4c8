// Package wire holds the bytes every format of the project is made of: shortest unsigned LEB128,
// canonical CBOR, bounded frames, bech32m, base45 and the names of all hashes and keys.
//
// Everything read here was written by an enemy. A length is compared with a limit before it is used,
// only one encoding of a value is accepted, and a Decoder that has failed once answers zero values,
// so that a caller may read a whole object and ask for the error at its end.
package wire

import (
	"errors"
	"fmt"
)

// ErrInvalid is the root of every decoding error: the bytes are not the one valid form of the object.
var ErrInvalid = errors.New("invalid encoding")

// Errors that commands turn into exit codes. They stand on the lowest floor, so that a command which
// needs no store does not link one to name its errors; pkg/store has them under its own name.
var (
	ErrNotFound = errors.New("not found")
	ErrBusy     = errors.New("store is in use by another process")
	ErrCorrupt  = errors.New("corrupt record")
)

// ErrShort is the ErrInvalid of an object that ends too early: more bytes could mend it.
var ErrShort = fmt.Errorf("%w: cut short", ErrInvalid)

// Invalid returns an error that wraps ErrInvalid and says what is wrong.
func Invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// MaxUvarint is the length in bytes of the longest encoding that AppendUvarint writes.
const MaxUvarint = 10

// AppendUvarint appends v as unsigned LEB128 in its shortest form.
func AppendUvarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// UvarintLen returns how many bytes AppendUvarint writes for v.
func UvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// Uvarint reads a shortest-form LEB128 number at the start of b and returns it with its length in bytes.
// A length of 0 means that b does not start with one.
func Uvarint(b []byte) (uint64, int) {
	var v uint64
	for i, c := range b {
		if i == MaxUvarint-1 && c > 1 {
			return 0, 0
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if c == 0 && i > 0 {
				return 0, 0
			}
			return v, i + 1
		}
		if i == MaxUvarint-1 {
			return 0, 0
		}
	}
	return 0, 0
}

// Zigzag maps a signed number to an unsigned one, small magnitudes first.
func Zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// Unzigzag is the inverse of Zigzag.
func Unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
