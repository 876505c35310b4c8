package qr

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"strings"

	"github.com/pars-network/pars/pkg/fountain"
	"github.com/pars-network/pars/pkg/wire"
)

// MaxPerSheet is how many symbols a sheet takes.
const MaxPerSheet = 12

// Sheets is an object for paper: any Spare of its sheets may be lost.
type Sheets struct {
	Symbols [][]*Matrix // by sheet
	Spare   int
	Sum     [32]byte
	title   string
}

// NewSheets lays an object out on sheets of per symbols, the first of each a head. That any spare of them may be lost
// is tried out, for every choice while there are few and for many where not. Errors wrap wire.ErrInvalid.
func NewSheets(data []byte, name, title string, size, per, spare int, l Level) (*Sheets, error) {
	if per < 2 || per > MaxPerSheet || spare < 0 || spare > 64 {
		return nil, wire.Invalid("%d symbols a sheet, %d sheets to lose: 2 to %d, at most 64", per, spare, MaxPerSheet)
	}
	if len(data) > blockSize(size) {
		return nil, wire.Invalid("%d bytes are too many for paper, at most %d", len(data), blockSize(size))
	}
	for extra := 0; extra <= patience; extra++ {
		send, err := NewSender(data, name, size, false)
		if err != nil {
			return nil, err
		}
		need := send.Symbols() + extra
		n := (need+per-2)/(per-1) + spare
		pages := make([][][]byte, n)
		for i := range pages {
			pages[i] = append(pages[i], send.Head())
			for range per - 1 {
				pages[i] = append(pages[i], send.symbol(0))
			}
		}
		if bearsLoss(pages, spare, len(data), size) {
			return drawSheets(pages, data, title, spare, l)
		}
	}
	return nil, wire.Invalid("no set of symbols bears the loss of any %d sheets", spare)
}

// manyChoices is how many ways to lose sheets are tried.
const manyChoices = 500

// bearsLoss tries choices of sheets to lose.
func bearsLoss(pages [][][]byte, spare, length, size int) bool {
	lost := make([]int, spare)
	for i := range lost {
		lost[i] = i
	}
	for range manyChoices {
		gone := map[int]bool{}
		for _, i := range lost {
			gone[i] = true
		}
		var got []fountain.Symbol
		for i, page := range pages {
			for _, p := range page[1:] {
				if f, err := decodeFrame(p); err == nil && !gone[i] {
					got = append(got, f.Symbol)
				}
			}
		}
		if out, err := (fountain.RaptorQ{}).Decode(length, size, got); err != nil || out == nil {
			return false
		}
		if !nextChoice(lost, len(pages)) {
			return true
		}
	}
	return true
}

// nextChoice steps to the next choice of numbers below n, in order; false after the last.
func nextChoice(c []int, n int) bool {
	for i := len(c) - 1; i >= 0; i-- {
		if c[i] < n-len(c)+i {
			c[i]++
			for j := i + 1; j < len(c); j++ {
				c[j] = c[j-1] + 1
			}
			return true
		}
	}
	return false
}

func drawSheets(pages [][][]byte, data []byte, title string, spare int, l Level) (*Sheets, error) {
	s := &Sheets{Spare: spare, Sum: sumOf(data), title: title}
	frames, err := NewFrames(pages[0][1], l)
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		var row []*Matrix
		for _, p := range page {
			m, err := frames.Encode(p)
			if err != nil {
				return nil, err
			}
			row = append(row, m)
		}
		s.Symbols = append(s.Symbols, row)
	}
	return s, nil
}

// OneSheet is a sheet with one symbol.
func OneSheet(m *Matrix, data []byte, title string) *Sheets {
	return &Sheets{Symbols: [][]*Matrix{{m}}, Sum: sumOf(data), title: title}
}

// Words are the first four bytes of the hash as words, to tell one print from another.
func (s *Sheets) Words() string {
	var w []string
	for _, c := range s.Sum[:4] {
		w = append(w, byteWords[4*int(c):4*int(c)+4])
	}
	return strings.Join(w, " ")
}

