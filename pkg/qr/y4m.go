package qr

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"strconv"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// maxY4MLine is the longest header line.
const maxY4MLine = 1024

// video reads YUV4MPEG2: the luma plane of each frame.
func video(in *bufio.Reader, each func(*image.Gray) error) error {
	line, err := headerLine(in)
	if err != nil {
		return err
	}
	w, h, chroma, err := parseY4M(line)
	if err != nil {
		return err
	}
	g := image.NewGray(image.Rect(0, 0, w, h))
	for {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return nil
		}
		line, err := headerLine(in)
		if err != nil {
			return err
		}
		if line != "FRAME" && !strings.HasPrefix(line, "FRAME ") {
			return wire.Invalid("y4m without a frame where one should be")
		}
		if _, err := io.ReadFull(in, g.Pix); err != nil {
			return wire.Invalid("y4m cut short")
		}
		if n, err := in.Discard(chroma); err != nil && n < chroma {
			return wire.Invalid("y4m cut short")
		}
		if err := each(g); err != nil {
			return err
		}
	}
}

func headerLine(in *bufio.Reader) (string, error) {
	b, err := in.ReadSlice('\n')
	if err != nil || len(b) > maxY4MLine {
		return "", wire.Invalid("y4m with a header cut short or over %d bytes", maxY4MLine)
	}
	return string(bytes.TrimRight(b, "\r\n")), nil
}

// parseY4M returns width, height and the bytes of the colour planes of a frame.
func parseY4M(line string) (w, h, chroma int, err error) {
	fields := strings.Fields(line)
	if len(fields) == 0 || fields[0] != "YUV4MPEG2" {
		return 0, 0, 0, wire.Invalid("y4m without its magic")
	}
	space := "420"
	for _, f := range fields[1:] {
		switch f[0] {
		case 'W':
			w, err = strconv.Atoi(f[1:])
		case 'H':
			h, err = strconv.Atoi(f[1:])
		case 'C':
			space = f[1:]
		}
		if err != nil {
			return 0, 0, 0, wire.Invalid("y4m header %q", f)
		}
	}
	if err := checkSide(w, h); err != nil {
		return 0, 0, 0, err
	}
	switch {
	case space == "mono":
	case strings.HasPrefix(space, "420") && !strings.HasPrefix(space, "420p1"):
		chroma = 2 * ((w + 1) / 2) * ((h + 1) / 2)
	case space == "422":
		chroma = 2 * ((w + 1) / 2) * h
	case space == "444":
		chroma = 2 * w * h
	default:
		return 0, 0, 0, wire.Invalid("y4m colours %q are not read", space)
	}
	return w, h, chroma, nil
}

// WriteY4M writes pictures of one size as grey video.
func WriteY4M(w io.Writer, fps int, next func() (*image.Gray, error)) error {
	for first := true; ; first = false {
		g, err := next()
		if err != nil || g == nil {
			return err
		}
		if first {
			if _, err := fmt.Fprintf(w, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 Cmono\n", g.Rect.Dx(), g.Rect.Dy(), fps); err != nil {
				return err
			}
		}
		if _, err := w.Write(append([]byte("FRAME\n"), g.Pix...)); err != nil {
			return err
		}
	}
}
