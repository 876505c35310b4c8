// Package pcsc connects the machines of pkg/nfc to the world of readers: to a tag through the daemon pcscd,
// and to the virtual reader of vsmartcard, for which a Tag plays the card.
package pcsc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pars-network/pars/pkg/nfc"
)

// ErrNotHere says that this platform's readers are not driven by this build.
var ErrNotHere = errors.New("reading tags is not in this build: it needs Linux and pcscd")

// VPCD is where the virtual reader waits for its card.
const VPCD = "127.0.0.1:35963"

// Messages of one byte between the virtual reader and its card.
const (
	powerOff = 0
	powerOn  = 1
	reset    = 2
	sendATR  = 4
)

// answerToReset is that of a contactless card without history (PC/SC part 3).
func answerToReset() []byte { return []byte{0x3b, 0x80, 0x80, 0x01, 0x01} }

// dialWait is between two tries to reach a reader or a card that is not there yet.
const dialWait = 250 * time.Millisecond

// Emulate lays a tag on the virtual reader at an address until ctx ends, which is its normal end, and calls read after
// each APDU that was answered.
func Emulate(ctx context.Context, addr string, tag *nfc.Tag, answered func(apdu, answer []byte)) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("reach the virtual reader: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	err = serve(conn, tag, answered)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// serve answers messages behind their length (u16) until the stream ends.
func serve(conn io.ReadWriter, tag *nfc.Tag, answered func(apdu, answer []byte)) error {
	for {
		var head [2]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return fmt.Errorf("virtual reader: %w", err)
		}
		apdu := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err := io.ReadFull(conn, apdu); err != nil {
			return fmt.Errorf("virtual reader: %w", err)
		}
		var out []byte
		switch {
		case len(apdu) == 1 && apdu[0] == sendATR:
			out = answerToReset()
		case len(apdu) == 1:
			if c := apdu[0]; c == powerOff || c == powerOn || c == reset {
				tag.Reset()
			}
			continue
		default:
			out = tag.Answer(apdu)
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
			return fmt.Errorf("virtual reader: %w", err)
		}
		if len(apdu) > 1 {
			answered(apdu, out)
		}
	}
}
