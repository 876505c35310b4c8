package qr

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/qr"
)

const (
	askAbove  = 4 << 20  // bytes
	maxShown  = 48 << 20 // bytes: what a scanner keeps
	urOneMost = 1900     // bytes of a message in one symbol
	minChunk  = 100
	maxChunk  = 2900
)

func showVerb() *urfave.Command {
	return &urfave.Command{
		Name: "show", Usage: "draw FILE as one symbol, or as frames for a camera", ArgsUsage: "FILE|-",
		Description: "On a terminal frames go on until it is stopped; elsewhere half more than the least are written once. A line pars:card/… or pars:invite/… becomes its own " +
			"symbol. The format follows the name after -o when none is said: .png, .gif, .svg, .pdf, or a folder for numbered pictures. A pdf is for paper: any --spare of its sheets may be lost.",
		Flags: []urfave.Flag{fromFlag(), cli.OutputFlag(),
			&urfave.StringFlag{Name: "format", Usage: "`term|png|gif|svg|pdf`", DefaultText: "by -o, or term"},
			&urfave.IntFlag{Name: "fps", Value: 8, Usage: "show `N` frames a second, 1 to 20"},
			&urfave.IntFlag{Name: "chunk", Value: 800, Usage: "put `B` bytes into a frame, 100 to 2900"},
			&urfave.StringFlag{Name: "ecc", Usage: "bear damage as `L|M|Q|H` says", DefaultText: "L for frames, M for cards and paper"},
			&urfave.BoolFlag{Name: "auto", Usage: "begin fast and large, and become slower and smaller with each cycle"},
			&urfave.BoolFlag{Name: "print", Usage: "the same as --format pdf"},
			&urfave.BoolFlag{Name: "tight", Usage: "draw half the margin"},
			&urfave.BoolFlag{Name: "ur", Usage: "write Uniform Resources, which other people's programs read"},
			&urfave.StringFlag{Name: "type", Value: qr.URBytes, Usage: "the `TYPE` of the content, as in a UR"},
			&urfave.StringFlag{Name: "answer", Usage: "leave out what the picture `FILE` of a receiver says it has"},
			&urfave.IntFlag{Name: "scale", Value: 4, Usage: "draw a module `N` pixels wide"},
			&urfave.IntFlag{Name: "per-sheet", Value: 6, Usage: "put `N` symbols on a sheet, 2 to 12"},
			&urfave.IntFlag{Name: "spare", Value: 1, Usage: "let any `N` sheets be lost"},
			&urfave.BoolFlag{Name: "yes", Usage: "do not ask about more than 4 MiB"}},
		Action: showAction,
	}
}

// show is one run of the verb.
type show struct {
	c      *urfave.Context
	data   []byte
	format string
	out    string
	fps    int
	chunk  int
	scale  int
	quiet  int
	level  *qr.Level
	rows   row
}

