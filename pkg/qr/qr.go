// Package qr carries bytes from a screen or paper to a camera: symbols, what stands in them, and the
// frames of things that do not fit into one.
//
// Every frame that is read was perhaps written by an enemy. A thing is handed on only when its SHA-256
// or checksum agrees; frames that were forged with a good checksum are found and left out, and those
// that were true stay. Nothing here reads a clock, a file or a camera: pictures come in, pictures go out.
package qr

import "github.com/pars-network/pars/pkg/wire"

// Level is how much damage a symbol bears: 7, 15, 25 or 30 per cent.
type Level byte

// Levels of ISO/IEC 18004.
const (
	L Level = iota
	M
	Q
	H
)

// LevelOf reads one letter. Errors wrap wire.ErrInvalid.
func LevelOf(s string) (Level, error) {
	for i, name := range []string{"L", "M", "Q", "H"} {
		if s == name {
			return Level(i), nil
		}
	}
	return 0, wire.Invalid("level %q is none of L, M, Q, H", s)
}

func (l Level) String() string { return "LMQH"[l : l+1] }

// Matrix is a symbol without its quiet zone; true is dark.
type Matrix struct {
	Size int // modules a side: 17 + 4 · version
	Dark []bool
}

// At reports whether a module is dark. Outside of the symbol all is light.
func (m *Matrix) At(x, y int) bool {
	return x >= 0 && y >= 0 && x < m.Size && y < m.Size && m.Dark[y*m.Size+x]
}

// Version is 1 to 40.
func (m *Matrix) Version() int { return (m.Size - 17) / 4 }
