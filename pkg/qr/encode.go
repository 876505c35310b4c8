package qr

import (
	"fmt"

	"github.com/skip2/go-qrcode"

	"github.com/pars-network/pars/pkg/wire"
)

// Encode returns the smallest symbol for a text: cards, invites, UR. Alphanumeric text takes 5.5 bits a
// character. Errors wrap wire.ErrInvalid.
func Encode(text string, l Level) (*Matrix, error) {
	c, err := qrcode.New(text, recovery(l))
	if err != nil {
		return nil, wire.Invalid("%d bytes do not fit into a symbol", len(text))
	}
	return matrix(c), nil
}

func recovery(l Level) qrcode.RecoveryLevel {
	return [4]qrcode.RecoveryLevel{qrcode.Low, qrcode.Medium, qrcode.High, qrcode.Highest}[l]
}

func matrix(c *qrcode.QRCode) *Matrix {
	c.DisableBorder = true
	rows := c.Bitmap()
	m := &Matrix{Size: len(rows)}
	for _, r := range rows {
		m.Dark = append(m.Dark, r...)
	}
	return m
}

// Frames encodes frames of one length, all with one version and mask pattern: looking for the best of
// eight masks is what takes long. The mask is the one go-qrcode chooses for the first frame.
type Frames struct {
	plan *plan
	mask int
	size int
}

// NewFrames prepares for frames like the given one. Errors wrap wire.ErrInvalid.
func NewFrames(first []byte, l Level) (*Frames, error) {
	v := VersionFor(len(first), l)
	if v == 0 {
		return nil, wire.Invalid("frame of %d bytes, a symbol holds %d", len(first), Capacity(40, l))
	}
	f := &Frames{plan: newPlan(v, l), size: len(first)}
	c, err := qrcode.NewWithForcedVersion(string(first), v, recovery(l))
	if err == nil { // it may need more room for its segments; then any mask does
		f.mask = maskOf(matrix(c))
	}
	return f, nil
}

// Version is the version of all symbols.
func (f *Frames) Version() int { return f.plan.version }

// Encode returns the symbol of a frame that is not longer than the first. Safe for concurrent use.
func (f *Frames) Encode(frame []byte) (*Matrix, error) {
	if len(frame) > Capacity(f.plan.version, f.plan.level) {
		return nil, fmt.Errorf("frame: %w", wire.Invalid("%d bytes, %d fit", len(frame), Capacity(f.plan.version, f.plan.level)))
	}
	return f.plan.encode(frame, f.mask), nil
}

// maskOf reads the mask pattern from the format bits beside the upper left finder.
func maskOf(m *Matrix) int {
	mask := 0
	for i, x := range []int{2, 3, 4} { // bits 12 to 10 of the format, masked with 101010000010010
		bit := 0
		if m.At(x, 8) {
			bit = 1
		}
		mask = mask<<1 | bit ^ [3]int{1, 0, 1}[i]
	}
	return mask
}
