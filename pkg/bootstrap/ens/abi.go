package ens

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	word = 32
	// MaxReturn is the largest answer of a contract or a gateway that is read, in bytes.
	MaxReturn = 1 << 20
)

// Address is an account of the chain.
type Address [20]byte

// String is 0x and lower-case hex.
func (a Address) String() string { return "0x" + hex.EncodeToString(a[:]) }

// ParseAddress reads 0x and 40 hexadecimal digits; a checksum in the letters is not looked at. Errors wrap wire.ErrInvalid.
func ParseAddress(s string) (a Address, err error) {
	if len(s) != 42 || s[:2] != "0x" {
		return a, wire.Invalid("%q is not 0x and 40 digits", s)
	}
	if _, err := hex.Decode(a[:], []byte(s[2:])); err != nil {
		return Address{}, wire.Invalid("%q is not 0x and 40 digits", s)
	}
	return a, nil
}

type selector [4]byte

// Functions and the one error that are known, by the first bytes of the hash of their signature.
func fnResolver() selector    { return selector{0x01, 0x78, 0xb8, 0xbf} } // resolver(bytes32)
func fnSupports() selector    { return selector{0x01, 0xff, 0xc9, 0xa7} } // supportsInterface(bytes4)
func fnResolve() selector     { return selector{0x90, 0x61, 0xb9, 0x23} } // resolve(bytes,bytes)
func fnText() selector        { return selector{0x59, 0xd1, 0xd4, 0x3c} } // text(bytes32,string)
func fnAddr() selector        { return selector{0xf1, 0xcb, 0x7e, 0x06} } // addr(bytes32,uint256)
func fnAddrOld() selector     { return selector{0x3b, 0x3b, 0x57, 0xde} } // addr(bytes32)
func fnContenthash() selector { return selector{0xbc, 0x1c, 0x58, 0xd1} } // contenthash(bytes32)
func errOffchain() selector   { return selector{0x55, 0x6f, 0x18, 0x30} } // OffchainLookup(address,string[],bytes,bytes4,bytes)

// number is a value of one word.
func number(v uint64) (w [word]byte) {
	binary.BigEndian.PutUint64(w[word-8:], v)
	return w
}

// pad is b, and zeros up to a whole word.
func pad(b []byte) []byte { return append(b, make([]byte, (word-len(b)%word)%word)...) }

// encode is a call of f with arguments that are one word each, or bytes.
func encode(f selector, args ...any) []byte {
	head, tail := f[:], []byte(nil)
	for _, a := range args {
		switch a := a.(type) {
		case [word]byte:
			head = append(head, a[:]...)
		case Hash:
			head = append(head, a[:]...)
		case []byte:
			at := number(uint64(word*len(args) + len(tail)))
			size := number(uint64(len(a)))
			head = append(head, at[:]...)
			tail = append(append(tail, size[:]...), pad(append([]byte(nil), a...))...)
		}
	}
	return append(head, tail...)
}

// reader reads the words of an answer. What it cannot read is its error, once.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = wire.Invalid("answer of a contract: "+format, args...)
	}
}

// word returns the i-th word.
func (r *reader) word(i int) (w [word]byte) {
	if r.err == nil && (i < 0 || len(r.b) < (i+1)*word) {
		r.fail("%d bytes, and word %d is asked", len(r.b), i)
	}
	if r.err == nil {
		copy(w[:], r.b[i*word:])
	}
	return w
}

// small returns the i-th word as a length or place, which none above MaxReturn is.
func (r *reader) small(i int) int {
	w := r.word(i)
	v := binary.BigEndian.Uint64(w[word-8:])
	if w != number(v) || v > MaxReturn {
		r.fail("word %d is no length", i)
		return 0
	}
	return int(v)
}

func (r *reader) address(i int) (a Address) {
	w := r.word(i)
	if [12]byte(w[:12]) != [12]byte{} {
		r.fail("word %d is no address", i)
	}
	copy(a[:], w[12:])
	return a
}

// at is a reader of what the i-th word points to.
func (r *reader) at(i int) *reader {
	off := r.small(i)
	if r.err == nil && (off%word != 0 || off > len(r.b)) {
		r.fail("word %d points nowhere", i)
	}
	if r.err != nil {
		return &reader{err: r.err}
	}
	return &reader{b: r.b[off:]}
}

// bytes returns the byte string that the i-th word points to.
func (r *reader) bytes(i int) []byte {
	d := r.at(i)
	n := d.small(0)
	if d.err == nil && n > len(d.b)-word {
		d.fail("%d bytes of %d", len(d.b)-word, n)
	}
	if d.err != nil {
		if r.err == nil {
			r.err = d.err
		}
		return nil
	}
	return d.b[word : word+n]
}

// DecodeBytes reads an answer that is one byte string or text. Errors wrap wire.ErrInvalid.
func DecodeBytes(b []byte) ([]byte, error) {
	r := &reader{b: b}
	if len(b) > MaxReturn {
		r.fail("%d bytes", len(b))
	}
	out := r.bytes(0)
	return out, r.err
}

// decodeAddress reads an answer that is one address.
func decodeAddress(b []byte) (Address, error) {
	r := &reader{b: b}
	a := r.address(0)
	return a, r.err
}

// decodeBool reads an answer that is yes or no.
func decodeBool(b []byte) (bool, error) {
	r := &reader{b: b}
	w := r.word(0)
	if r.err == nil && w != number(0) && w != number(1) {
		r.fail("neither yes nor no")
	}
	return w == number(1), r.err
}
