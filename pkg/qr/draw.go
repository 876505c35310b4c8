package qr

import (
	"fmt"
	"image"
	"image/color"
	"io"
	"strings"
)

// Quiet is the margin that a symbol needs, in modules.
const Quiet = 4

// Picture draws the symbol with scale pixels a module and a quiet zone: index 0 is white, 1 black.
func (m *Matrix) Picture(scale, quiet int) *image.Paletted {
	side := (m.Size + 2*quiet) * scale
	p := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range m.Size {
		first := p.Pix[(y+quiet)*scale*side : (y+quiet)*scale*side+side]
		for x := range m.Size {
			if m.Dark[y*m.Size+x] {
				at := (x + quiet) * scale
				for i := range scale {
					first[at+i] = 1
				}
			}
		}
		for i := 1; i < scale; i++ {
			copy(p.Pix[((y+quiet)*scale+i)*side:], first)
		}
	}
	return p
}

// Grey draws the symbol as a camera of one colour sees it.
func (m *Matrix) Grey(scale, quiet int) *image.Gray {
	p := m.Picture(scale, quiet)
	g := image.NewGray(p.Rect)
	for i, v := range p.Pix {
		g.Pix[i] = 255 * (1 - v)
	}
	return g
}

// Columns is how wide Text is, in characters.
func (m *Matrix) Columns(quiet int) int { return m.Size + 2*quiet }

// Text draws the symbol with half blocks, two modules a character, black on white whatever the theme: every
// line sets its colours and takes them back.
func (m *Matrix) Text(quiet int) string {
	var b strings.Builder
	for y := -quiet; y < m.Size+quiet; y += 2 {
		b.WriteString("\x1b[38;5;16;48;5;231m")
		for x := -quiet; x < m.Size+quiet; x++ {
			up, down := m.At(x, y), m.At(x, y+1)
			switch {
			case up && down:
				b.WriteString("█")
			case up:
				b.WriteString("▀")
			case down:
				b.WriteString("▄")
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}

// SVG writes the symbol as one path.
func (m *Matrix) SVG(w io.Writer, quiet int) error {
	side := m.Size + 2*quiet
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		side, side, side, side)
	m.runs(func(x, y, n int) { fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, n, n) })
	b.WriteString("\"/></svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// runs calls f for each run of dark modules of a row.
func (m *Matrix) runs(f func(x, y, n int)) {
	for y := range m.Size {
		for x := 0; x < m.Size; x++ {
			n := 0
			for m.At(x+n, y) {
				n++
			}
			if n > 0 {
				f(x, y, n)
				x += n
			}
		}
	}
}