// row is what --json tells after files were written.
type row struct {
	Type    string  `json:"type"`
	Object  string  `json:"object,omitempty"`
	Bytes   int     `json:"bytes"`
	Frames  int     `json:"frames"`
	Least   int     `json:"least"`
	Version int     `json:"version"`
	FPS     float64 `json:"fps,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	File    string  `json:"file,omitempty"`
}

// Text is where the frames are and how many.
func (r row) Text() string { return fmt.Sprintf("%s\t%d frames", r.File, r.Frames) }

func showAction(c *urfave.Context) error {
	s := &show{c: c, fps: c.Int("fps"), chunk: c.Int("chunk"), scale: c.Int("scale"), quiet: qr.Quiet, out: c.String("o")}
	if err := s.flags(); err != nil {
		return err
	}
	var err error
	if s.data, err = readAll(c, cli.Args(c)[0], maxShown); err != nil {
		return err
	}
	if len(s.data) > askAbove && !c.Bool("yes") {
		return cli.Usagef("%d bytes take about %.0f minutes: say --yes", len(s.data), float64(len(s.data)/s.chunk)*1.5/float64(s.fps)/60)
	}
	if len(s.data) == 0 {
		return cli.Usagef("there is nothing to show")
	}
	text, level, special, err := symbolText(s.data)
	if err != nil {
		return err
	}
	if special {
		return s.single(text, level)
	}
	return s.bytes()
}

func (s *show) flags() error {
	c := s.c
	switch {
	case s.fps < 1 || s.fps > 20:
		return cli.Usagef("--fps is 1 to 20")
	case s.chunk < minChunk || s.chunk > maxChunk:
		return cli.Usagef("--chunk is %d to %d", minChunk, maxChunk)
	case s.scale < 1 || s.scale > 20:
		return cli.Usagef("--scale is 1 to 20")
	}
	if c.Bool("tight") {
		s.quiet = qr.Quiet / 2
	}
	if name := c.String("ecc"); name != "" {
		l, err := qr.LevelOf(name)
		if err != nil {
			return cli.Usagef("--ecc: %v", err)
		}
		s.level = &l
	}
	s.format = c.String("format")
	if c.Bool("print") {
		s.format = "pdf"
	}
	if s.format == "" {
		s.format = formatOf(s.out)
	}
	if !strings.Contains(" term png gif svg pdf ", " "+s.format+" ") {
		return cli.Usagef("--format is term, png, gif, svg or pdf, not %q", s.format)
	}
	return nil
}

// formatOf goes by the name of the output.
func formatOf(name string) string {
	switch ext := strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), "."); {
	case name == "" || name == "-":
		return "term"
	case isDir(name):
		return "png"
	case ext == "png" || ext == "gif" || ext == "svg" || ext == "pdf":
		return ext
	}
	return "term"
}

// levelOr is --ecc, or what is usual.
func (s *show) levelOr(l qr.Level) qr.Level {
	if s.level != nil {
		return *s.level
	}
	return l
}

// single shows a text in one symbol.
func (s *show) single(text string, l qr.Level) error {
	m, err := qr.Encode(text, s.levelOr(l))
	if err != nil {
		return err
	}
	s.rows = row{Type: "shown", Bytes: len(s.data), Frames: 1, Least: 1, Version: m.Version()}
	if s.format == "pdf" {
		return s.file(func(w writer) error { return qr.OneSheet(m, s.data, s.title()).PDF(w) })
	}
	return s.still(m, text)
}

// title is what stands at the foot of a sheet: the name of the file.
func (s *show) title() string {
	if name := cli.Args(s.c)[0]; name != "-" {
		return filepath.Base(name)
	}
	return ""
}

// bytes shows any other content.
func (s *show) bytes() error {
	name := s.c.String("type")
	if s.c.Bool("ur") || len(s.data) <= min(s.chunk, urOneMost) && s.c.String("answer") == "" {
		u, err := qr.NewUR(name, s.data, min(s.chunk, urOneMost))
		if err != nil {
			return err
		}
		if u.Count() == 1 {
			return s.single(strings.ToUpper(u.Next()), qr.M)
		}
		if s.format == "pdf" {
			return cli.Usagef("sheets with parity are not written as UR: leave --ur away")
		}
		return s.frames(&urFrames{u: u, level: s.levelOr(qr.L)})
	}
	if s.format == "pdf" {
		sheets, err := qr.NewSheets(s.data, name, s.title(), s.chunk, s.c.Int("per-sheet"), s.c.Int("spare"), s.levelOr(qr.M))
		if err != nil {
			return cli.Usagef("%v", err)
		}
		n := len(sheets.Symbols)
		s.rows = row{Type: "shown", Bytes: len(s.data), Frames: n * len(sheets.Symbols[0]), Least: n - sheets.Spare, Version: sheets.Symbols[0][0].Version()}
		return s.file(func(w writer) error { return sheets.PDF(w) })
	}
	f, err := s.bulk(s.fit(s.chunk))
	if err != nil {
		return err
	}
	return s.frames(f)
}

// bulk prepares frames of our own.
func (s *show) bulk(chunk int) (*bulkFrames, error) {
	send, err := qr.NewSender(s.data, s.c.String("type"), chunk, false)
	if err != nil {
		return nil, cli.Usagef("%v", err)
	}
	if name := s.c.String("answer"); name != "" {
		if err := answer(s.c, send, name); err != nil {
			return nil, fmt.Errorf("answer %s: %w", name, err)
		}
	}
	return newBulk(send, s.levelOr(qr.L))
}

// sequence is frames without end.
type sequence interface {
	// next returns the payload of the next frame and its symbol.
	next() (payload []byte, m *qr.Matrix, err error)
	// least is how many a receiver needs at best, cycle how many are written where there is an end.
	least() int
	cycle() int
}

type bulkFrames struct {
	send    *qr.Sender
	enc     *qr.Frames
	pending [][]byte
}

func newBulk(send *qr.Sender, l qr.Level) (*bulkFrames, error) {
	f := &bulkFrames{send: send, pending: [][]byte{send.Next(), send.Next()}}
	longest := f.pending[0]
	if len(f.pending[1]) > len(longest) {
		longest = f.pending[1]
	}
	var err error
	f.enc, err = qr.NewFrames(longest, l)
	return f, err
}

func (f *bulkFrames) next() ([]byte, *qr.Matrix, error) {
	if len(f.pending) == 0 {
		f.pending = append(f.pending, f.send.Next())
	}
	p := f.pending[0]
	f.pending = f.pending[1:]
	m, err := f.enc.Encode(p)
	return p, m, err
}

func (f *bulkFrames) least() int { return f.send.Symbols() }
func (f *bulkFrames) cycle() int { return f.send.Cycle() }

type urFrames struct {
	u     *qr.UR
	level qr.Level
}

func (f *urFrames) next() ([]byte, *qr.Matrix, error) {
	p := strings.ToUpper(f.u.Next())
	m, err := qr.Encode(p, f.level)
	return []byte(p), m, err
}

func (f *urFrames) least() int { return f.u.Count() }
func (f *urFrames) cycle() int { return f.u.Count()*3/2 + 8 }

// seconds is after which time nine of ten receivers that lose three frames of ten are done.
func seconds(least int, fps float64) float64 {
	k := float64(least)
	return math.Ceil((k*1.05+1.3*math.Sqrt(0.3*k)+2)/0.7) / fps
}
