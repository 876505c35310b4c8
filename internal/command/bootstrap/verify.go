package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
)

type chainRow struct {
	Verdict string          `json:"verdict"`
	Name    string          `json:"name"`
	Until   time.Time       `json:"until"`
	Records []dnssec.Record `json:"records"`
}

// Text is the records, and until when they are proven.
func (r chainRow) Text() string {
	var b strings.Builder
	for _, rr := range r.Records {
		fmt.Fprintln(&b, rr.Text())
	}
	return b.String() + r.Verdict + "\tuntil " + r.Until.Format(time.RFC3339)
}

type rotationRow struct {
	Verdict string    `json:"verdict"`
	Old     string    `json:"old_set"`
	New     string    `json:"new_set"`
	Epoch   uint32    `json:"epoch"`
	Issued  time.Time `json:"issued"`
}

// Text is the two sets.
func (r rotationRow) Text() string {
	return fmt.Sprintf("%s\trotation of trust set %s to %s, epoch %d, %s", r.Verdict, r.Old, r.New, r.Epoch, r.Issued.Format(time.DateOnly))
}

func verifyVerb() *urfave.Command {
	return &urfave.Command{
		Name: "verify", Usage: "verify a list, a rotation or a proof chain, without a network", ArgsUsage: "FILE|-",
		Description: "A list is checked by the trust sets of the profile, a chain by the root keys of the profile or of --anchor. Exit 6 when it does not verify, with the reason.",
		Flags: []urfave.Flag{&urfave.StringFlag{Name: "at", Usage: "as if it were `TIME`, such as 2026-07-01T00:00:00Z"},
			&urfave.StringFlag{Name: "anchor", Usage: "believe the keys in `FILE` in place of the profile's"},
			&urfave.StringFlag{Name: "rfc9102", Usage: "the file is a chain of RFC 9102 for `NAME/TYPE`, such as prove --rfc9102 writes"},
			&urfave.StringSliceFlag{Name: "set", Usage: "believe this trust set beside the profile's (repeat for more)"}},
		Action: verifyAction,
	}
}

func verifyAction(c *urfave.Context) error {
	at := time.Now()
	if text := c.String("at"); text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return cli.Usagef("--at is a time such as 2026-07-01T00:00:00Z")
		}
	}
	p, err := network(c)
	if err != nil {
		return err
	}
	b, err := readAll(c, cli.Args(c)[0])
	if err != nil {
		return err
	}
	switch {
	case c.String("rfc9102") != "":
		return verifyRFC9102(c, p, b, at)
	case bytes.HasPrefix(b, []byte("PDC1")):
		return verifyChain(c, p, b, at)
	case bytes.HasPrefix(b, []byte("PBR1")):
		return verifyRotation(c, p, b)
	}
	return verifyList(c, p, b, at)
}

// rootKeys are those of --anchor or the profile, of which there must be some.
func rootKeys(c *urfave.Context, p *profile.Profile) ([]dnssec.DS, error) {
	keys, err := anchors(c, p)
	if err == nil && len(keys) == 0 {
		err = cli.Usagef("profile %s has no root keys; name some with --anchor", p.Name)
	}
	return keys, err
}

func verifyChain(c *urfave.Context, p *profile.Profile, b []byte, at time.Time) error {
	keys, err := rootKeys(c, p)
	if err != nil {
		return err
	}
	chain, err := dnssec.DecodeChain(b)
	if err != nil {
		return err
	}
	return printChain(c, chain, keys, at)
}

// verifyRFC9102 takes a chain that another program made.
func verifyRFC9102(c *urfave.Context, p *profile.Profile, b []byte, at time.Time) error {
	keys, err := rootKeys(c, p)
	if err != nil {
		return err
	}
	name, text, _ := strings.Cut(c.String("rfc9102"), "/")
	typ, err := dnssec.ParseType(text)
	if err != nil {
		return cli.Usagef("--rfc9102 wants NAME/TYPE, such as _443._tcp.example.org/TLSA: %v", err)
	}
	chain, err := dnssec.FromRFC9102(b, name, typ, keys, at)
	if err != nil {
		return err
	}
	return printChain(c, chain, keys, at)
}

func printChain(c *urfave.Context, chain *dnssec.Chain, keys []dnssec.DS, at time.Time) error {
	records, until, err := chain.Verify(keys, at)
	if err != nil {
		return err
	}
	return cli.Out(c).Print(chainRow{"SECURE", chain.Name, until.UTC(), dnssec.Lines(records)})
}

func trustOf(c *urfave.Context, p *profile.Profile) (*list.Trust, error) {
	sets, err := profileSets(p)
	if err != nil {
		return nil, err
	}
	for _, text := range c.StringSlice("set") {
		s, err := parseSet(text)
		if err != nil {
			return nil, cli.Usagef("%v", err)
		}
		sets = append(sets, s)
	}
	return list.NewTrust(list.NetworkTag(p.NetID()), sets...)
}

func verifyRotation(c *urfave.Context, p *profile.Profile, b []byte) error {
	t, err := trustOf(c, p)
	if err != nil {
		return err
	}
	r, err := list.DecodeRotation(b)
	if err != nil {
		return err
	}
	if _, err := t.Rotate(r); err != nil {
		return err
	}
	return cli.Out(c).Print(rotationRow{"ok", r.Old.String(), r.New.Tag().String(), r.New.Epoch, time.Unix(int64(r.Issued), 0).UTC()})
}

func verifyList(c *urfave.Context, p *profile.Profile, b []byte, at time.Time) error {
	l, err := list.Read(b, p.Bootstrap.AllowPrivate)
	if err != nil {
		return err
	}
	t, err := trustOf(c, p)
	if err != nil {
		return err
	}
	row := rowOf(l.Root, t.Set(l.Root.Set))
	_, err = t.Check(l.Root, nil, list.Arrival{Now: uint64(at.Unix())})
	row.Verdict = "ok"
	var r *list.Refusal
	if errors.As(err, &r) {
		row.Verdict, row.Reason = string(r.Reason), r.Text
	}
	if perr := cli.Out(c).Print(row); perr != nil {
		return perr
	}
	if missing := l.Missing(); err == nil && len(missing) > 0 {
		return fmt.Errorf("%d of %d leaves are missing: %w", len(missing), l.Root.Leaves, cli.ErrPartial)
	}
	return err
}
