package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/wire"
)

// Status ends an answer.
type Status uint8

// The statuses.
const (
	OK      Status = iota
	None           // there is nothing of the kind
	Busy           // asked too often, or the server itself is in trouble: ask another, or later
	Bad            // the question cannot be read
	Profile        // of another chain
	Refused        // not offered
)

// Errors of an answer.
var (
	ErrBusy    = errors.New("peer is busy")
	ErrRefused = errors.New("peer does not offer it")
)

// Err is nil for OK, else an error that a caller of a peer decides on.
func (s Status) Err() error {
	switch s {
	case OK:
		return nil
	case None:
		return evm.ErrNone
	case Busy:
		return ErrBusy
	case Profile:
		return fmt.Errorf("peer: %w", evm.ErrChain)
	case Refused:
		return ErrRefused
	}
	return wire.Invalid("peer says status %d", s)
}

// Frames of a question and its answer.
const (
	frameAsk  = 1
	framePart = 2 // of a piece that goes on
	frameLast = 3 // the end of a piece
	frameEnd  = 4 // one byte: the status
)

// MaxAnswer is the most bytes of all pieces of an answer.
const MaxAnswer = 4 << 20

const part = 64 << 10

// WriteAsk writes a question.
func WriteAsk(w io.Writer, ask []byte) error {
	_, err := w.Write(wire.AppendFrame(nil, frameAsk, ask))
	return err
}

// ReadAsk reads one.
func ReadAsk(r *bufio.Reader) ([]byte, error) {
	typ, b, err := wire.ReadFrame(r)
	if err == nil && typ != frameAsk {
		err = wire.Invalid("frame of type %d for a question", typ)
	}
	return b, err
}

// WriteAnswer writes pieces and the status.
func WriteAnswer(w io.Writer, pieces [][]byte, s Status) error {
	for _, p := range pieces {
		for len(p) > part {
			if _, err := w.Write(wire.AppendFrame(nil, framePart, p[:part])); err != nil {
				return err
			}
			p = p[part:]
		}
		if _, err := w.Write(wire.AppendFrame(nil, frameLast, p)); err != nil {
			return err
		}
	}
	_, err := w.Write(wire.AppendFrame(nil, frameEnd, []byte{byte(s)}))
	return err
}

// ReadAnswer reads at most so many pieces and bytes. A status other than OK is an error.
func ReadAnswer(r *bufio.Reader, pieces, limit int) (out [][]byte, err error) {
	var open []byte
	for size := 0; ; {
		typ, b, err := wire.ReadFrame(r)
		if err != nil {
			return nil, err
		}
		if size += len(b); size > limit {
			return nil, wire.Invalid("answer does not end after %d bytes", limit)
		}
		switch {
		case typ == frameEnd && len(b) == 1 && open == nil:
			return out, Status(b[0]).Err()
		case typ == framePart && len(b) == part:
			open = append(open, b...)
		case typ == frameLast && len(out) < pieces:
			out, open = append(out, append(open, b...)), nil
		default:
			return nil, wire.Invalid("frame of type %d and %d bytes in an answer", typ, len(b))
		}
	}
}
