package wire

import "encoding/binary"

// Reader reads fixed and variable fields from a byte slice. After the first error every call returns
// zero values; Err and End report it.
type Reader struct {
	buf []byte
	off int
	err error
}

// NewReader returns a Reader over b. Slices it hands out share b's memory.
func NewReader(b []byte) *Reader { return &Reader{buf: b} }

// Fail records err unless an error stands already.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Len returns the number of bytes not read yet.
func (r *Reader) Len() int { return len(r.buf) - r.off }

// Offset returns the number of bytes read so far.
func (r *Reader) Offset() int { return r.off }

// End returns the first error, or one when bytes are left over.
func (r *Reader) End() error {
	if r.err == nil && r.off != len(r.buf) {
		r.err = Invalid("%d bytes too many", len(r.buf)-r.off)
	}
	return r.err
}

// Take returns the next n bytes.
func (r *Reader) Take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.buf)-r.off {
		r.err = ErrShort
		return nil
	}
	b := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

// Byte returns the next byte.
func (r *Reader) Byte() byte {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Uvarint reads a shortest-form number of at most max.
func (r *Reader) Uvarint(max uint64) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := Uvarint(r.buf[r.off:])
	if n == 0 {
		r.err = Invalid("bad or cut number")
		return 0
	}
	if v > max {
		r.err = Invalid("number %d above limit %d", v, max)
		return 0
	}
	r.off += n
	return v
}

// Uint16 reads two bytes, big endian.
func (r *Reader) Uint16() uint16 {
	if b := r.Take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint32 reads four bytes, big endian.
func (r *Reader) Uint32() uint32 {
	if b := r.Take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads eight bytes, big endian.
func (r *Reader) Uint64() uint64 {
	if b := r.Take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}
