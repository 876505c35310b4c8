package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/courier/readers"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
)

// fileFlags are those of a verb that reads a bundle.
func fileFlags(more ...urfave.Flag) []urfave.Flag {
	return flags(append([]urfave.Flag{cli.From("the bundle"),
		&urfave.StringFlag{Name: "with-passphrase", Usage: "try the pass-phrase in the first line of `FILE`"},
		&urfave.StringFlag{Name: "courier-key", Usage: "try the courier key in `FILE`, which verifies and does not read"}}, more...)...)
}

// withFile runs f with the bundle that is named, on a home where there is one and it is needed.
func withFile(c *urfave.Context, f func(courier.API, courier.FileQuery) error) error {
	q, done, err := fileQuery(c)
	if err != nil {
		return err
	}
	defer done()
	if !hasHome(c) || len(q.Courier) > 0 {
		return f(homeless(c), q)
	}
	return do(c, func(a courier.API) error { return f(a, q) })
}

// homeless opens what needs no home, with what the profile alone can verify.
func homeless(c *urfave.Context) *courier.Courier {
	p, err := profile.Load(cli.Profile(c), os.ReadFile)
	if err != nil {
		cli.Verbosef(c, "%v", err)
	}
	return courier.Homeless(time.Now, readers.Of(readers.Home{Profile: p}))
}

// fileQuery reads the flags; standard input is kept in a file until done is called.
func fileQuery(c *urfave.Context) (q courier.FileQuery, done func(), err error) {
	done = func() {}
	name := cli.Args(c)[0]
	if name == "-" {
		if name, err = spool(c); err != nil {
			return q, done, err
		}
		done = func() { os.Remove(name) }
	}
	fail := func(err error) (courier.FileQuery, func(), error) { done(); return q, func() {}, err }
	if q.Path, err = filepath.Abs(name); err != nil {
		return fail(err)
	}
	if p := c.String("with-passphrase"); p != "" {
		line, err := firstLine(c, p)
		if err != nil {
			return fail(err)
		}
		q.Passphrases = []string{line}
	}
	if k := c.String("courier-key"); k != "" {
		key, err := readKey(k)
		if err != nil {
			return fail(err)
		}
		q.Courier = key[:]
	}
	return q, done, nil
}

// readKey reads a courier key.
func readKey(name string) (k bundle.Key, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return k, err
	}
	if len(b) != len(k) {
		return k, cli.Usagef("%s: a courier key has 32 bytes, not %d", name, len(b))
	}
	return bundle.Key(b), nil
}

