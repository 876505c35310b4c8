package fountain

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"hash/crc32"

	"github.com/pars-network/pars/pkg/wire"
)

// Limits of a message in UR parts.
const (
	MaxMessage  = 16 << 20 // bytes
	minFragment = 10       // bytes, as the reference has it
)

// Part is one part of a message in the fountain of BCR-2024-001: a fragment, or the sum of some.
type Part struct {
	Seq      uint32 // from 1; up to Count: the fragment itself
	Count    int    // fragments of the message
	Length   int    // bytes of the message
	Checksum uint32 // CRC-32 of the message
	Data     []byte
}

// Parts makes the parts of a message.
type Parts struct {
	msg      []byte // padded
	size     int
	length   int
	checksum uint32
	mix      *mixer
}

// NewParts cuts a message into fragments of at most size bytes, all of one length. Errors wrap wire.ErrInvalid.
func NewParts(msg []byte, size int) (*Parts, error) {
	if len(msg) < 1 || len(msg) > MaxMessage || size < minFragment {
		return nil, wire.Invalid("message of %d bytes in fragments of %d", len(msg), size)
	}
	size = nominal(len(msg), size)
	p := &Parts{msg: pad(msg, size), size: size, length: len(msg), checksum: crc32.ChecksumIEEE(msg)}
	if p.Count() > MaxK {
		return nil, wire.Invalid("message of %d fragments, at most %d", p.Count(), MaxK)
	}
	p.mix = newMixer(p.Count(), p.checksum)
	return p, nil
}

// nominal is the length of fragments that are all of one length, the longest that does not exceed limit.
func nominal(length, limit int) int {
	for n := 1; n <= length/minFragment; n++ {
		if size := Count(length, n); size <= limit {
			return size
		}
	}
	return min(length, limit)
}

// Count is the number of fragments.
func (p *Parts) Count() int { return len(p.msg) / p.size }

// Part returns the part of a number from 1 on.
func (p *Parts) Part(seq uint32) Part {
	out := Part{Seq: seq, Count: p.Count(), Length: p.length, Checksum: p.checksum, Data: make([]byte, p.size)}
	for _, i := range p.mix.fragments(seq) {
		subtle.XORBytes(out.Data, out.Data, p.msg[i*p.size:(i+1)*p.size])
	}
	return out
}

// Fragments returns which fragments, from 0 on, are summed in the part of a number.
func (p *Parts) Fragments(seq uint32) []int { return p.mix.fragments(seq) }

// mixer says which fragments are in a part.
type mixer struct {
	count    int
	checksum uint32
	degrees  *sampler
}

func newMixer(count int, checksum uint32) *mixer { return &mixer{count, checksum, degrees(count)} }

func (m *mixer) fragments(seq uint32) []int {
	if seq >= 1 && int64(seq) <= int64(m.count) {
		return []int{int(seq) - 1}
	}
	x := newXoshiro(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, seq), m.checksum))
	n := m.degrees.draw(x) + 1
	return shuffled(m.count, x)[:n]
}

// check refuses a part out of the limits.
func (p *Part) check() error {
	switch {
	case p.Count < 1 || p.Count > MaxK || p.Seq < 1:
		return wire.Invalid("part %d of %d, at most %d", p.Seq, p.Count, MaxK)
	case p.Length < 1 || p.Length > MaxMessage || len(p.Data) < 1 || Count(p.Length, len(p.Data)) != p.Count:
		return wire.Invalid("part of %d bytes, %d of them for %d", len(p.Data), p.Count, p.Length)
	}
	return nil
}

// Append adds the canonical CBOR [seq, count, length, checksum, data].
func (p *Part) Append(b []byte) []byte {
	b = wire.AppendUint(wire.AppendArray(b, 5), uint64(p.Seq))
	b = wire.AppendUint(wire.AppendUint(b, uint64(p.Count)), uint64(p.Length))
	return wire.AppendBytes(wire.AppendUint(b, uint64(p.Checksum)), p.Data)
}

// DecodePart is the inverse of Append. Errors wrap wire.ErrInvalid.
func DecodePart(b []byte) (Part, error) {
	d := wire.NewDecoder(b)
	if d.Array(5) != 5 {
		d.Fail(wire.Invalid("part without five fields"))
	}
	p := Part{Seq: uint32(d.Uint(1<<32 - 1)), Count: int(d.Uint(MaxK)), Length: int(d.Uint(MaxMessage)), Checksum: uint32(d.Uint(1<<32 - 1)),
		Data: d.Bytes(1, MaxMessage)}
	if err := d.End(); err != nil {
		return Part{}, err
	}
	return p, p.check()
}

// Joiner puts a message together from its parts by elimination: it uses all that each part tells, where
// the reference waits for parts with one unknown fragment.
type Joiner struct {
	first Part
	mix   *mixer
	sums  *solver
}

// NewJoiner begins with any part. Errors wrap wire.ErrInvalid.
func NewJoiner(p Part) (*Joiner, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return &Joiner{p, newMixer(p.Count, p.Checksum), newSolver(p.Count)}, nil
}

// Add takes a part that fits and reports whether it told something new. The error is ErrInconsistent.
func (j *Joiner) Add(p Part) (bool, error) {
	set := j.sums.newBits()
	for _, i := range j.mix.fragments(p.Seq) {
		set[i/64] |= 1 << (i % 64)
	}
	return j.sums.add(set, bytes.Clone(p.Data))
}

// Rank is how many independent parts there are; Count are enough.
func (j *Joiner) Rank() int { return j.sums.rank }

// Message returns the message once the rank is full, else nil. The error is ErrInconsistent when its checksum is not
// the announced one. The Joiner is used up by a full rank.
func (j *Joiner) Message() ([]byte, error) {
	all := j.sums.solution()
	if all == nil {
		return nil, nil
	}
	msg := bytes.Join(all, nil)
	if len(msg) < j.first.Length || crc32.ChecksumIEEE(msg[:j.first.Length]) != j.first.Checksum {
		return nil, ErrInconsistent
	}
	return msg[:j.first.Length], nil
}
