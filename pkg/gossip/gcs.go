package gossip

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/dchest/siphash"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// A Have says which envelopes one holds in about 12 bits each: a Golomb-coded set, wrong for one of 1,024 that
// one does not hold. Its key is drawn anew each time, so that an envelope that is missed once is not missed
// the next time.
//
//	key[16] ‖ uv range ‖ uv n ‖ bits: n gaps, each unary(gap >> 10) 0 gap[10 bits], padded with zeros
//
// A value is the upper half of siphash(key, id) x (range << 10).
type Have struct {
	key    [16]byte
	span   uint64
	values []uint64 // ascending, none twice
}

const (
	riceBits = 10
	// MaxHave is the most ids in one set.
	MaxHave = 4096
)

// NewHave returns the set of up to MaxHave ids under a random key.
func NewHave(ids []envelope.ID, key [16]byte) Have {
	h := Have{key: key, span: uint64(min(len(ids), MaxHave))}
	for _, id := range ids[:h.span] {
		h.values = append(h.values, h.place(id))
	}
	slices.Sort(h.values)
	h.values = slices.Compact(h.values)
	return h
}

func (h *Have) place(id envelope.ID) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(h.key[:]), binary.LittleEndian.Uint64(h.key[8:])
	hi, _ := bits.Mul64(siphash.Hash(k0, k1, id[:]), h.span<<riceBits)
	return hi
}

// Has reports whether the set holds id.
func (h *Have) Has(id envelope.ID) bool {
	_, found := slices.BinarySearch(h.values, h.place(id))
	return found
}

// Len returns the number of values.
func (h *Have) Len() int { return len(h.values) }

// Append appends the encoding.
func (h *Have) Append(b []byte) []byte {
	b = append(b, h.key[:]...)
	b = wire.AppendUvarint(wire.AppendUvarint(b, h.span), uint64(len(h.values)))
	w := bitWriter{b: b}
	last := uint64(0)
	for i, v := range h.values {
		gap := v - last
		if i > 0 {
			gap--
		}
		for range gap >> riceBits {
			w.bit(1)
		}
		w.bit(0)
		for i := riceBits - 1; i >= 0; i-- {
			w.bit(byte(gap>>i) & 1)
		}
		last = v
	}
	return w.b
}

// DecodeHave reads a set that fills b.
func DecodeHave(b []byte) (Have, error) {
	var h Have
	r := wire.NewReader(b)
	copy(h.key[:], r.Take(len(h.key)))
	h.span = r.Uvarint(MaxHave)
	n := r.Uvarint(h.span)
	if r.Err() != nil {
		return Have{}, r.Err()
	}
	rest := r.Take(r.Len())
	if uint64(len(rest)) < n*(riceBits+1)/8 {
		return Have{}, wire.ErrShort
	}
	s := bitReader{b: rest}
	h.values = make([]uint64, 0, n)
	for next := uint64(0); uint64(len(h.values)) < n; {
		v, ok := s.rice(h.span)
		if !ok || next+v >= h.span<<riceBits {
			return Have{}, wire.Invalid("set of ids held")
		}
		h.values = append(h.values, next+v)
		next += v + 1
	}
	if !s.end() || h.span > 0 && n == 0 {
		return Have{}, wire.Invalid("set of ids held: its end")
	}
	return h, nil
}

type bitWriter struct {
	b    []byte
	free int // bits left in the last byte
}

func (w *bitWriter) bit(v byte) {
	if w.free == 0 {
		w.b, w.free = append(w.b, 0), 8
	}
	w.free--
	w.b[len(w.b)-1] |= v << w.free
}

type bitReader struct {
	b  []byte
	at int
}

func (r *bitReader) bit() (byte, bool) {
	if r.at >= 8*len(r.b) {
		return 0, false
	}
	v := r.b[r.at/8] >> (7 - r.at%8) & 1
	r.at++
	return v, true
}

// rice reads one gap; its unary part cannot be longer than the whole range.
func (r *bitReader) rice(most uint64) (v uint64, ok bool) {
	for {
		bit, ok := r.bit()
		if !ok || v > most {
			return 0, false
		}
		if bit == 0 {
			break
		}
		v++
	}
	for range riceBits {
		bit, ok := r.bit()
		if !ok {
			return 0, false
		}
		v = v<<1 | uint64(bit)
	}
	return v, true
}

// end reports whether only the zeros of a last byte are left.
func (r *bitReader) end() bool {
	if (r.at+7)/8 != len(r.b) {
		return false
	}
	for r.at < 8*len(r.b) {
		if v, _ := r.bit(); v != 0 {
			return false
		}
	}
	return true
}
