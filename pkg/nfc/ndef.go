package nfc

import (
	"encoding/binary"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// Types of the records of a card.
const (
	CardMIME    = "application/vnd.pars.card"
	AndroidApp  = "org.pars.node"
	androidType = "android.com:pkg"
	maxRecords  = 16
)

// TNF is the kind of a record's type.
type TNF byte

// Kinds of types that are used here.
const (
	WellKnown TNF = 1
	MIME      TNF = 2
	External  TNF = 4
)

// Record is one NDEF record without an id.
type Record struct {
	TNF     TNF
	Type    string
	Payload []byte
}

// Flags of a record's first byte.
const (
	flagBegin = 0x80
	flagEnd   = 0x40
	flagChunk = 0x20
	flagShort = 0x10
	flagID    = 0x08
)

// EncodeNDEF returns the message of records.
func EncodeNDEF(records []Record) []byte {
	var b []byte
	for i, r := range records {
		flags := byte(r.TNF)
		if i == 0 {
			flags |= flagBegin
		}
		if i == len(records)-1 {
			flags |= flagEnd
		}
		if len(r.Payload) < 256 {
			b = append(b, flags|flagShort, byte(len(r.Type)), byte(len(r.Payload)))
		} else {
			b = binary.BigEndian.AppendUint32(append(b, flags, byte(len(r.Type))), uint32(len(r.Payload)))
		}
		b = append(append(b, r.Type...), r.Payload...)
	}
	return b
}

// DecodeNDEF reads a message. Ids of records are read over; records in chunks are refused. Errors wrap wire.ErrInvalid.
func DecodeNDEF(b []byte) ([]Record, error) {
	if len(b) > MaxMessage {
		return nil, wire.Invalid("NDEF message of %d bytes", len(b))
	}
	var out []Record
	r := wire.NewReader(b)
	for r.Len() > 0 && r.Err() == nil {
		flags := r.Byte()
		switch {
		case flags&flagChunk != 0:
			return nil, wire.Invalid("NDEF record in chunks")
		case (flags&flagBegin != 0) != (len(out) == 0):
			return nil, wire.Invalid("NDEF message does not begin with its first record")
		case len(out) == maxRecords:
			return nil, wire.Invalid("more than %d NDEF records", maxRecords)
		}
		kind, size, id := int(r.Byte()), 0, 0
		if flags&flagShort != 0 {
			size = int(r.Byte())
		} else if n := r.Uint32(); n > MaxMessage {
			return nil, wire.Invalid("NDEF record of %d bytes", n)
		} else {
			size = int(n)
		}
		if flags&flagID != 0 {
			id = int(r.Byte())
		}
		rec := Record{TNF: TNF(flags & 7), Type: string(r.Take(kind))}
		r.Take(id)
		rec.Payload = r.Take(size)
		out = append(out, rec)
		if flags&flagEnd != 0 {
			return out, r.End()
		}
	}
	return nil, wire.Invalid("NDEF message without an end")
}

// uriPrefixes are what the first byte of a URI record stands for; the rest of the list is never a card's.
func uriPrefix(code byte) (string, bool) {
	list := []string{"", "http://www.", "https://www.", "http://", "https://"}
	if int(code) >= len(list) {
		return "", false
	}
	return list[code], true
}

// URI returns the URI of a record, and whether it is one.
func (r Record) URI() (string, bool) {
	if r.TNF != WellKnown || r.Type != "U" || len(r.Payload) < 1 {
		return "", false
	}
	prefix, ok := uriPrefix(r.Payload[0])
	return prefix + string(r.Payload[1:]), ok
}

// URIRecord is a record of a URI that no prefix shortens.
func URIRecord(uri string) Record {
	return Record{TNF: WellKnown, Type: "U", Payload: append([]byte{0}, uri...)}
}

// CardMessage is the NDEF message of a card: the short one as a URI that any phone shows, the full one when there is
// room, and the program that knows what to do with it.
func CardMessage(line string, full []byte) []byte {
	records := []Record{URIRecord(line)}
	if full != nil {
		records = append(records, Record{TNF: MIME, Type: CardMIME, Payload: full})
	}
	return EncodeNDEF(append(records, Record{TNF: External, Type: androidType, Payload: []byte(AndroidApp)}))
}

// DecodeCardMessage returns the short card's line and the full card's bytes, nil when there is none. Both are claims.
// Errors wrap wire.ErrInvalid.
func DecodeCardMessage(b []byte) (line string, full []byte, err error) {
	records, err := DecodeNDEF(b)
	if err != nil {
		return "", nil, err
	}
	for _, r := range records {
		if uri, ok := r.URI(); ok && line == "" && strings.HasPrefix(uri, "pars:card/") {
			line = uri
		}
		if r.TNF == MIME && r.Type == CardMIME && full == nil {
			full = r.Payload
		}
	}
	if line == "" {
		return "", nil, wire.Invalid("no card on the tag")
	}
	return line, full, nil
}
