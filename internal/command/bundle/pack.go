package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/identity"
)

// packFlags are those of pack and plan.
func packFlags() []urfave.Flag {
	return flags(
		&urfave.StringSliceFlag{Name: "session", Usage: "pack what is held of `SESSION`; may be repeated"},
		cli.From("ids of entries, which go with all they stand on,"),
		&urfave.StringSliceFlag{Name: "add", Usage: "add a record from a file, `KIND:FILE`, with kind file, card, list, dnssec, update, proof, tx, envelope or release; may be repeated"},
		&urfave.BoolFlag{Name: "carried", Value: true, Usage: "hand on what other bundles brought for anybody: cards, lists, proofs, receipts, mail"},
		&urfave.BoolFlag{Name: "starter", Usage: "pack this program and what is carried, in open form"},
		&urfave.StringSliceFlag{Name: "have", Usage: "pack only what the digest in `FILE` lacks; may be repeated"},
		&urfave.StringFlag{Name: "max-size", Usage: "take the most urgent up to `SIZE`, as 2G, 40K or 1QR"},
		&urfave.StringFlag{Name: "parity", Value: "8%", Usage: "add `PART` of the data so that losses can be mended"},
		&urfave.StringFlag{Name: "pad", Value: "bucket", Usage: "fill up with parity to one of few sizes, `bucket` or none"},
		&urfave.BoolFlag{Name: "open", Usage: "write an open file that everybody can read; no messages"},
		&urfave.BoolFlag{Name: "unsigned", Usage: "with --open: do not sign"},
		&urfave.StringSliceFlag{Name: "for", Usage: "seal to the devices of `ACCOUNT|CARD|FILE` instead of to the members of each session; the full card is held or in the file; may be repeated"},
		&urfave.StringFlag{Name: "with-passphrase", Usage: "seal also to whoever has the pass-phrase in the first line of `FILE`"},
		&urfave.StringFlag{Name: "at", Usage: "take `TIME` for now: equal input gives equal bytes"},
		&urfave.IntFlag{Name: "days", Usage: "what is carried for others expires after `N` days"},
	)
}

func packVerb() *urfave.Command {
	return &urfave.Command{
		Name: "pack", Usage: "write a bundle", ArgsUsage: "",
		Description: "Sealed to the members of every session in it, or with --for to the devices of somebody whose card is held. Up to 40 kB it is one sealed chunk without parity, unless --parity or --courier-key is " +
			"given; above, sectors with parity, filled up to 65,536 × 4^i bytes. Same input and --at, same bytes.",
		Flags: append(packFlags(),
			&urfave.StringFlag{Name: "courier-key", Usage: "write the key to verify, repair and split with to `FILE`"},
			&urfave.BoolFlag{Name: "no-readback", Usage: "do not read the file once more after it was written"},
			cli.OutputFlag()),
		Action: packAction,
	}
}

type packedRow struct{ courier.Packed }

// Text is the body id, bytes, vertices, records.
func (p packedRow) Text() string {
	return fmt.Sprintf("packed %d vertices, %d records in %d bytes (%s), %d left", p.Entries, p.Records, p.Size, p.Form, p.Left)
}

func packAction(c *urfave.Context) error {
	q, err := packQuery(c)
	if err != nil {
		return err
	}
	if name := c.String("o"); (name == "" || name == "-") && cli.StdoutTerminal(c) {
		return cli.Usagef("no bytes to a terminal; use -o FILE, or a pipe")
	}
	return do(c, func(a courier.API) error {
		var p courier.Packed
		meter := cli.Progress(c)
		err := cli.Output(c, func(w io.Writer) (err error) {
			out := &counter{w: w, tell: func(n int64) { meter.Set("%d bytes written", n) }}
			if f, ok := w.(*os.File); ok && onDisk(f) {
				out.late = &bundle.Behind{File: f}
				defer func() { err = errors.Join(err, out.late.Wait(), f.Sync()) }()
			}
			p, err = a.Pack(c.Context, q, out)
			return err
		})
		meter.Done()
		if err != nil {
			return err
		}
		if name := c.String("courier-key"); name != "" {
			if len(p.Courier) == 0 {
				return errors.New("a compact file has no courier key")
			}
			if err := os.WriteFile(name, p.Courier, 0o600); err != nil {
				return err
			}
		}
		cli.Verbosef(c, "%s", packedRow{p}.Text())
		for _, w := range p.Warnings {
			cli.Warnf(c, "%s", w)
		}
		if p.Left > 0 {
			cli.Warnf(c, "%d entries and records did not fit: the next trip brings them", p.Left)
		}
		return readBack(c, p)
	})
}

