package envelope

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/pars-network/pars/pkg/wire"
)

// An envelope is what carriers that are no members see of a session: exactly 1, 4, 16 or 64 KiB.
//
//	0 version  1 class  2 u16 expiry  4 tag[16]  20 stamp nonce[8]  28 reserved[4]
//	32 nonce[24] ‖ XChaCha20-Poly1305 of: type ‖ 0 ‖ u32 length ‖ payload ‖ zeros
//
// The seal authenticates version, class, expiry and tag; the stamp is made afterwards and may be made
// again by whoever carries it on.
const (
	envVersion = 1
	outerSize  = 32
	sealedHead = 20 // bytes of the outer header under the seal
	innerHead  = 6
	envFixed   = outerSize + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead + innerHead
	classes    = 4
)

// Type says what an envelope holds.
type Type uint8

// Types of envelopes.
const (
	Batch    Type = 0 // vertices, as runs
	Hello    Type = 1
	Card     Type = 2
	Receipts Type = 3
	Cover    Type = 4
)

// ID names the bytes of an envelope to carriers.
type ID [20]byte

// Outer is what every carrier reads.
type Outer struct {
	Class  uint8
	Expiry uint16 // hours since the network's genesis, modulo 65,536
	Tag    [16]byte
	Stamp  [8]byte
}

// ClassSize returns the size in bytes of an envelope of a class 0 to 3.
func ClassSize(class uint8) int { return 1024 << (2 * class) }

// ClassFor returns the smallest class that holds n bytes of payload; false when none does.
func ClassFor(n int) (class uint8, ok bool) {
	for c := range uint8(classes) {
		if n <= ClassSize(c)-envFixed {
			return c, true
		}
	}
	return 0, false
}

// MaxPayload is the most that one envelope holds.
const MaxPayload = 1024<<6 - envFixed

func (o *Outer) append(b []byte) []byte {
	b = append(b, envVersion, o.Class)
	b = binary.BigEndian.AppendUint16(b, o.Expiry)
	b = append(append(b, o.Tag[:]...), o.Stamp[:]...)
	return append(b, 0, 0, 0, 0)
}

// DecodeOuter checks what a carrier can check: version, class, length, reserved bytes.
func DecodeOuter(b []byte) (o Outer, err error) {
	if len(b) < outerSize {
		return o, wire.ErrShort
	}
	o.Class, o.Expiry = b[1], binary.BigEndian.Uint16(b[2:])
	copy(o.Tag[:], b[4:])
	copy(o.Stamp[:], b[20:])
	switch {
	case b[0] != envVersion:
		return o, wire.Invalid("envelope of version %d", b[0])
	case o.Class >= classes || len(b) != ClassSize(o.Class):
		return o, wire.Invalid("envelope of class %d with %d bytes", o.Class, len(b))
	case b[28]|b[29]|b[30]|b[31] != 0:
		return o, wire.Invalid("reserved bytes of an envelope")
	}
	return o, nil
}

// EnvelopeID returns the id of the bytes of an envelope.
func EnvelopeID(b []byte) (id ID) {
	sum := sha256.Sum256(append([]byte(wire.LabelGossipID), b...))
	copy(id[:], sum[:])
	return id
}

func (d DayKey) sealKey() []byte { return Expand(d.Key[:], wire.LabelEnvKey, 32) }

// LaneOf returns the lane of a payload in a session with so many lanes.
func LaneOf(payload []byte, lanes uint8) uint8 { return sha256.Sum256(payload)[0] % lanes }

// SealEnvelope puts payload into the smallest envelope of the day that holds it, on the lane that
// follows from it. The stamp is left empty.
func (d DayKey) SealEnvelope(typ Type, payload []byte, lanes uint8, expiry uint16, rnd io.Reader) ([]byte, error) {
	class, ok := ClassFor(len(payload))
	if !ok {
		return nil, fmt.Errorf("payload of %d bytes, an envelope holds %d: %w", len(payload), MaxPayload, ErrTooBig)
	}
	o := Outer{Class: class, Expiry: expiry, Tag: d.Tag(LaneOf(payload, lanes))}
	b := o.append(make([]byte, 0, ClassSize(class)))
	nonce := b[outerSize : outerSize+chacha20poly1305.NonceSizeX]
	if _, err := io.ReadFull(rnd, nonce); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	aead, err := chacha20poly1305.NewX(d.sealKey())
	if err != nil {
		return nil, err
	}
	plain := make([]byte, ClassSize(class)-envFixed+innerHead)
	plain[0] = byte(typ)
	binary.BigEndian.PutUint32(plain[2:], uint32(len(payload)))
	copy(plain[innerHead:], payload)
	return aead.Seal(b[:outerSize+len(nonce)], nonce, plain, b[:sealedHead]), nil
}

// OpenEnvelope returns what an envelope of this day holds.
func (d DayKey) OpenEnvelope(b []byte) (Type, []byte, error) {
	if _, err := DecodeOuter(b); err != nil {
		return 0, nil, err
	}
	aead, err := chacha20poly1305.NewX(d.sealKey())
	if err != nil {
		return 0, nil, err
	}
	body := b[outerSize+chacha20poly1305.NonceSizeX:]
	plain, err := aead.Open(nil, b[outerSize:outerSize+chacha20poly1305.NonceSizeX], body, b[:sealedHead])
	if err != nil {
		return 0, nil, ErrOpen
	}
	n := binary.BigEndian.Uint32(plain[2:])
	if plain[0] > byte(Cover) || plain[1] != 0 || uint64(n) > uint64(len(plain)-innerHead) {
		return 0, nil, wire.Invalid("envelope's content")
	}
	for _, c := range plain[innerHead+int(n):] {
		if c != 0 {
			return 0, nil, wire.Invalid("padding of an envelope")
		}
	}
	return Type(plain[0]), plain[innerHead : innerHead+int(n)], nil
}
