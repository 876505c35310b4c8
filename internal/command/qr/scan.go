package qr

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/qr"
	"github.com/pars-network/pars/pkg/wire"
)

func scanVerb() *urfave.Command {
	return &urfave.Command{
		Name: "scan", Usage: "put together what pictures of symbols show", ArgsUsage: "FILE|DIR|-",
		Description: "Reads PNG, JPEG, GIF, YUV4MPEG2, and what show prints, in any order, with any frames missing or doubled. An object is written only when it is whole and its hash " +
			"is right. Exit 3 when something is not whole at the end: --state keeps what there is for another scan, --missing writes the symbol that tells the sender what to " +
			"show; exit 4 when nothing is found. What is of somebody else (an address, a payment) is printed as foreign, and nothing is done with it.",
		Flags: []urfave.Flag{fromFlag(), cli.OutputFlag(),
			&urfave.StringFlag{Name: "state", Usage: "go on from `FILE`, and keep there what is not whole"},
			&urfave.StringFlag{Name: "missing", Usage: "draw the answer to the sender into the PNG `FILE`"}},
		Action: scanAction,
	}
}

// found is one line of what was found.
type found struct {
	Kind    string `json:"type"`
	ID      string `json:"id,omitempty"`
	Line    string `json:"text,omitempty"`
	Content string `json:"content,omitempty"`
	Bytes   int    `json:"bytes,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
	File    string `json:"file,omitempty"`
	Data    string `json:"data,omitempty"`
	*cardRow
}

// Text is the line of a card or invite, or kind and what it is.
func (f found) Text() string {
	switch {
	case f.cardRow != nil:
		return f.Card
	case f.Kind == "invite":
		return f.Line
	case f.Line != "":
		return f.Kind + "\t" + cli.Escape(f.Line)
	}
	return fmt.Sprintf("%s\t%s\t%d\t%s", f.Kind, f.ID, f.Bytes, f.File)
}

// scan is one run of the verb.
type scan struct {
	c       *urfave.Context
	scanner qr.Scanner
	meter   *cli.Meter
	things  int
	written bool // one object went to -o or standard output
	bad     error
	shown   time.Time
}

func scanAction(c *urfave.Context) error {
	s := &scan{c: c, meter: cli.Progress(c)}
	if err := s.load(); err != nil {
		return err
	}
	err := s.input(cli.Args(c)[0])
	s.meter.Done()
	cli.Verbosef(c, "%d payloads, %d new, %d refused", s.scanner.Seen, s.scanner.Useful, s.scanner.Refused)
	if err := s.keep(); err != nil {
		return err
	}
	if err != nil && !errors.Is(err, errWhole) {
		return err
	}
	return s.verdict()
}

func (s *scan) load() error {
	name := s.c.String("state")
	if name == "" {
		return nil
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, err = s.scanner.LoadState(b)
	}
	if err != nil {
		return fmt.Errorf("state %s: %w", name, err)
	}
	return nil
}

// keep writes the state of what is not whole, and the answer to its sender.
func (s *scan) keep() error {
	if name := s.c.String("state"); name != "" {
		err := os.Remove(name)
		if len(s.scanner.Progress()) > 0 {
			err = create(name, func(w writer) error { _, err := w.Write(s.scanner.AppendState(nil)); return err })
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return s.missing()
}

// verdict is what a scan that came to its end is worth.
func (s *scan) verdict() error {
	rest := s.scanner.Progress()
	switch {
	case s.bad != nil:
		return s.bad
	case len(rest) > 0:
		var lines []error
		for _, p := range rest {
			lines = append(lines, fmt.Errorf("%s: %d of %d symbols are here: %w; show it again, or scan on with --state", p.ID, p.Have, p.Need, cli.ErrPartial))
		}
		return errors.Join(lines...)
	case s.things == 0 && s.scanner.Refused > 0:
		return wire.Invalid("%d frames, all damaged or forged", s.scanner.Refused)
	case s.things == 0:
		return fmt.Errorf("no symbol in the pictures: %w", wire.ErrNotFound)
	}
	return nil
}

// missing draws the answer to the first sender whose object is not whole.
func (s *scan) missing() error {
	name := s.c.String("missing")
	answers := s.scanner.Missing()
	if name == "" || len(answers) == 0 {
		return nil
	}
	f, err := qr.NewFrames(answers[0], qr.M)
	if err != nil {
		return err
	}
	m, err := f.Encode(answers[0])
	if err != nil {
		return err
	}
	return create(name, func(w writer) error { return png.Encode(w, m.Picture(6, qr.Quiet)) })
}

// answer lets a sender read such a picture.
func answer(c *urfave.Context, send *qr.Sender, name string) error {
	in, err := cli.Input(c, name)
	if err != nil {
		return err
	}
	defer in.Close()
	failed := wire.Invalid("no answer in the picture")
	err = qr.Pictures(in, func(g *image.Gray) error {
		for _, p := range qr.Decode(g, func() bool { return true }) {
			if failed = send.Answer(p); failed == nil {
				return errWhole
			}
		}
		return nil
	})
	if errors.Is(err, errWhole) || err == nil {
		return failed
	}
	return err
}

// add takes one payload and tells of what became whole.
func (s *scan) add(payload []byte) error {
	items, err := s.scanner.Add(payload)
	if err != nil {
		cli.Verbosef(s.c, "%v", err)
		return nil
	}
	for _, i := range items {
		s.things++
		if err := s.tell(i); err != nil {
			return err
		}
	}
	if now := time.Now(); now.Sub(s.shown) > 200*time.Millisecond {
		s.shown = now
		for _, p := range s.scanner.Progress() {
			s.meter.Set("%s: %d of %d symbols", p.ID, p.Have, p.Need)
		}
	}
	return nil
}

func (s *scan) tell(i qr.Item) error {
	switch i.Kind {
	case qr.Object, qr.Message:
		return s.object(i)
	case qr.Answer:
		return s.print(found{Kind: "answer", Bytes: len(i.Data), Data: base64.StdEncoding.EncodeToString(i.Data)})
	case qr.Card:
		card, err := identity.ParseShortCard(i.Text)
		if err != nil {
			return s.refuse("card", err)
		}
		r := newCardRow(card, time.Now())
		if r.Expired {
			cli.Warnf(s.c, "the card ended on %s: ask for another one", r.Expires.Format(time.DateOnly))
		}
		return s.print(found{Kind: "card", cardRow: &r})
	case qr.Invite:
		line, err := inviteText(i.Text)
		if err != nil {
			return s.refuse("invite", err)
		}
		return s.print(found{Kind: "invite", Line: line})
	}
	return s.print(found{Kind: string(i.Kind), Line: i.Text})
}

// refuse tells why something is not what it says.
func (s *scan) refuse(kind string, err error) error {
	s.bad = errors.Join(s.bad, fmt.Errorf("%s: %w", kind, err))
	return nil
}

// object writes what is whole: into -o, or a file of the folder -o, or standard output, or with --json alone into the line.
func (s *scan) object(i qr.Item) error {
	f := found{Kind: string(i.Kind), ID: hex.EncodeToString(i.Sum[:4]), Content: i.Type, Bytes: len(i.Data), SHA256: hex.EncodeToString(i.Sum[:])}
	out := s.c.String("o")
	switch {
	case out == "" && s.c.Bool("json"):
		f.Data = base64.StdEncoding.EncodeToString(i.Data)
		return s.print(f)
	case out != "" && isDir(out):
		if err := os.MkdirAll(out, 0o700); err != nil {
			return err
		}
		f.File = filepath.Join(out, f.ID+".bin")
		if err := create(f.File, func(w writer) error { _, err := w.Write(i.Data); return err }); err != nil {
			return err
		}
		return s.print(f)
	}
	if s.written {
		s.bad = errors.Join(s.bad, fmt.Errorf("%s of %d bytes is whole, too: %w; name a folder with -o DIR/ to have both", f.ID, f.Bytes, cli.ErrPartial))
		return nil
	}
	s.written = true
	if err := cli.Output(s.c, func(w writer) error { _, err := w.Write(i.Data); return err }); err != nil {
		return err
	}
	f.File = out
	return s.print(f)
}

// print prints a line, but not among the bytes of an object.
func (s *scan) print(f found) error {
	out := s.c.String("o")
	if out == "-" || out == "" && !s.c.Bool("json") && f.ID != "" {
		cli.Verbosef(s.c, "%s", strings.ReplaceAll(f.Text(), "\t", " "))
		return nil
	}
	return cli.Out(s.c).Print(f)
}