// onDisk reports whether f is a file or a disk: a pipe has nothing to be written behind.
func onDisk(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && (info.Mode().IsRegular() || info.Mode()&(os.ModeDevice|os.ModeCharDevice) == os.ModeDevice)
}

// counter tells how much was written.
type counter struct {
	w    io.Writer
	late *bundle.Behind // of a file
	n    int64
	tell func(int64)
}

// Write passes p on.
func (w *counter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.n += int64(n)
	if w.tell(w.n); w.late != nil {
		w.late.Wrote(n)
	}
	return n, err
}

// readBack verifies all sectors of the file that was just written: cheap sticks lie about what they hold.
func readBack(c *urfave.Context, p courier.Packed) error {
	name := c.String("o")
	if name == "" || name == "-" || c.Bool("no-readback") || len(p.Courier) != 32 {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if d, err := os.Open(filepath.Dir(name)); err == nil {
		d.Sync() // not every system can
		d.Close()
	}
	key := bundle.Key(p.Courier)
	b, err := bundle.Open(f, info.Size(), bundle.Keys{Courier: &key})
	if err == nil {
		err = b.Check(nil)
	}
	if err == nil && !b.Report.Whole() {
		err = bundle.ErrDamaged
	}
	if err != nil {
		return fmt.Errorf("%s does not read back as it was written, take another stick: %w", name, err)
	}
	return nil
}

// packQuery reads the flags.
func packQuery(c *urfave.Context) (q courier.PackQuery, err error) {
	q = courier.PackQuery{Sessions: c.StringSlice("session"), Carried: c.Bool("carried"), Unsigned: c.Bool("unsigned"), Days: c.Int("days")}
	if q.Parity, err = parsePart(c.String("parity")); err != nil {
		return q, err
	}
	if q.Created, err = parseTime(c.String("at")); err != nil {
		return q, err
	}
	if s := c.String("max-size"); s != "" {
		if q.Limit, err = parseSize(s); err != nil {
			return q, err
		}
	}
	switch c.String("pad") {
	case "bucket":
		q.Bucket = true
	case "none":
	default:
		return q, cli.Usagef("--pad is bucket or none")
	}
	switch {
	case c.Bool("open") || c.Bool("starter"):
		q.Form = bundle.FormOpen
	case c.IsSet("parity") || c.String("courier-key") != "" || c.String("pad") == "none":
		q.Form = bundle.FormSealed
	}
	if err := packInput(c, &q); err != nil {
		return q, err
	}
	if len(q.Sessions)+len(q.Vertices)+len(q.Add) == 0 {
		return q, cli.Usagef("nothing to pack: name a --session, entries with --from, a file with --add, or --starter")
	}
	return q, nil
}

// packInput reads what the flags name: ids, digests, files.
func packInput(c *urfave.Context, q *courier.PackQuery) error {
	for id, err := range cli.Lines(c, "id") {
		if err != nil {
			return err
		}
		q.Vertices = append(q.Vertices, id)
	}
	for _, name := range c.StringSlice("have") {
		b, err := readHave(c, name)
		if err != nil {
			return err
		}
		q.Have = append(q.Have, b)
	}
	for _, name := range c.StringSlice("for") {
		if err := recipient(c, q, name); err != nil {
			return err
		}
	}
	if name := c.String("with-passphrase"); name != "" {
		p, err := firstLine(c, name)
		if err != nil {
			return err
		}
		q.Passphrases = append(q.Passphrases, p)
	}
	for _, s := range c.StringSlice("add") {
		a, err := added(s)
		if err != nil {
			return err
		}
		q.Add = append(q.Add, a)
	}
	if c.Bool("starter") {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		q.Release = "pars"
		q.Add = append(q.Add, courier.AddedFile{Kind: "file", Path: self, Name: runtime.GOOS + "-" + runtime.GOARCH + "/" + plain(filepath.Base(self))})
	}
	return nil
}

// recipient reads ACCOUNT, the line of a CARD, or a FILE with either or with a full card.
func recipient(c *urfave.Context, q *courier.PackQuery, name string) error {
	if a, ok := named(name); ok {
		q.For = append(q.For, a.String())
		return nil
	}
	in, err := cli.Input(c, name)
	if err != nil {
		return cli.Usagef("--for %q: neither an account nor a card, nor a file: %v", name, err)
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, identity.MaxCard+1))
	if err != nil {
		return err
	}
	if a, ok := named(strings.TrimSpace(string(b))); ok {
		q.For = append(q.For, a.String())
		return nil
	}
	card, err := identity.DecodeCard(b)
	if err != nil {
		return fmt.Errorf("--for %s: %w", name, err)
	}
	cli.Verbosef(c, "%s holds a card of %s", name, card.Root.Account())
	q.Cards = append(q.Cards, b)
	return nil
}

