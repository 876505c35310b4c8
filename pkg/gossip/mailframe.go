package gossip

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// Frames of /pars/<netid8>/mail/1, each uv(length) ‖ type ‖ body as all frames of the project. The one who opened
// the stream asks, the other answers in the order of the questions.
const (
	framePut   = 1  // L u8 ‖ hops u8 ‖ h[32] ‖ envelope       -> OK, FULL, LATER, DUP, NO
	frameGet   = 2  // 32 tags, ascending ‖ Have               -> n x MAIL, END
	frameAck   = 3  // n x (id[20] ‖ token[32])                -> END
	frameHave  = 4  // bits u8 ‖ prefix u16                    -> SET
	frameOK    = 16 // id[20]
	frameFull  = 17
	frameLater = 18 // seconds u32
	frameDup   = 19
	frameMail  = 20 // envelope
	frameEnd   = 21 // more u8: 1 when the limit of one answer was reached
	frameSet   = 22 // Have
	frameNo    = 23 // not a valid envelope
)

const (
	// GetTags is the number of tags in every GET.
	GetTags   = 32
	maxAcks   = 256
	maxCopies = 64
	maxHops   = 32
	putFixed  = 34
)

// Put is an envelope on its way from storer to storer.
type Put struct {
	Copies   uint8    // L: how many may still be spread, this one among them; 1 to 64
	Hops     uint8    // hand-overs so far
	Hash     [32]byte // SHA-256 of the token that deletes it; zero: nobody can
	Envelope []byte
}

// Append appends the body of a PUT.
func (p *Put) Append(b []byte) []byte {
	return append(append(append(b, p.Copies, p.Hops), p.Hash[:]...), p.Envelope...)
}

// DecodePut reads the body of a PUT.
func DecodePut(b []byte) (p Put, err error) {
	if len(b) < putFixed {
		return p, wire.ErrShort
	}
	p.Copies, p.Hops, p.Hash, p.Envelope = b[0], b[1], [32]byte(b[2:putFixed]), b[putFixed:]
	if p.Copies == 0 || p.Copies > maxCopies || p.Hops > maxHops {
		return p, wire.Invalid("%d copies after %d hops", p.Copies, p.Hops)
	}
	_, err = envelope.DecodeOuter(p.Envelope)
	return p, err
}

// Get asks for what waits under tags.
type Get struct {
	Tags [GetTags][16]byte // ascending, none twice; padded with random ones
	Have Have              // not to be sent
}

// NewGet returns a question for up to 32 tags. fill gives the random ones that hide how many are asked for.
func NewGet(tags [][16]byte, have Have, fill func() ([16]byte, error)) (Get, error) {
	g := Get{Have: have}
	list := slices.Clone(tags[:min(len(tags), GetTags)])
	for {
		slices.SortFunc(list, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
		list = slices.Compact(list)
		if len(list) == GetTags {
			copy(g.Tags[:], list)
			return g, nil
		}
		for len(list) < GetTags {
			t, err := fill()
			if err != nil {
				return g, err
			}
			list = append(list, t)
		}
	}
}

// Append appends the body of a GET.
func (g *Get) Append(b []byte) []byte {
	for _, t := range g.Tags {
		b = append(b, t[:]...)
	}
	return g.Have.Append(b)
}

// DecodeGet reads the body of a GET.
func DecodeGet(b []byte) (g Get, err error) {
	if len(b) < 16*GetTags {
		return g, wire.ErrShort
	}
	for i := range g.Tags {
		g.Tags[i] = [16]byte(b[16*i:])
		if i > 0 && bytes.Compare(g.Tags[i-1][:], g.Tags[i][:]) >= 0 {
			return g, wire.Invalid("tags of a question are not in order")
		}
	}
	g.Have, err = DecodeHave(b[16*GetTags:])
	return g, err
}

// Ack deletes an envelope that its recipient has.
type Ack struct {
	ID    envelope.ID
	Token [32]byte
}

// AppendAcks appends the body of an ACK of up to 256.
func AppendAcks(b []byte, list []Ack) []byte {
	for _, a := range list {
		b = append(append(b, a.ID[:]...), a.Token[:]...)
	}
	return b
}

// DecodeAcks reads the body of an ACK.
func DecodeAcks(b []byte) ([]Ack, error) {
	const size = 52
	if len(b) == 0 || len(b)%size != 0 || len(b) > maxAcks*size {
		return nil, wire.Invalid("acknowledgements of %d bytes", len(b))
	}
	out := make([]Ack, 0, len(b)/size)
	for ; len(b) > 0; b = b[size:] {
		out = append(out, Ack{envelope.ID(b[:20]), [32]byte(b[20:size])})
	}
	return out, nil
}

// Range is the part of all ids that begin with the first Bits bits of Prefix, at most 16.
type Range struct {
	Bits   uint8
	Prefix uint16
}

// Holds reports whether id lies in the range.
func (r Range) Holds(id envelope.ID) bool {
	return r.Bits == 0 || binary.BigEndian.Uint16(id[:])>>(16-r.Bits) == r.Prefix>>(16-r.Bits)
}

// Append appends the body of a HAVE.
func (r Range) Append(b []byte) []byte {
	return binary.BigEndian.AppendUint16(append(b, r.Bits), r.Prefix)
}

// DecodeRange reads the body of a HAVE.
func DecodeRange(b []byte) (r Range, err error) {
	if len(b) != 3 {
		return r, wire.ErrShort
	}
	r = Range{b[0], binary.BigEndian.Uint16(b[1:])}
	if r.Bits > 16 || r.Prefix&(1<<(16-min(r.Bits, 16))-1) != 0 {
		return Range{}, wire.Invalid("range of %d bits", r.Bits)
	}
	return r, nil
}

// TokenHash is what a storer keeps of a token.
func TokenHash(token [32]byte) [32]byte { return sha256.Sum256(token[:]) }
