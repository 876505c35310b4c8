package qr

import "github.com/pars-network/pars/pkg/wire"

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// parseWords reads the segments of corrected codewords: the bytes that the writer put in, whichever mix of
// numeric, alphanumeric and byte segments its encoder chose. A library that answers text would guess a
// character set. Kanji, and symbols that are one of several, are refused.
func parseWords(words []byte, version int) ([]byte, error) {
	r := &bitReader{b: words}
	class := 0
	switch {
	case version > 26:
		class = 2
	case version > 9:
		class = 1
	}
	var out []byte
	for r.left() >= 4 {
		switch mode := r.take(4); mode {
		case 0:
			return out, nil
		case 1:
			out = r.numeric(out, r.take([3]int{10, 12, 14}[class]))
		case 2:
			out = r.alphanumeric(out, r.take([3]int{9, 11, 13}[class]))
		case 4:
			for n := r.take([3]int{8, 16, 16}[class]); n > 0 && r.ok(); n-- {
				out = append(out, byte(r.take(8)))
			}
		case 7:
			r.extended()
		case 5, 9: // FNC1: marks of what the data means
			if mode == 9 {
				r.take(8)
			}
		default:
			return nil, wire.Invalid("segment of kind %d", mode)
		}
		if !r.ok() {
			return nil, wire.Invalid("segment cut short or out of range")
		}
	}
	return out, nil
}

type bitReader struct {
	b   []byte
	at  int
	bad bool
}

func (r *bitReader) left() int { return len(r.b)*8 - r.at }
func (r *bitReader) ok() bool  { return !r.bad }

func (r *bitReader) take(n int) (v int) {
	if r.left() < n {
		r.bad = true
	}
	for ; n > 0 && !r.bad; n-- {
		v = v<<1 | int(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

func (r *bitReader) numeric(out []byte, n int) []byte {
	for ; n > 0 && !r.bad; n -= 3 {
		digits := min(n, 3)
		v := r.take([4]int{0, 4, 7, 10}[digits])
		limit := [4]int{1, 10, 100, 1000}[digits]
		if v >= limit {
			r.bad = true
		}
		for limit /= 10; limit > 0; limit /= 10 {
			out = append(out, '0'+byte(v/limit%10))
		}
	}
	return out
}

func (r *bitReader) alphanumeric(out []byte, n int) []byte {
	for ; n > 1 && !r.bad; n -= 2 {
		v := r.take(11)
		if v >= 45*45 {
			r.bad = true
			return out
		}
		out = append(out, alphanumeric[v/45], alphanumeric[v%45])
	}
	if n == 1 && !r.bad {
		v := r.take(6)
		if v >= 45 {
			r.bad = true
			return out
		}
		out = append(out, alphanumeric[v])
	}
	return out
}

// extended reads over the number of a character set: bytes are bytes here.
func (r *bitReader) extended() {
	switch first := r.take(8); {
	case first < 0x80:
	case first < 0xc0:
		r.take(8)
	case first < 0xe0:
		r.take(16)
	default:
		r.bad = true
	}
}
