package qr

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/qr"
)

type writer = io.Writer

// jsonFrame is a frame for a program that draws by itself; scan reads such lines.
type jsonFrame struct {
	Frame   int    `json:"frame"`
	Payload string `json:"payload"`
}

// Text is never printed: frames are drawn.
func (f jsonFrame) Text() string { return f.Payload }

// still draws one symbol.
func (s *show) still(m *qr.Matrix, payload string) error {
	switch s.format {
	case "png":
		return s.file(func(w writer) error { return png.Encode(w, m.Picture(s.scale, s.quiet)) })
	case "gif":
		return s.file(func(w writer) error { return gif.Encode(w, m.Picture(s.scale, s.quiet), nil) })
	case "svg":
		return s.file(func(w writer) error { return m.SVG(w, s.quiet) })
	}
	if s.c.Bool("json") && s.out == "" {
		return cli.Out(s.c).Print(jsonFrame{0, base64.StdEncoding.EncodeToString([]byte(payload))})
	}
	if err := s.wide(m); err != nil {
		return err
	}
	return s.text(m.Text(s.quiet))
}

// file writes one file and tells of it.
func (s *show) file(write func(writer) error) error {
	if isDir(s.out) && s.out != "" {
		if err := os.MkdirAll(s.out, 0o700); err != nil {
			return err
		}
		return s.told(filepath.Join(s.out, "0001."+s.format), write)
	}
	if err := cli.Output(s.c, write); err != nil {
		return err
	}
	if s.out == "" || s.out == "-" {
		return nil
	}
	s.rows.File = s.out
	return cli.Out(s.c).Print(s.rows)
}

// told writes a file of a folder.
func (s *show) told(name string, write func(writer) error) error {
	if err := create(name, write); err != nil {
		return err
	}
	s.rows.File = filepath.Dir(name)
	return cli.Out(s.c).Print(s.rows)
}

