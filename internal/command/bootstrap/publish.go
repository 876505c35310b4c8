package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/bootstrap/publish"
)

type publishRow struct {
	Step   string `json:"step"` // plan, updated, seen, not-seen, removed
	Detail string `json:"detail"`
}

// Text is the step and what it found.
func (r publishRow) Text() string { return r.Step + "\t" + r.Detail }

func publishVerb() *urfave.Command {
	return &urfave.Command{
		Name: "publish", Usage: "put a signed list into DNS", ArgsUsage: "LIST",
		Description: "Writes lines for a zone file, or updates the primary server (RFC 2136) with a TSIG key: new leaves first, then the root, only if it is still the one " +
			"that was read. The old leaves are taken away two days later by the same command with --remove and the old list. Then every --server is asked for the root. " +
			"The list must verify with enough signatures.",
		Flags: []urfave.Flag{&urfave.StringFlag{Name: "zone", Usage: "publish at `NAME`: the root at _pars.NAME"},
			&urfave.StringFlag{Name: "zonefile", Usage: "write lines for a zone file to `FILE|-`"},
			&urfave.StringFlag{Name: "update", Usage: "update the primary `SERVER`, ADDR[:PORT]"},
			&urfave.StringFlag{Name: "tsig", Usage: "the TSIG key in `FILE`: ALGORITHM:NAME:SECRET or a key statement"},
			&urfave.StringSliceFlag{Name: "rotation", Usage: "publish the rotation in `FILE` too (repeat for more)"},
			&urfave.IntFlag{Name: "dnsaddr", Value: 8, Usage: "name `N` peers in _dnsaddr, for programs that know no lists"},
			&urfave.BoolFlag{Name: "dry-run", Usage: "change nothing; tell what would be"}, &urfave.BoolFlag{Name: "diff", Usage: "the same as --dry-run"},
			&urfave.BoolFlag{Name: "remove", Usage: "take the leaves of LIST, which was replaced, away"},
			&urfave.StringSliceFlag{Name: "server", Usage: "afterwards ask `SERVER` for the root (repeat for more)"},
			&urfave.StringFlag{Name: "ca", Usage: "believe the certificate authorities in `FILE` in place of the system's"}},
		Action: publishAction,
	}
}

func publishAction(c *urfave.Context) error {
	zone := strings.TrimSuffix(c.String("zone"), ".")
	if zone == "" || (c.String("zonefile") == "") == (c.String("update") == "") {
		return cli.Usagef("--zone NAME is needed, and one of --zonefile and --update")
	}
	p, err := network(c)
	if err != nil {
		return err
	}
	b, err := readAll(c, cli.Args(c)[0])
	if err != nil {
		return err
	}
	l, err := list.Read(b, p.Bootstrap.AllowPrivate)
	if err != nil {
		return err
	}
	d := publish.Draft{Name: zone, List: l, Addrs: c.Int("dnsaddr")}
	t, err := trustOf(c, p)
	if err != nil {
		return err
	}
	for _, name := range c.StringSlice("rotation") {
		r, err := readRotation(name)
		if err != nil {
			return err
		}
		if _, err := t.Rotate(r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		d.Rotations = append(d.Rotations, r)
	}
	if c.Bool("remove") {
		return remove(c, zone, l.Root)
	}
	if _, err := t.Check(l.Root, nil, list.Arrival{Now: uint64(time.Now().Unix())}); err != nil {
		return err
	}
	if c.String("update") != "" {
		return update(c, d)
	}
	return zoneFile(c, d)
}

func readRotation(name string) (*list.Rotation, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	r, err := list.DecodeRotation(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

func zoneFile(c *urfave.Context, d publish.Draft) error {
	text, err := d.ZoneFile()
	if err != nil {
		return err
	}
	name := c.String("zonefile")
	if name == "-" {
		_, err := io.WriteString(c.App.Writer, text)
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

func primary(c *urfave.Context) (*publish.Server, error) {
	s := &publish.Server{Addr: c.String("update"), Now: time.Now}
	if _, _, err := net.SplitHostPort(s.Addr); err != nil {
		s.Addr = net.JoinHostPort(strings.Trim(s.Addr, "[]"), "53")
	}
	name := c.String("tsig")
	if name == "" {
		return nil, cli.Usagef("--tsig FILE is needed")
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s.Key, err = publish.ParseKey(b)
	return s, err
}

func remove(c *urfave.Context, zone string, old *list.Root) error {
	s, err := primary(c)
	if err != nil {
		return err
	}
	if err := s.Remove(c.Context, zone, old); err != nil {
		return err
	}
	return cli.Out(c).Print(publishRow{"removed", fmt.Sprintf("%d leaves of list %s", old.Leaves, old.Label())})
}

func update(c *urfave.Context, d publish.Draft) error {
	s, err := primary(c)
	if err != nil {
		return err
	}
	plan, err := s.Plan(c.Context, d)
	if err != nil {
		return err
	}
	detail := fmt.Sprintf("zone %s: number %d, %d peers, %d leaves", plan.Zone, plan.New.Seq, plan.New.Peers, plan.New.Leaves)
	if plan.Old != nil {
		detail += fmt.Sprintf("; replaces number %d, %d peers, list %s", plan.Old.Seq, plan.Old.Peers, plan.Old.Label())
	}
	if err := cli.Out(c).Print(publishRow{"plan", detail}); err != nil {
		return err
	}
	if plan.Old != nil && plan.Old.Set == plan.New.Set && plan.Old.Seq > plan.New.Seq {
		return fmt.Errorf("number %d stands there; every client would refuse number %d", plan.Old.Seq, plan.New.Seq)
	}
	if c.Bool("dry-run") || c.Bool("diff") {
		return nil
	}
	if err := s.Run(c.Context, plan); err != nil {
		return err
	}
	if err := cli.Out(c).Print(publishRow{"updated", fmt.Sprintf("list %s, sha256 %x", plan.New.Label(), plan.New.Hash())}); err != nil {
		return err
	}
	return readBack(c, d)
}

// readBack asks resolvers, which may still hold the old root for an hour.
func readBack(c *urfave.Context, d publish.Draft) error {
	if len(c.StringSlice("server")) == 0 {
		return nil
	}
	servers, err := clients(c, nil)
	if err != nil {
		return err
	}
	defer closeAll(servers)
	var failed error
	for _, s := range servers {
		why := seen(c, s, d)
		row := publishRow{"seen", s.Server().String()}
		if why != "" {
			row = publishRow{"not-seen", s.Server().String() + "\t" + why}
			failed = fmt.Errorf("not every server has the new root yet; it may take %d minutes: %w", publish.RootTTL/60, cli.ErrPartial)
		}
		failed = errors.Join(failed, cli.Out(c).Print(row))
	}
	return failed
}

func seen(c *urfave.Context, s *exchange.Client, d publish.Draft) string {
	texts, err := lookTXT(c.Context, s, list.RootName(d.Name))
	if err != nil {
		return err.Error()
	}
	for _, text := range texts {
		if text == list.TXT(d.List.Root.Encode()) {
			return ""
		}
	}
	if len(texts) == 0 {
		return "no root"
	}
	return "another root"
}

func lookTXT(ctx context.Context, s *exchange.Client, name string) ([]string, error) {
	q, err := dnssec.Question(name, dnssec.TypeTXT)
	if err != nil {
		return nil, err
	}
	b, err := s.Exchange(ctx, q)
	if err != nil {
		return nil, err
	}
	a, err := dnssec.ReadAnswer(b, name, dnssec.TypeTXT)
	if err != nil {
		return nil, err
	}
	return a.Texts(), nil
}