// A4 in points, and what stays white for cheap printers.
const (
	pageWidth, pageHeight = 595, 842
	pageMargin            = 36
	footHeight            = 40
)

// PDF writes the sheets as vectors, with a line of text below: number, words of the hash, title.
func (s *Sheets) PDF(w io.Writer) error {
	p := &pdf{w: w}
	p.print("%%PDF-1.4\n")
	kids := make([]string, len(s.Symbols))
	for i := range kids {
		kids[i] = fmt.Sprintf("%d 0 R", 4+2*i)
	}
	p.object(1, "<< /Type /Catalog /Pages 2 0 R >>")
	p.object(2, "<< /Type /Pages /Count %d /Kids [%s] >>", len(kids), strings.Join(kids, " "))
	p.object(3, "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	for i := range s.Symbols {
		content, err := deflate(s.page(i))
		if err != nil {
			return err
		}
		p.object(4+2*i, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Resources << /Font << /F 3 0 R >> >> /Contents %d 0 R >>", pageWidth, pageHeight, 5+2*i)
		p.object(5+2*i, "<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream", len(content), content)
	}
	return p.end()
}

// page is the content of one sheet.
func (s *Sheets) page(i int) string {
	var b strings.Builder
	cols, rows := grid(len(s.Symbols[i]))
	cell := min(float64(pageWidth-2*pageMargin)/float64(cols), float64(pageHeight-2*pageMargin-footHeight)/float64(rows))
	for j, m := range s.Symbols[i] {
		unit := cell / float64(m.Size+2*Quiet)
		left := float64(pageMargin) + float64(j%cols)*cell + unit*Quiet
		top := float64(pageHeight-pageMargin) - float64(j/cols)*cell - unit*Quiet
		fmt.Fprintf(&b, "q %.4f 0 0 %.4f %.3f %.3f cm\n", unit, -unit, left, top)
		m.runs(func(x, y, n int) { fmt.Fprintf(&b, "%d %d %d 1 re\n", x, y, n) })
		b.WriteString("f Q\n")
	}
	enough := ""
	if s.Spare > 0 {
		enough = fmt.Sprintf(", any %d of them are enough", len(s.Symbols)-s.Spare)
	}
	fmt.Fprintf(&b, "BT /F 11 Tf %d %d Td (sheet %d of %d%s - %s) Tj 0 -14 Td (%s) Tj ET\n", pageMargin, pageMargin+16, i+1, len(s.Symbols), enough, s.Words(), pdfText(s.title))
	return b.String()
}

// grid is how n symbols stand on a sheet.
func grid(n int) (cols, rows int) {
	cols = 1
	for cols*(cols+1) < n {
		cols++
	}
	return cols, (n + cols - 1) / cols
}

// pdfText keeps what Helvetica has and escapes what PDF reads.
func pdfText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r < 0x7f && b.Len() < 90:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func deflate(s string) (string, error) {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		return "", err
	}
	err := z.Close()
	return b.String(), err
}

// pdf counts bytes for the table at its end.
type pdf struct {
	w   io.Writer
	at  int
	pos []int
	err error
}

func (p *pdf) print(format string, args ...any) {
	if p.err != nil {
		return
	}
	n, err := fmt.Fprintf(p.w, format, args...)
	p.at, p.err = p.at+n, err
}

func (p *pdf) object(n int, format string, args ...any) {
	p.pos = append(p.pos, p.at)
	p.print("%d 0 obj\n%s\nendobj\n", n, fmt.Sprintf(format, args...))
}

func (p *pdf) end() error {
	at := p.at
	p.print("xref\n0 %d\n0000000000 65535 f \n", len(p.pos)+1)
	for _, o := range p.pos {
		p.print("%010d 00000 n \n", o)
	}
	p.print("trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(p.pos)+1, at)
	return p.err
}
