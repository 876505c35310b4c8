package hns

import "github.com/pars-network/pars/pkg/wire"

func bit(b []byte, i int) bool { return b[i/8]>>(7-i%8)&1 == 1 }

// spare reports whether the bits after the last are 0.
func spare(b Bits) bool {
	return b.Size%8 == 0 || b.Data[len(b.Data)-1]<<(b.Size%8) == 0
}

// at reports whether key has the bits from depth on.
func (b Bits) at(key Hash, depth int) bool {
	if depth+b.Size > keyBits {
		return false
	}
	for i := range b.Size {
		if bit(b.Data, i) != bit(key[:], depth+i) {
			return false
		}
	}
	return true
}

// prefixed reports whether the first n bits of two keys are the same.
func prefixed(a, b Hash, n int) bool { return Bits{n, a[:]}.at(b, 0) }

// append writes a length of one byte, or from 128 on of two with the high bit set, and the bits.
func (b Bits) append(out []byte) []byte {
	if b.Size >= 0x80 {
		out = append(out, 0x80|byte(b.Size>>8))
	}
	return append(append(out, byte(b.Size)), b.Data...)
}

func readBits(d *wire.Reader) Bits {
	size := int(d.Byte())
	long := size&0x80 != 0
	if long {
		size = (size&0x7f)<<8 | int(d.Byte())
	}
	if d.Err() == nil && (size == 0 || size > keyBits || long && size < 0x80) {
		d.Fail(wire.Invalid("prefix of %d bits", size))
	}
	b := Bits{size, d.Take((size + 7) / 8)}
	if d.Err() == nil && !spare(b) {
		d.Fail(wire.Invalid("prefix with spare bits"))
	}
	return b
}

func readHash(d *wire.Reader) (h Hash) {
	copy(h[:], d.Take(len(h)))
	return h
}

func le16(d *wire.Reader) int {
	lo := int(d.Byte())
	return lo | int(d.Byte())<<8
}

func le32(d *wire.Reader) uint32 {
	lo := le16(d)
	return uint32(lo) | uint32(le16(d))<<16
}

func le64(d *wire.Reader) uint64 {
	lo := le32(d)
	return uint64(lo) | uint64(le32(d))<<32
}

// varint reads a number of 1, 3, 5 or 9 bytes, the shortest form alone.
func varint(d *wire.Reader) uint64 {
	first := d.Byte()
	var v, least uint64
	switch first {
	case 0xfd:
		v, least = uint64(le16(d)), 0xfd
	case 0xfe:
		v, least = uint64(le32(d)), 1<<16
	case 0xff:
		v, least = le64(d), 1<<32
	default:
		return uint64(first)
	}
	if d.Err() == nil && v < least {
		d.Fail(wire.Invalid("number is not in its shortest form"))
	}
	return v
}
