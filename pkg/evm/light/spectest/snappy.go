package spectest

import (
	"encoding/binary"

	"github.com/pars-network/pars/pkg/wire"
)

const maxRaw = 1 << 20

// DecodeSnappy unpacks the raw block form of snappy, at most 1 MiB.
func DecodeSnappy(b []byte) ([]byte, error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > maxRaw {
		return nil, wire.Invalid("snappy block without a length, or of more than %d bytes", maxRaw)
	}
	b = b[n:]
	out := make([]byte, 0, min(size, uint64(64*len(b))+64))
	for len(b) > 0 {
		used, length, back := element(b)
		switch {
		case used == 0 || used > len(b) || length > int(size)-len(out):
			return nil, wire.Invalid("snappy block is torn")
		case back == 0: // literal
			if used+length > len(b) {
				return nil, wire.Invalid("snappy literal is torn")
			}
			out = append(out, b[used:used+length]...)
			used += length
		case back > len(out):
			return nil, wire.Invalid("snappy copy from before the start")
		default:
			for range length { // may overlap
				out = append(out, out[len(out)-back])
			}
		}
		b = b[used:]
	}
	if len(out) != int(size) {
		return nil, wire.Invalid("snappy block of %d bytes, told %d", len(out), size)
	}
	return out, nil
}

// element reads one tag: its bytes, the length it makes, and how far back it copies from (0: a literal; -1 is read as torn).
func element(b []byte) (used, length, back int) {
	tag := int(b[0])
	var more [4]byte
	copy(more[:], b[1:])
	v := int(binary.LittleEndian.Uint32(more[:]))
	switch tag & 3 {
	case 0:
		length = tag >> 2
		if length < 60 {
			return 1, length + 1, 0
		}
		extra := length - 59
		return 1 + extra, v&(1<<(8*extra)-1) + 1, 0
	case 1:
		used, length, back = 2, tag>>2&7+4, tag>>5<<8|v&0xff
	case 2:
		used, length, back = 3, tag>>2+1, v&0xffff
	case 3:
		used, length, back = 5, tag>>2+1, v
	}
	if back == 0 {
		used = 0
	}
	return used, length, back
}
