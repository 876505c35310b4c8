package bundle

import (
	"crypto/hmac"
	"encoding/binary"
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

// Receipt says that a bundle arrived. Only who opened the file can make one; there is no signature, for it would prove
// who read what.
type Receipt struct {
	Body  BodyID
	Who   [8]byte // first bytes of the device's id or pseudonym
	Hours uint32
	// Chunks are the numbers of the chunks that were stored, as ranges from, to, ascending.
	Chunks []Range
	Tag    [16]byte
}

// Range is numbers from From to To, both included.
type Range struct{ From, To uint32 }

const maxRanges = 4096

func (r *Receipt) body() []byte {
	b := append(append([]byte(nil), r.Body[:]...), r.Who[:]...)
	b = binary.BigEndian.AppendUint32(b, r.Hours)
	b = wire.AppendUvarint(b, uint64(len(r.Chunks)))
	for _, c := range r.Chunks {
		b = wire.AppendUvarint(wire.AppendUvarint(b, uint64(c.From)), uint64(c.To))
	}
	return b
}

func (r *Receipt) tag(file Key) (t [16]byte) {
	m := mac(file[:], []byte(wire.LabelBundleReceipt), r.body())
	copy(t[:], m[:])
	return t
}

// Seal tags the receipt under the file key of the bundle it is for.
func (r *Receipt) Seal(file Key) { r.Tag = r.tag(file) }

// Verify reports whether the receipt was made by somebody who opened the file.
func (r *Receipt) Verify(file Key) bool {
	t := r.tag(file)
	return hmac.Equal(t[:], r.Tag[:])
}

// Record returns the record of a receipt.
func (r *Receipt) Record() Record {
	return Record{Kind: KindReceipt, Payload: append(r.body(), r.Tag[:]...)}
}

// Full reports whether all n chunks of the body arrived.
func (r *Receipt) Full(n int) bool {
	return slices.Equal(r.Chunks, []Range{{0, uint32(n - 1)}})
}

// DecodeReceipt reads the payload of a receipt record.
func DecodeReceipt(b []byte) (*Receipt, error) {
	var v Receipt
	r := wire.NewReader(b)
	copy(v.Body[:], r.Take(32))
	copy(v.Who[:], r.Take(8))
	v.Hours = r.Uint32()
	for n := r.Uvarint(maxRanges); n > 0 && r.Err() == nil; n-- {
		c := Range{uint32(r.Uvarint(MaxChunks)), uint32(r.Uvarint(MaxChunks))}
		if k := len(v.Chunks); c.To < c.From || k > 0 && c.From <= v.Chunks[k-1].To {
			r.Fail(wire.Invalid("ranges not ascending"))
		}
		v.Chunks = append(v.Chunks, c)
	}
	copy(v.Tag[:], r.Take(16))
	if err := r.End(); err != nil {
		return nil, refuse(BadCanonical, "receipt: %v", err)
	}
	return &v, nil
}