func named(s string) (identity.Account, bool) {
	if card, err := identity.ParseShortCard(s); err == nil {
		return card.Account, true
	}
	a, err := identity.ParseAccount(s)
	return a, err == nil
}

// added reads KIND:FILE.
func added(s string) (a courier.AddedFile, err error) {
	kind, name, ok := strings.Cut(s, ":")
	if !ok || name == "" {
		return a, cli.Usagef("--add %q: write KIND:FILE", s)
	}
	path, err := filepath.Abs(name)
	return courier.AddedFile{Kind: kind, Path: path, Name: plain(filepath.Base(name))}, err
}

// plain turns a file's name into one that is taken on every system.
func plain(name string) string {
	out := strings.Map(func(r rune) rune {
		if r < 128 && (r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '_'
	}, name)
	if out = strings.Trim(out, "."); out == "" {
		return "file"
	}
	return out[:min(len(out), 100)]
}

func readHave(c *urfave.Context, name string) ([]byte, error) {
	in, err := cli.Input(c, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, bundle.MaxHave+1))
	if err != nil {
		return nil, err
	}
	if _, err := bundle.DecodeHave(b); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// firstLine reads a pass-phrase.
func firstLine(c *urfave.Context, name string) (string, error) {
	in, err := cli.Input(c, name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, 1026))
	if err != nil {
		return "", err
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 || len(line) > 1024 {
		return "", cli.Usagef("%s: the first line must have 1 to 1024 bytes", name)
	}
	return string(line), nil
}

type planRow struct{ courier.Planned }

// Text is class, what, count, bytes, total.
func (p planRow) Text() string {
	return fmt.Sprintf("%d\t%s\t%d\t%d\t%d", p.Class, p.What, p.Count, p.Bytes, p.Total)
}

func planVerb() *urfave.Command {
	return &urfave.Command{
		Name: "plan", Usage: "say what pack would take, the most urgent first", ArgsUsage: "",
		Description: "A line is class, what, how many, bytes, and bytes of the body so far. Classes: 0 receipts, digests, lists, releases; 1 cards; 2 sessions " +
			"of two; 3 groups; 4 mail for others; 5 proofs and updates; 7 files.",
		Flags: packFlags(),
		Action: func(c *urfave.Context) error {
			q, err := packQuery(c)
			if err != nil {
				return err
			}
			return do(c, func(a courier.API) error {
				p, err := a.Plan(c.Context, q, func(p courier.Planned) error { return cli.Out(c).Print(planRow{p}) })
				if err != nil {
					return err
				}
				cli.Warnf(c, "%s", packedRow{p}.Text())
				return nil
			})
		},
	}
}

func haveVerb() *urfave.Command {
	return &urfave.Command{
		Name: "have", Usage: "say in few bytes what this home holds, for the next bundle to it", ArgsUsage: "[SESSION…]",
		Description: "About 8 bytes an author; only members of a session can read its part. It is a claim and serves one pack.",
		Flags:       flags(&urfave.IntFlag{Name: "cells", Value: 64, Usage: "tell of carried records in `N` cells, about 40 differences in 64; 0 none"}, &urfave.StringFlag{Name: "at", Usage: "take `TIME` for now"}, cli.OutputFlag()),
		Action: func(c *urfave.Context) error {
			at, err := parseTime(c.String("at"))
			if err != nil {
				return err
			}
			if name := c.String("o"); (name == "" || name == "-") && cli.StdoutTerminal(c) {
				return cli.Usagef("no bytes to a terminal; use -o FILE, or a pipe")
			}
			return do(c, func(a courier.API) error {
				b, err := a.Have(c.Context, courier.HaveQuery{Sessions: cli.Args(c), Cells: c.Int("cells"), Created: at})
				if err != nil {
					return err
				}
				return cli.Output(c, func(w io.Writer) error { _, err := w.Write(b); return err })
			})
		},
	}
}