// create writes a file that others may not read.
func create(name string, write func(writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// text writes escapes, which cli.Output keeps from a terminal.
func (s *show) text(text string) error {
	if s.out != "" && s.out != "-" {
		return s.file(func(w writer) error { _, err := io.WriteString(w, text); return err })
	}
	_, err := io.WriteString(s.c.App.Writer, text)
	return err
}

// room is how many modules a side the terminal shows, two a character upwards; 0 when there is none.
func (s *show) room() int {
	if s.out != "" && s.out != "-" || !cli.StdoutTerminal(s.c) {
		return 0
	}
	w, h, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0
	}
	return max(0, min(w, 2*(h-1)))
}

// wide refuses a terminal that would break the lines.
func (s *show) wide(m *qr.Matrix) error {
	if side := m.Columns(s.quiet); s.room() > 0 && s.room() < side {
		return cli.Usagef("the symbol needs %d columns and %d rows: make the terminal larger or its letters smaller, or try a smaller --chunk or --tight", side, side/2+2)
	}
	return nil
}

// fit makes frames smaller until the terminal shows them, unless their size was asked for.
func (s *show) fit(chunk int) int {
	version := (s.room() - 17 - 2*s.quiet) / 4
	if s.c.IsSet("chunk") || version < 1 || version >= 40 {
		return chunk
	}
	return max(minChunk, min(chunk, qr.Capacity(version, s.levelOr(qr.L))-qr.Overhead))
}

// frames draws a sequence.
func (s *show) frames(f sequence) error {
	_, m, err := f.next()
	if err != nil {
		return err
	}
	s.rows = row{Type: "shown", Bytes: len(s.data), Object: objectName(f), Frames: f.cycle(), Least: f.least(), Version: m.Version(), FPS: float64(s.fps),
		Seconds: seconds(f.least(), float64(s.fps))}
	if b, ok := f.(*bulkFrames); ok {
		b.pending = append([][]byte{b.send.Head()}, b.pending...) // the first was taken to measure
	} else if u, ok := f.(*urFrames); ok {
		u.u.Rewind()
	}
	switch s.format {
	case "gif":
		return s.gif(f)
	case "png", "svg":
		return s.folder(f)
	}
	if s.c.Bool("json") && s.out == "" {
		return s.lines(f)
	}
	cli.Warnf(s.c, "%d frames are the least, at %d a second %.0f s with 3 of 10 lost", f.least(), s.fps, s.rows.Seconds)
	if s.room() > 0 {
		return s.screen(f, m)
	}
	return s.printed(f)
}

func objectName(f sequence) string {
	if b, ok := f.(*bulkFrames); ok {
		return hex.EncodeToString(b.send.Head()[1:5])
	}
	return ""
}

// gif writes an animation. Its delay counts hundredths of a second: the rate that comes of it is told.
func (s *show) gif(f sequence) error {
	delay := max(1, (100+s.fps/2)/s.fps)
	s.rows.FPS = 100 / float64(delay)
	s.rows.Seconds = seconds(f.least(), s.rows.FPS)
	left := f.cycle()
	return s.file(func(w writer) error {
		return qr.WriteGIF(w, delay, func() (*image.Paletted, error) {
			if left--; left < 0 || s.c.Context.Err() != nil {
				return nil, s.c.Context.Err()
			}
			_, m, err := f.next()
			if err != nil {
				return nil, err
			}
			p := m.Picture(s.scale, s.quiet)
			p.Palette = color.Palette{color.White, color.Black}
			return p, nil
		})
	})
}

// folder writes numbered pictures.
func (s *show) folder(f sequence) error {
	if s.out == "" || s.out == "-" {
		return cli.Usagef("%d frames do not go into one %s: name a folder with -o DIR/, or --format gif", f.cycle(), s.format)
	}
	if err := os.MkdirAll(s.out, 0o700); err != nil {
		return err
	}
	for i := range f.cycle() {
		_, m, err := f.next()
		if err == nil {
			err = s.c.Context.Err()
		}
		if err != nil {
			return err
		}
		err = create(filepath.Join(s.out, fmt.Sprintf("%05d.%s", i+1, s.format)), func(w writer) error {
			if s.format == "svg" {
				return m.SVG(w, s.quiet)
			}
			return png.Encode(w, m.Picture(s.scale, s.quiet))
		})
		if err != nil {
			return err
		}
	}
	s.rows.File = s.out
	return cli.Out(s.c).Print(s.rows)
}

// lines prints payloads.
func (s *show) lines(f sequence) error {
	for i := range f.cycle() {
		p, _, err := f.next()
		if err == nil {
			err = s.c.Context.Err()
		}
		if err != nil {
			return err
		}
		if err := cli.Out(s.c).Print(jsonFrame{i, base64.StdEncoding.EncodeToString(p)}); err != nil {
			return err
		}
	}
	return nil
}

// printed writes one cycle as text.
func (s *show) printed(f sequence) error {
	write := func(w writer) error {
		for range f.cycle() {
			_, m, err := f.next()
			if err == nil {
				err = s.c.Context.Err()
			}
			if err != nil {
				return err
			}
			if _, err := io.WriteString(w, qr.Home+m.Text(s.quiet)); err != nil {
				return err
			}
		}
		return nil
	}
	if s.out != "" && s.out != "-" {
		return s.file(write)
	}
	return write(s.c.App.Writer)
}

// pace is one step of --auto.
type pace struct{ fps, chunk int }

// screen shows frames until it is stopped.
func (s *show) screen(f sequence, m *qr.Matrix) error {
	paces := []pace{{s.fps, s.chunk}}
	if err := s.wide(m); err != nil && !s.c.Bool("auto") {
		return err
	}
	if s.c.Bool("auto") {
		paces = []pace{{12, 1800}, {8, 1200}, {5, 600}, {3, 250}}
	}
	io.WriteString(s.c.App.Writer, "\x1b[2J\x1b[?25l")
	defer io.WriteString(s.c.App.Writer, "\x1b[?25h")
	for i, p := range paces {
		if s.c.Bool("auto") {
			b, err := s.bulk(p.chunk)
			if err != nil {
				return err
			}
			if _, m, err = b.next(); err != nil {
				return err
			}
			f = b
			if s.wide(m) != nil && i < len(paces)-1 {
				continue // the next is smaller
			}
		}
		if err := s.wide(m); err != nil {
			return err
		}
		if err := s.play(f, p.fps, i < len(paces)-1); err != nil {
			return err
		}
	}
	return nil
}

// play draws frames at a rate: one cycle, or until it is stopped, which is the normal end.
func (s *show) play(f sequence, fps int, once bool) error {
	tick := time.NewTicker(time.Second / time.Duration(fps))
	defer tick.Stop()
	for n := 0; !once || n < f.cycle(); n++ {
		_, m, err := f.next()
		if err != nil {
			return err
		}
		if _, err := io.WriteString(s.c.App.Writer, qr.Home+m.Text(s.quiet)); err != nil {
			return err
		}
		select {
		case <-s.c.Context.Done():
			return s.c.Context.Err()
		case <-tick.C:
		}
	}
	return nil
}