// spool copies standard input, still sealed, to a file that can be read twice: a damaged bundle must be.
func spool(c *urfave.Context) (string, error) {
	f, err := os.CreateTemp("", "pars-*")
	if err != nil {
		return "", err
	}
	in, err := cli.Input(c, "-")
	if err == nil {
		_, err = io.CopyBuffer(struct{ io.Writer }{f}, in, make([]byte, 256<<10))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// unopened says what a file is that no key opens.
func unopened(c *urfave.Context, q courier.FileQuery, err error) error {
	if !errors.Is(err, bundle.ErrNotForUs) {
		return err
	}
	if info, serr := os.Stat(q.Path); serr == nil {
		cli.Warnf(c, "%d bytes that no key of this home opens", info.Size())
	}
	return err
}

type resultRow struct{ courier.Result }

// Text is the id, what became of it, and why.
func (r resultRow) Text() string {
	out := r.ID + "\t" + r.Result.Result
	if r.Path != "" {
		out += "\t" + r.Path
	}
	if r.Reason != "" {
		out += "\t" + r.Reason
	}
	return out
}

type listRow struct{ courier.Result }

// Text is kind, id, bytes, and what there is to say.
func (r listRow) Text() string {
	out := fmt.Sprintf("%s\t%s\t%d", r.Kind, r.ID, r.Bytes)
	if r.Path != "" {
		out += "\t" + r.Path
	}
	if r.Reason != "" {
		out += "\t" + r.Reason
	}
	return out
}

func lsVerb() *urfave.Command {
	return &urfave.Command{
		Name: "ls", Usage: "list what is in a bundle", ArgsUsage: "FILE|-",
		Description: "A line is kind, id, bytes, and whether it verifies. With the courier key alone: how many sectors there are. A file named in a release has 60 digits to compare by voice.",
		Flags:       fileFlags(),
		Action: func(c *urfave.Context) error {
			return withFile(c, func(a courier.API, q courier.FileQuery) error {
				v, err := a.Look(c.Context, q, func(r courier.Result) error { return cli.Out(c).Print(listRow{r}) })
				if err != nil {
					return unopened(c, q, err)
				}
				return health(c, v)
			})
		},
	}
}

type verdictRow struct{ v *courier.Verdict }

// Text is the verdict in a line.
func (r verdictRow) Text() string {
	s := r.v.Sectors
	word := "beyond repair"
	switch {
	case r.v.Chunks.Forged || r.v.Refused > 0:
		word = "not genuine"
	case r.v.Whole():
		word = "whole and genuine"
	case r.v.Sound():
		word = "damaged, can be repaired"
	}
	if !r.v.Reads && r.v.Whole() {
		word = "whole"
	}
	out := fmt.Sprintf("%s\t%d sectors, %d mended, %d lost\t%d chunks, %d refused", word, s.Total, s.Repaired, s.Lost, r.v.Chunks.Good, len(r.v.Chunks.Refused))
	if r.v.Proven+r.v.Unsure > 0 {
		out += fmt.Sprintf("\t%d records verified, %d not verifiable here", r.v.Proven, r.v.Unsure)
	}
	return out
}

// MarshalJSON is the salvage report with its exit code.
func (r verdictRow) MarshalJSON() ([]byte, error) {
	b, err := r.v.Report.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, err
	}
	fields["exit"], fields["bytes"] = cli.Code(verdict(r.v)), r.v.Bytes
	fields["verified"], fields["unverified"] = r.v.Proven, r.v.Unsure
	return json.Marshal(fields)
}

// errRepair says what to do with a damaged file.
var errRepair = fmt.Errorf("the file is damaged and can be repaired: pars-bundle repair: %w", cli.ErrPartial)

// verdict is the error of verify.
func verdict(v *courier.Verdict) error {
	switch {
	case v.Chunks.Forged:
		return bundle.ErrForged
	case v.Refused > 0:
		return fmt.Errorf("%d records do not verify: %w", v.Refused, sig.ErrVerify)
	case v.Whole():
		return nil
	case v.Sound():
		return errRepair
	}
	return bundle.ErrDamaged
}

// health warns of damage.
func health(c *urfave.Context, v *courier.Verdict) error {
	if !v.Reads {
		return cli.Out(c).Print(verdictRow{v})
	}
	if !v.Sound() {
		return fmt.Errorf("%d windows, %d chunks are lost: %w", v.LostWindows, len(v.Chunks.Refused), cli.ErrPartial)
	}
	return nil
}

func verifyVerb() *urfave.Command {
	return &urfave.Command{
		Name: "verify", Usage: "say whether a bundle is whole and genuine", ArgsUsage: "FILE|-",
		Description: "Exit 0 whole and genuine, 3 damaged but repairable, 4 no key of ours opens it (or it is no bundle: that cannot be told apart), 6 not genuine " +
			"or beyond repair. Cards, lists, proofs and updates are checked by what this home knows; what cannot be told here is counted, and named with -v. " +
			"With --deep the signatures of entries are checked too. The report is JSON with --json.",
		Flags: fileFlags(&urfave.BoolFlag{Name: "deep", Usage: "check the signatures of entries too"}),
		Action: func(c *urfave.Context) error {
			return withFile(c, func(a courier.API, q courier.FileQuery) error {
				q.Deep = c.Bool("deep")
				v, err := a.Look(c.Context, q, func(r courier.Result) error {
					if r.Result == "refused" {
						cli.Warnf(c, "%s: %s", r.ID, r.Reason)
					} else if r.Checked != "" {
						cli.Verbosef(c, "%s: %s", r.ID, r.Reason)
					}
					return nil
				})
				if err != nil {
					return unopened(c, q, err)
				}
				return errors.Join(cli.Out(c).Print(verdictRow{v}), verdict(v))
			})
		},
	}
}
