package nfc

import (
	"encoding/binary"

	"github.com/pars-network/pars/pkg/wire"
)

type selected byte

const (
	idle selected = iota
	app
	cc
	ndef
)

// Tag is a Type 4 Tag. It is not safe for concurrent use.
type Tag struct {
	file   []byte // NLEN ‖ message
	room   int    // bytes that may be written; 0: none
	torn   bool   // NLEN was set to 0 and is not back
	hidden bool
	at     selected
}

// NewTag returns a tag with a message. Errors wrap wire.ErrInvalid.
func NewTag(message []byte) (*Tag, error) {
	if len(message) > MaxMessage {
		return nil, wire.Invalid("NDEF message of %d bytes, at most %d", len(message), MaxMessage)
	}
	return &Tag{file: append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)}, nil
}

// Hide makes the tag answer as one without the application: nobody reads a phone whose screen does not show the card.
func (t *Tag) Hide(yes bool) { t.hidden, t.at = yes, idle }

// Open lets a reader write a message of at most limit bytes, until Shut. The caller keeps the time.
func (t *Tag) Open(limit int) {
	t.room = min(limit, MaxMessage) + 2
	t.at = idle
}

// Shut ends writing, and returns what was written when it is whole.
func (t *Tag) Shut() []byte {
	if t.room == 0 || t.torn {
		t.room = 0
		return nil
	}
	t.room = 0
	return t.Message()
}

// Message is the message that stands on the tag now; empty while a write is under way.
func (t *Tag) Message() []byte {
	n := int(binary.BigEndian.Uint16(t.file))
	return t.file[2 : 2+n : 2+n]
}

// Reset is what losing the field does.
func (t *Tag) Reset() { t.at = idle }

// Answer answers one APDU. There is always an answer, and it ends in a status word.
func (t *Tag) Answer(apdu []byte) []byte {
	switch {
	case len(apdu) < 4 || len(apdu) > maxAPDU:
		return status(nil, statusLength)
	case apdu[0] != 0:
		return status(nil, statusClass)
	}
	p := binary.BigEndian.Uint16(apdu[2:])
	switch apdu[1] {
	case 0xa4:
		return status(nil, t.choose(p, apdu[4:]))
	case 0xb0:
		return t.read(int(p), apdu[4:])
	case 0xd6:
		return status(nil, t.write(int(p), apdu[4:]))
	}
	return status(nil, statusInstruction)
}

// choose selects the application by name or a file by id. rest is Lc, data and perhaps Le.
func (t *Tag) choose(p uint16, rest []byte) uint16 {
	if len(rest) < 1 || int(rest[0]) == 0 || len(rest) < 1+int(rest[0]) || len(rest) > 2+int(rest[0]) {
		return statusLength
	}
	data := rest[1 : 1+int(rest[0])]
	switch p {
	case 0x0400:
		t.at = idle
		if string(data) != appName || t.hidden {
			return statusNotFound
		}
		t.at = app
		return statusOK
	case 0x000c:
		if t.at == idle || len(data) != 2 {
			return statusNotFound
		}
		switch binary.BigEndian.Uint16(data) {
		case fileCC:
			t.at = cc
		case fileNDEF:
			t.at = ndef
		default:
			return statusNotFound
		}
		return statusOK
	}
	return statusNotFound
}

// container is the capability container.
func (t *Tag) container() []byte {
	write := byte(0xff)
	if t.room > 0 {
		write = 0
	}
	return []byte{0, 15, 0x20, 0, maxRead, 0, maxWrite, 4, 6, fileNDEF >> 8, fileNDEF & 0xff, fileSize >> 8, fileSize & 0xff, 0, write}
}

func (t *Tag) read(off int, rest []byte) []byte {
	if len(rest) != 1 {
		return status(nil, statusLength)
	}
	var file []byte
	switch t.at {
	case cc:
		file = t.container()
	case ndef:
		file = t.file
	default:
		return status(nil, statusConditions)
	}
	if off >= len(file) {
		return status(nil, statusOffset)
	}
	n := int(rest[0])
	if n == 0 {
		n = 256
	}
	n = min(n, maxRead, len(file)-off)
	return status(append([]byte(nil), file[off:off+n]...), statusOK)
}

func (t *Tag) write(off int, rest []byte) uint16 {
	if len(rest) < 2 || len(rest) != 1+int(rest[0]) {
		return statusLength
	}
	data := rest[1:]
	switch {
	case t.at != ndef:
		return statusConditions
	case t.room == 0:
		return statusSecurity
	case len(data) > maxWrite || off+len(data) > t.room:
		return statusLength
	case off < 2 && off+len(data) >= 2 && !t.fits(off, data):
		return statusLength
	}
	if n := off + len(data) - len(t.file); n > 0 {
		t.file = append(t.file, make([]byte, n)...)
	}
	copy(t.file[off:], data)
	if n := int(binary.BigEndian.Uint16(t.file)); n+2 > len(t.file) { // NLEN written in halves
		clear(t.file[:2])
	}
	t.torn = binary.BigEndian.Uint16(t.file) == 0
	return statusOK
}

// fits reports whether a write over NLEN leaves it within what has been written.
func (t *Tag) fits(off int, data []byte) bool {
	var n [2]byte
	copy(n[:], t.file)
	copy(n[off:], data)
	return int(binary.BigEndian.Uint16(n[:]))+2 <= max(len(t.file), off+len(data))
}
