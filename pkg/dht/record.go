package dht

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// RecordSize is the length of every record, whatever it says.
const RecordSize = 1024

const (
	recordVersion = 1
	suiteEd25519  = 1 // Ed25519, SHA-256, XChaCha20-Poly1305
	offPublic     = 4
	offEpoch      = 36
	offSeq        = 40
	offNotAfter   = 48
	offNonce      = 56
	offSealed     = 80
	offSig        = 960

	day     = 86400
	maxLife = 48 * 3600
)

// Kind is what a record is for. One device's kinds have nothing in common to whoever stores them.
type Kind uint8

// Kinds of records.
const (
	Presence Kind = 1 // where a member of a session is
	Devices  Kind = 2 // where the other devices of an account are
	Mailbox  Kind = 3 // who keeps mail for a member
)

// Errors of Validate that a caller tells apart from bytes that are no record at all.
var (
	ErrExpired = errors.New("record is out of its time")
	ErrNone    = errors.New("no valid record")
)

// Record is what everybody may read of a record.
type Record struct {
	Kind     Kind
	Public   sig.Public // the day's key
	Epoch    uint32     // the session's own day number
	Seq      uint64
	NotAfter uint64 // unix seconds
	bytes    []byte
}

// Bytes returns the 1,024 bytes. They are shared.
func (r *Record) Bytes() []byte { return r.bytes }

// KeyFor returns the key under which a record of kind by the day's key p stands.
func KeyFor(netid [32]byte, kind Kind, p sig.Public) Key {
	h := sha256.New()
	h.Write([]byte(wire.LabelRecKey))
	h.Write(netid[:])
	h.Write([]byte{byte(kind)})
	h.Write(p[:])
	return Key(h.Sum(nil))
}

// DecodeRecord reads the fixed fields of a record. Whether it may stand under a key now says Validator.
func DecodeRecord(b []byte) (r Record, err error) {
	if len(b) != RecordSize {
		return r, wire.Invalid("record of %d bytes, not %d", len(b), RecordSize)
	}
	switch {
	case b[0] != recordVersion:
		return r, wire.Invalid("record of version %d", b[0])
	case b[1] != suiteEd25519:
		return r, wire.Invalid("record of suite %d", b[1])
	case b[2] < byte(Presence) || b[2] > byte(Mailbox):
		return r, wire.Invalid("record of kind %d", b[2])
	case b[3] != 0:
		return r, wire.Invalid("reserved byte of a record")
	}
	r.Kind, r.bytes = Kind(b[2]), b
	copy(r.Public[:], b[offPublic:])
	r.Epoch = binary.BigEndian.Uint32(b[offEpoch:])
	r.Seq = binary.BigEndian.Uint64(b[offSeq:])
	r.NotAfter = binary.BigEndian.Uint64(b[offNotAfter:])
	return r, nil
}

// Validator is the rule by which everybody, who stores as who reads, takes or refuses a record.
type Validator struct{ NetID [32]byte }

// Validate checks value under the 38 bytes of a key at a unix time in seconds. Cheapest first, the signature last.
// Errors wrap wire.ErrInvalid, ErrExpired or sig.ErrVerify.
func (v Validator) Validate(key, value []byte, now int64) error {
	if len(value) != RecordSize { // before the key: strangers send anything under any
		return wire.Invalid("record of %d bytes, not %d", len(value), RecordSize)
	}
	k, err := DecodeKey(key)
	if err != nil {
		return err
	}
	r, err := DecodeRecord(value)
	if err != nil {
		return err
	}
	if KeyFor(v.NetID, r.Kind, r.Public) != k {
		return fmt.Errorf("record stands under the key of another: %w", sig.ErrVerify)
	}
	if err := r.timely(now); err != nil {
		return err
	}
	if !r.Public.Canonical() || !sig.Verify(r.Public, wire.LabelRecSig, v.signed(value), sig.Signature(value[offSig:])) {
		return fmt.Errorf("record's signature: %w", sig.ErrVerify)
	}
	return nil
}

func (v Validator) signed(value []byte) []byte {
	return append(append(make([]byte, 0, 32+offSig), v.NetID[:]...), value[:offSig]...)
}

func (r *Record) timely(now int64) error {
	e, until := int64(r.Epoch), int64(min(r.NotAfter, 1<<62))
	switch {
	case (e-2)*day > now || now > (e+3)*day:
		return fmt.Errorf("day %d of its session: %w", r.Epoch, ErrExpired)
	case now >= until:
		return fmt.Errorf("not valid since %d: %w", until, ErrExpired)
	case until > now+maxLife:
		return fmt.Errorf("valid for more than 48 hours: %w", ErrExpired)
	}
	return nil
}

// Select returns the index of the record that counts: the greatest sequence number, of equal ones the smallest
// bytes. What is not valid never counts; ErrNone when nothing is.
func (v Validator) Select(key []byte, values [][]byte, now int64) (int, error) {
	best := -1
	for i, b := range values {
		if v.Validate(key, b, now) == nil && (best < 0 || newer(b, values[best])) {
			best = i
		}
	}
	if best < 0 {
		return 0, ErrNone
	}
	return best, nil
}

// newer compares two valid records of one key.
func newer(a, b []byte) bool {
	if c := bytes.Compare(a[offSeq:offSeq+8], b[offSeq:offSeq+8]); c != 0 {
		return c > 0
	}
	return bytes.Compare(a, b) < 0
}

// Equivocates reports two valid records of one key and sequence number with different bytes: their writer, or a
// copy of it, says two things at once.
func Equivocates(a, b []byte) bool {
	return bytes.Equal(a[offSeq:offSeq+8], b[offSeq:offSeq+8]) && !bytes.Equal(a, b)
}
