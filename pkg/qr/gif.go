package qr

import (
	"bufio"
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"io"

	"github.com/pars-network/pars/pkg/wire"
)

// maxGIFFrame is the most compressed bytes of one frame.
const maxGIFFrame = 16 << 20

// animation reads a GIF frame by frame, so that a small file of many large frames does not fill the memory. A frame
// may be a part of the canvas: it is drawn upon what its predecessors left there.
func animation(in *bufio.Reader, each func(*image.Gray) error) error {
	head, err := readGIFHead(in)
	if err != nil {
		return err
	}
	canvas := image.NewGray(image.Rect(0, 0, head.width, head.height))
	clearGrey(canvas, canvas.Rect)
	var control []byte
	for {
		switch kind, err := in.ReadByte(); {
		case err != nil:
			return wire.Invalid("GIF without an end")
		case kind == ';':
			return nil
		case kind == '!':
			if control, err = extension(in, control); err != nil {
				return err
			}
		case kind == ',':
			if err := head.frame(in, canvas, control, each); err != nil {
				return err
			}
			control = nil
		default:
			return wire.Invalid("GIF with a block of kind %d", kind)
		}
	}
}

type gifHead struct {
	raw           []byte // screen and palette
	width, height int
}

func readGIFHead(in io.Reader) (*gifHead, error) {
	h := &gifHead{raw: make([]byte, 13)}
	if _, err := io.ReadFull(in, h.raw); err != nil {
		return nil, wire.Invalid("GIF cut short")
	}
	h.width, h.height = int(h.raw[6])|int(h.raw[7])<<8, int(h.raw[8])|int(h.raw[9])<<8
	if err := checkSide(h.width, h.height); err != nil {
		return nil, err
	}
	if h.raw[10]&0x80 != 0 {
		palette := make([]byte, 3<<(h.raw[10]&7+1))
		if _, err := io.ReadFull(in, palette); err != nil {
			return nil, wire.Invalid("GIF cut short")
		}
		h.raw = append(h.raw, palette...)
	}
	return h, nil
}

// extension returns the graphic control in force after it.
func extension(in *bufio.Reader, control []byte) ([]byte, error) {
	kind, err := in.ReadByte()
	if err != nil {
		return nil, wire.Invalid("GIF cut short")
	}
	body, err := subBlocks(in, maxGIFFrame)
	if err != nil {
		return nil, err
	}
	if kind == 0xf9 && len(body) == 6 {
		return append([]byte{'!', kind}, body...), nil
	}
	return control, nil
}

// subBlocks reads blocks up to the empty one, lengths included.
func subBlocks(in *bufio.Reader, limit int) ([]byte, error) {
	var out []byte
	for {
		n, err := in.ReadByte()
		if err != nil || len(out)+int(n) > limit {
			return nil, wire.Invalid("GIF cut short, or with a frame over %d bytes", limit)
		}
		out = append(out, n)
		if n == 0 {
			return out, nil
		}
		at := len(out)
		out = append(out, make([]byte, n)...)
		if _, err := io.ReadFull(in, out[at:]); err != nil {
			return nil, wire.Invalid("GIF cut short")
		}
	}
}

// frame decodes one frame as a GIF of its own and disposes of it as it asks.
func (h *gifHead) frame(in *bufio.Reader, canvas *image.Gray, control []byte, each func(*image.Gray) error) error {
	desc := make([]byte, 9)
	if _, err := io.ReadFull(in, desc); err != nil {
		return wire.Invalid("GIF cut short")
	}
	if desc[8]&0x80 != 0 {
		palette := make([]byte, 3<<(desc[8]&7+1))
		if _, err := io.ReadFull(in, palette); err != nil {
			return wire.Invalid("GIF cut short")
		}
		desc = append(desc, palette...)
	}
	width, err := in.ReadByte()
	if err != nil {
		return wire.Invalid("GIF cut short")
	}
	data, err := subBlocks(in, maxGIFFrame)
	if err != nil {
		return err
	}
	file := bytes.Join([][]byte{h.raw, control, {','}, desc, {width}, data, {';'}}, nil)
	m, err := gif.Decode(bytes.NewReader(file))
	if err != nil {
		return wire.Invalid("picture: %v", err)
	}
	p, ok := m.(*image.Paletted)
	if !ok {
		return wire.Invalid("GIF without a palette")
	}
	var before []byte
	if disposal(control) == gif.DisposalPrevious {
		before = bytes.Clone(canvas.Pix)
	}
	paint(canvas, p, p.Rect.Min)
	err = each(canvas)
	switch disposal(control) {
	case gif.DisposalBackground:
		clearGrey(canvas, p.Rect.Intersect(canvas.Rect))
	case gif.DisposalPrevious:
		copy(canvas.Pix, before)
	}
	return err
}

func disposal(control []byte) byte {
	if control == nil {
		return 0
	}
	return control[3] >> 2 & 7
}

func clearGrey(g *image.Gray, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := g.Pix[y*g.Stride+r.Min.X : y*g.Stride+r.Max.X]
		for i := range row {
			row[i] = 255
		}
	}
}

// WriteGIF writes pictures of one size as an animation without end, one palette for all. delay is in hundredths
// of a second. next returns nil after the last.
func WriteGIF(w io.Writer, delay int, next func() (*image.Paletted, error)) error {
	out := bufio.NewWriter(w)
	for first := true; ; first = false {
		m, err := next()
		if err != nil {
			return err
		}
		if m == nil {
			break
		}
		if err := appendGIF(out, m, delay, first); err != nil {
			return err
		}
	}
	out.WriteByte(';')
	return out.Flush()
}

// appendGIF lets the standard library encode one picture and keeps what of it is not there yet: a frame refers to
// the palette of the first.
func appendGIF(out *bufio.Writer, m *image.Paletted, delay int, first bool) error {
	m.Palette = color.Palette{color.White, color.Black}
	var one bytes.Buffer
	if err := gif.EncodeAll(&one, &gif.GIF{Image: []*image.Paletted{m}, Delay: []int{0}, LoopCount: -1,
		Config: image.Config{ColorModel: m.Palette, Width: m.Rect.Dx(), Height: m.Rect.Dy()}}); err != nil {
		return err
	}
	b := one.Bytes()
	const head = 13 + 2*3 // screen and a palette of two colours
	if first {
		out.Write(b[:head])
		out.WriteString("!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
	}
	out.Write([]byte{'!', 0xf9, 4, 0, byte(delay), byte(delay >> 8), 0, 0})
	at := bytes.IndexByte(b[head:], ',')
	_, err := out.Write(b[head+at : len(b)-1])
	return err
}
