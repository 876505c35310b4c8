package bundle

import (
	"encoding/binary"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Head stands first in every chunk, so that a lost chunk costs itself only.
type Head struct {
	Nonce    [16]byte
	Created  uint32     // hours since 1970
	Exporter sig.Public // made for these recipients alone; no key of an account, device or pseudonym
	NotAfter uint32     // hours since 1970; 0 never
	Hops     uint8      // how often the bundle may still be exported anew
	Flags    uint8      // Carried, Left
	Counts   []Count    // chunk 0 only
}

// Flags of a head.
const (
	Carried = 1 << 0 // holds records that the exporter carries for others
	Left    = 1 << 1 // something did not fit
)

// Count says how much of a kind is in the whole body.
type Count struct {
	Kind           Kind
	Records, Bytes uint64
}

const (
	headFixed = 16 + 4 + 32 + 4 + 1 + 1
	// headRecord is the length of a head without counts as a record, and of the byte that counts none.
	headRecord = 2 + headFixed + 1
	maxCounts  = 255
)

func (h *Head) record() Record {
	b := append(make([]byte, 0, headFixed+1+len(h.Counts)*12), h.Nonce[:]...)
	b = binary.BigEndian.AppendUint32(b, h.Created)
	b = append(b, h.Exporter[:]...)
	b = binary.BigEndian.AppendUint32(b, h.NotAfter)
	b = append(b, h.Hops, h.Flags, byte(len(h.Counts)))
	for _, c := range h.Counts {
		b = wire.AppendUvarint(wire.AppendUvarint(append(b, byte(c.Kind)), c.Records), c.Bytes)
	}
	return Record{Kind: KindHead, Payload: b}
}

// DecodeHead reads the payload of a head record.
func DecodeHead(b []byte) (*Head, error) {
	var h Head
	r := wire.NewReader(b)
	copy(h.Nonce[:], r.Take(16))
	h.Created = r.Uint32()
	copy(h.Exporter[:], r.Take(32))
	h.NotAfter, h.Hops, h.Flags = r.Uint32(), r.Byte(), r.Byte()
	for n := int(r.Byte()); n > 0 && r.Err() == nil; n-- {
		c := Count{Kind(r.Byte()), r.Uvarint(1 << 50), r.Uvarint(1 << 50)}
		if k := len(h.Counts); k > 0 && h.Counts[k-1].Kind >= c.Kind {
			r.Fail(wire.Invalid("counts not ascending"))
		}
		h.Counts = append(h.Counts, c)
	}
	if err := r.End(); err != nil {
		return nil, refuse(BadCanonical, "head: %v", err)
	}
	if h.Flags&^(Carried|Left) != 0 {
		return nil, refuse(BadCanonical, "head flags %#x", h.Flags)
	}
	return &h, nil
}

// same reports whether two heads are of one bundle.
func (h *Head) same(o *Head) bool {
	a, b := *h, *o
	return a.Nonce == b.Nonce && a.Created == b.Created && a.Exporter == b.Exporter && a.NotAfter == b.NotAfter && a.Hops == b.Hops && a.Flags == b.Flags
}
