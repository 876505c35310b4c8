package wire

import (
	"bufio"
	"io"
)

// MaxFrame is the largest frame of a stream in bytes: type byte and payload (11-sync section 3).
const MaxFrame = 262144

// AppendFrame appends uv(length) ‖ type ‖ payload, where length counts type and payload.
func AppendFrame(b []byte, typ byte, payload []byte) []byte {
	b = AppendUvarint(b, uint64(len(payload)+1))
	return append(append(b, typ), payload...)
}

// ReadFrame reads one frame. The length is checked first, and memory is taken as the bytes arrive: a
// stranger who announces much and sends little holds little. io.EOF stands for a stream that ended
// between two frames, io.ErrUnexpectedEOF for one that was cut inside.
func ReadFrame(r *bufio.Reader) (typ byte, payload []byte, err error) {
	return ReadFrameOf(r, MaxFrame)
}

// ReadFrameOf is ReadFrame for a protocol whose frames, type included, have at most that many bytes.
func ReadFrameOf(r *bufio.Reader, most uint64) (typ byte, payload []byte, err error) {
	n, err := readLength(r)
	if err != nil {
		return 0, nil, err
	}
	if n == 0 || n > most {
		return 0, nil, Invalid("frame of %d bytes", n)
	}
	b := make([]byte, min(n, 4096))
	for have := 0; ; {
		if _, err := io.ReadFull(r, b[have:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, nil, err
		}
		have = len(b)
		if have == int(n) {
			return b[0], b[1:], nil
		}
		grown := make([]byte, min(2*have, int(n)))
		copy(grown, b)
		b = grown
	}
}

func readLength(r io.ByteReader) (uint64, error) {
	var head [MaxUvarint]byte
	for i := range head {
		c, err := r.ReadByte()
		if err != nil {
			if i > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		head[i] = c
		if c < 0x80 {
			v, n := Uvarint(head[:i+1])
			if n == 0 {
				return 0, Invalid("frame length")
			}
			return v, nil
		}
	}
	return 0, Invalid("frame length")
}
