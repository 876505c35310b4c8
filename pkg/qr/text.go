package qr

import (
	"bufio"
	"errors"
	"image"
	"io"
	"strings"
)

// Home moves the cursor of a terminal to its corner, so that the next symbol covers the last one.
const Home = "\x1b[H"

// textScale is how many pixels a module of a text is drawn with.
const textScale = 3

// maxTextLine is the longest line of a symbol as text, in bytes: the widest symbol and its colours.
const maxTextLine = 1024

// textual reads symbols as Text draws them: what a terminal would show. A line without half blocks, or one that
// begins with Home, ends a picture.
func textual(in *bufio.Reader, each func(*image.Gray) error) error {
	var rows []string
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		g := drawText(rows)
		rows = rows[:0]
		return each(g)
	}
	for {
		b, err := in.ReadSlice('\n')
		if err != nil && (len(b) == 0 || errors.Is(err, bufio.ErrBufferFull)) {
			if errors.Is(err, io.EOF) {
				return flush()
			}
			return ErrUnknownPicture
		}
		line := string(b)
		if strings.HasPrefix(line, Home) || strings.TrimSpace(line) == "" || len(rows) == 200 {
			if err := flush(); err != nil {
				return err
			}
		}
		if row, ok := textRow(line); ok {
			rows = append(rows, row)
		}
	}
}

// textRow takes the escapes off a line of half blocks.
func textRow(line string) (string, bool) {
	if len(line) > maxTextLine {
		return "", false
	}
	var b strings.Builder
	escape := false
	for _, r := range strings.TrimRight(line, "\r\n") {
		switch {
		case r == 0x1b:
			escape = true
		case escape:
			escape = r == '[' || r == ';' || r >= '0' && r <= '9'
		case strings.ContainsRune(" █▀▄", r):
			b.WriteRune(r)
		default:
			return "", false
		}
	}
	return b.String(), b.Len() > 0
}

// drawText draws rows of half blocks.
func drawText(rows []string) *image.Gray {
	width := 0
	for _, r := range rows {
		width = max(width, len([]rune(r)))
	}
	m := &image.Gray{Stride: width * textScale, Rect: image.Rect(0, 0, width*textScale, 2*len(rows)*textScale)}
	m.Pix = make([]byte, m.Stride*m.Rect.Dy())
	clearGrey(m, m.Rect)
	for y, r := range rows {
		for x, c := range []rune(r) {
			if c == '█' || c == '▀' {
				fillDark(m, x, 2*y)
			}
			if c == '█' || c == '▄' {
				fillDark(m, x, 2*y+1)
			}
		}
	}
	return m
}

func fillDark(m *image.Gray, x, y int) {
	for dy := range textScale {
		row := m.Pix[(y*textScale+dy)*m.Stride+x*textScale:]
		clear(row[:textScale])
	}
}
