package nfc

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/wire"
)

// Errors of reading that tell what to do next.
var (
	// ErrNoTag means that what lies there is no tag with a message.
	ErrNoTag = fmt.Errorf("no NDEF tag there: %w", wire.ErrNotFound)
	// ErrReadOnly means that the tag does not take a message now.
	ErrReadOnly = errors.New("the tag cannot be written: its owner has to open it first")
)

// Reader asks a tag over what carries APDUs. One retry is made of each.
type Reader struct {
	Transmit func([]byte) ([]byte, error)
}

// container is what a capability container says.
type container struct {
	read, write int // bytes of one APDU
	file        uint16
	size        int
	open        bool
}

// ask sends one APDU and returns the answer without its status, which has to be 9000.
func (r *Reader) ask(apdu ...byte) ([]byte, error) {
	out, err := r.Transmit(apdu)
	if err != nil {
		out, err = r.Transmit(apdu)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the tag: %w", err)
	}
	if len(out) < 2 {
		return nil, wire.Invalid("answer of %d bytes", len(out))
	}
	body := out[:len(out)-2]
	switch word := binary.BigEndian.Uint16(out[len(body):]); word {
	case statusOK:
		return body, nil
	case statusNotFound:
		return nil, ErrNoTag
	default:
		return nil, wire.Invalid("the tag answers %04x", word)
	}
}

// find selects the application and reads the capability container.
func (r *Reader) find() (container, error) {
	var c container
	if _, err := r.ask(append([]byte{0, 0xa4, 4, 0, 7}, append([]byte(appName), 0)...)...); err != nil {
		return c, err
	}
	if _, err := r.ask(0, 0xa4, 0, 0x0c, 2, fileCC>>8, fileCC&0xff); err != nil {
		return c, err
	}
	b, err := r.ask(0, 0xb0, 0, 0, 15)
	if err != nil {
		return c, err
	}
	if len(b) != 15 || binary.BigEndian.Uint16(b) < 15 {
		return c, wire.Invalid("capability container of %d bytes", len(b))
	}
	c = container{int(binary.BigEndian.Uint16(b[3:])), int(binary.BigEndian.Uint16(b[5:])), binary.BigEndian.Uint16(b[9:]),
		int(binary.BigEndian.Uint16(b[11:])), b[14] == 0}
	switch {
	case b[2]>>4 != 2:
		return c, wire.Invalid("mapping version %d.%d", b[2]>>4, b[2]&15)
	case c.read < 15 || c.write < 1 || b[7] != 4 || b[8] != 6 || c.size < 5 || b[13] != 0:
		return c, wire.Invalid("capability container")
	}
	_, err = r.ask(0, 0xa4, 0, 0x0c, 2, byte(c.file>>8), byte(c.file))
	return c, err
}

// Read returns the NDEF message, whole or not at all. Errors wrap wire.ErrInvalid or wire.ErrNotFound, or are
// Transmit's.
func (r *Reader) Read() ([]byte, error) {
	c, err := r.find()
	if err != nil {
		return nil, err
	}
	b, err := r.ask(0, 0xb0, 0, 0, 2)
	if err != nil {
		return nil, err
	}
	if len(b) != 2 {
		return nil, wire.Invalid("length of %d bytes", len(b))
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > c.size-2 || n > MaxMessage {
		return nil, wire.Invalid("message of %d bytes in a file of %d", n, c.size)
	}
	var out []byte // grows as bytes arrive
	for len(out) < n {
		off, step := 2+len(out), min(c.read, 255, n-len(out))
		b, err := r.ask(0, 0xb0, byte(off>>8), byte(off), byte(step))
		if err != nil {
			return nil, err
		}
		if len(b) == 0 || len(b) > step {
			return nil, wire.Invalid("%d bytes where %d were asked", len(b), step)
		}
		out = append(out, b...)
	}
	return out, nil
}

// Write puts a message on a tag that is open: length 0 first, and the length last, so that a write torn off leaves an
// empty tag. Errors are ErrReadOnly, wrap wire.ErrInvalid, or are Transmit's.
func (r *Reader) Write(message []byte) error {
	c, err := r.find()
	if err != nil {
		return err
	}
	switch {
	case !c.open:
		return ErrReadOnly
	case len(message) > c.size-2:
		return wire.Invalid("message of %d bytes, the tag holds %d", len(message), c.size-2)
	}
	put := func(off int, b []byte) error {
		_, err := r.ask(append([]byte{0, 0xd6, byte(off >> 8), byte(off), byte(len(b))}, b...)...)
		return err
	}
	if err := put(0, []byte{0, 0}); err != nil {
		return err
	}
	for at := 0; at < len(message); {
		n := min(c.write, 255, len(message)-at)
		if err := put(2+at, message[at:at+n]); err != nil {
			return err
		}
		at += n
	}
	return put(0, binary.BigEndian.AppendUint16(nil, uint16(len(message))))
}
