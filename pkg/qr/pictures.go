package qr

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/pars-network/pars/pkg/wire"
)

// maxPicture is the largest picture file in bytes.
const maxPicture = 64 << 20

// ErrUnknownPicture says that a file is no PNG, JPEG, GIF or y4m, and no symbols as text.
var ErrUnknownPicture = fmt.Errorf("%w: neither PNG, JPEG, GIF, YUV4MPEG2 nor symbols as text", wire.ErrInvalid)

// Pictures reads a file of one picture or many and calls each with every one, in grey. PNG pictures may stand one
// behind another. Sizes are checked before memory is taken; a picture is changed after each returns. It ends with
// the error of each, or one that wraps wire.ErrInvalid when the file is damaged: what came before it was given.
func Pictures(r io.Reader, each func(*image.Gray) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for first := true; ; first = false {
		magic, err := in.Peek(8)
		if len(magic) == 0 && errors.Is(err, io.EOF) && !first {
			return nil
		}
		if len(magic) == 0 && err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		switch {
		case bytes.HasPrefix(magic, []byte("\x89PNG")):
			if err := still(in, png.DecodeConfig, png.Decode, each); err != nil {
				return err
			}
		case bytes.HasPrefix(magic, []byte("\xff\xd8")):
			return still(in, jpeg.DecodeConfig, jpeg.Decode, each)
		case bytes.HasPrefix(magic, []byte("GIF8")):
			return animation(in, each)
		case bytes.HasPrefix(magic, []byte("YUV4MPE")):
			return video(in, each)
		case bytes.HasPrefix(magic, []byte("\x1b[")):
			return textual(in, each)
		default:
			return ErrUnknownPicture
		}
	}
}

// checkSide refuses pictures too large to decode.
func checkSide(w, h int) error {
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return wire.Invalid("picture of %d × %d pixels, at most %d each", w, h, MaxSide)
	}
	return nil
}

func still(in *bufio.Reader, config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error), each func(*image.Gray) error) error {
	var head bytes.Buffer
	bounded := &io.LimitedReader{R: in, N: maxPicture}
	c, err := config(io.TeeReader(bounded, &head))
	if err != nil {
		return wire.Invalid("picture: %v", err)
	}
	if err := checkSide(c.Width, c.Height); err != nil {
		return err
	}
	m, err := decode(io.MultiReader(&head, bounded))
	if err != nil {
		return wire.Invalid("picture: %v", err)
	}
	return each(grey(m))
}

// grey is the picture in one colour; what is transparent is white.
func grey(m image.Image) *image.Gray {
	b := m.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	switch m := m.(type) {
	case *image.Gray:
		return &image.Gray{Pix: m.Pix, Stride: m.Stride, Rect: image.Rect(0, 0, b.Dx(), b.Dy())}
	case *image.YCbCr:
		for y := range b.Dy() {
			copy(out.Pix[y*out.Stride:(y+1)*out.Stride], m.Y[y*m.YStride:])
		}
	case *image.Paletted:
		paint(out, m, image.Point{})
	default:
		for i := range out.Pix {
			out.Pix[i] = 255
		}
		draw.Draw(out, out.Rect, m, b.Min, draw.Over)
	}
	return out
}

// paint draws a paletted picture onto a canvas at a place; what is transparent stays.
func paint(canvas *image.Gray, m *image.Paletted, at image.Point) {
	var table [256]byte
	var clear [256]bool
	for i, c := range m.Palette {
		table[i] = color.GrayModel.Convert(c).(color.Gray).Y
		_, _, _, a := c.RGBA()
		clear[i] = a == 0
	}
	r := m.Rect.Sub(m.Rect.Min).Add(at).Intersect(canvas.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := m.Pix[(y-at.Y)*m.Stride:]
		for x := r.Min.X; x < r.Max.X; x++ {
			if v := row[x-at.X]; !clear[v] {
				canvas.Pix[y*canvas.Stride+x] = table[v]
			}
		}
	}
}
