package wire

import "unicode/utf8"

// Decoder reads canonical CBOR (RFC 8949 section 4.2.1) and nothing else: shortest heads, definite
// lengths, unsigned integers, byte and text strings, arrays, maps with ascending unsigned keys, null.
// There is no other encoding of what it accepts, so nothing has to be encoded again to compare.
type Decoder struct{ Reader }

// NewDecoder returns a Decoder over b. Byte strings it hands out share b's memory.
func NewDecoder(b []byte) *Decoder { return &Decoder{Reader{buf: b}} }

// head reads a head of the given major type whose value is at most max.
func (d *Decoder) head(major byte, max uint64) uint64 {
	c := d.Byte()
	if d.err != nil {
		return 0
	}
	if c>>5 != major {
		d.err = Invalid("type %d where %d was expected", c>>5, major)
		return 0
	}
	v, least := uint64(c&0x1f), uint64(0)
	switch v {
	case 24:
		v, least = uint64(d.Byte()), 24
	case 25:
		v, least = uint64(d.Uint16()), 1<<8
	case 26:
		v, least = uint64(d.Uint32()), 1<<16
	case 27:
		v, least = d.Uint64(), 1<<32
	case 28, 29, 30, 31:
		d.err = Invalid("indefinite length")
	}
	if d.err == nil && v < least {
		d.err = Invalid("number not in its shortest form")
	}
	if d.err == nil && v > max {
		d.err = Invalid("number %d above limit %d", v, max)
	}
	if d.err != nil {
		return 0
	}
	return v
}

// Uint reads an unsigned integer of at most max.
func (d *Decoder) Uint(max uint64) uint64 { return d.head(majorUint, max) }

// Bytes reads a byte string of min to max bytes.
func (d *Decoder) Bytes(min, max int) []byte {
	n := int(d.head(majorBytes, uint64(max)))
	if d.err == nil && n < min {
		d.err = Invalid("byte string of %d, at least %d expected", n, min)
	}
	return d.Take(n)
}

// Fixed reads a byte string of exactly len(dst) bytes into dst.
func (d *Decoder) Fixed(dst []byte) { copy(dst, d.Bytes(len(dst), len(dst))) }

// Text reads a UTF-8 text string of at most max bytes.
func (d *Decoder) Text(max int) string {
	b := d.Take(int(d.head(majorText, uint64(max))))
	if d.err == nil && !utf8.Valid(b) {
		d.err = Invalid("text is not UTF-8")
		return ""
	}
	return string(b)
}

// Array reads the head of an array of at most max items and returns their number.
func (d *Decoder) Array(max int) int { return int(d.head(majorArray, uint64(max))) }

// Null reads a null when one is next and says whether it did.
func (d *Decoder) Null() bool {
	if d.err == nil && d.off < len(d.buf) && d.buf[d.off] == cborNull {
		d.off++
		return true
	}
	return false
}

// Map is a walk over the pairs of one CBOR map: for m.Next() { switch m.Key { … } }.
type Map struct {
	d    *Decoder
	left int
	any  bool
	// Key is the key of the pair whose value is to be read next.
	Key uint64
}

// Map reads the head of a map of at most max pairs.
func (d *Decoder) Map(max int) Map { return Map{d: d, left: int(d.head(majorMap, uint64(max)))} }

// Next reads the next key and reports whether there is one. Keys must ascend.
func (m *Map) Next() bool {
	if m.left == 0 || m.d.err != nil {
		return false
	}
	m.left--
	k := m.d.Uint(1<<64 - 1)
	if m.d.err == nil && m.any && k <= m.Key {
		m.d.err = Invalid("map keys not ascending")
	}
	m.Key, m.any = k, true
	return m.d.err == nil
}

// Unknown refuses the current key: for maps whose version says which keys exist.
func (m *Map) Unknown() { m.d.Fail(Invalid("unknown key %d", m.Key)) }

// Skip reads over one item of any accepted type, nested at most 8 deep.
func (d *Decoder) Skip() { d.skip(8) }

func (d *Decoder) skip(depth int) {
	if d.err != nil {
		return
	}
	if depth == 0 || d.Len() == 0 {
		d.Fail(Invalid("nested too deep or cut short"))
		return
	}
	left := uint64(d.Len())
	switch major := d.buf[d.off] >> 5; major {
	case majorUint:
		d.Uint(1<<64 - 1)
	case majorBytes, majorText:
		if major == majorText {
			d.Text(int(left))
		} else {
			d.Bytes(0, int(left))
		}
	case majorArray:
		for n := d.head(majorArray, left); n > 0 && d.err == nil; n-- {
			d.skip(depth - 1)
		}
	case majorMap:
		for m := d.Map(int(left)); m.Next(); {
			d.skip(depth - 1)
		}
	default:
		if !d.Null() {
			d.Fail(Invalid("type %d is not used here", major))
		}
	}
}
