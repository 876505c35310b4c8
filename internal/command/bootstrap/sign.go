package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

type listRow struct {
	Label      string    `json:"label"`
	SHA256     string    `json:"sha256"`
	Seq        uint64    `json:"seq"`
	Peers      int       `json:"peers"`
	Leaves     int       `json:"leaves"`
	Signatures int       `json:"signatures"`
	Need       int       `json:"need,omitempty"`
	Issued     time.Time `json:"issued"`
	Expires    time.Time `json:"expires"`
	Verdict    string    `json:"verdict,omitempty"`
	Reason     string    `json:"reason,omitempty"`
}

// Text begins with the fingerprint that all holders must compare.
func (r listRow) Text() string {
	s := fmt.Sprintf("%s\tnumber %d\t%d peers\t%d of %d signatures\tuntil %s", r.SHA256, r.Seq, r.Peers, r.Signatures, r.Need, r.Expires.Format(time.DateOnly))
	if r.Verdict != "" {
		s = r.Verdict + "\t" + s
	}
	return s
}

func rowOf(r *list.Root, s *list.Set) listRow {
	row := listRow{Label: r.Label(), SHA256: fmt.Sprintf("%x", r.Hash()), Seq: r.Seq, Peers: r.Peers, Leaves: r.Leaves, Signatures: len(r.Sigs),
		Issued: time.Unix(int64(r.Issued), 0).UTC(), Expires: time.Unix(int64(r.Expires), 0).UTC()}
	if s != nil {
		row.Need = s.K
	}
	return row
}

func signVerb() *urfave.Command {
	return &urfave.Command{
		Name: "sign", Usage: "make a list of peers, or add a signature to one", ArgsUsage: "FILE|-",
		Description: "Takes the lines of pars-dht crawl or of resolve, or multiaddrs, and makes a list; or takes a list and adds a signature. Each holder signs in turn " +
			"and compares the fingerprint, the first column, with the others. A peer that was not reached for seven days, and a fourth one in a /16, is left out.",
		Flags: []urfave.Flag{&urfave.StringSliceFlag{Name: "key", Usage: "sign with the key in `FILE` (repeat for more)"},
			&urfave.StringFlag{Name: "set", Usage: "for this trust set (default: that of the profile)"},
			&urfave.Uint64Flag{Name: "seq", Usage: "give the new list the number `N`, above that of the last one (default: the time in seconds)"},
			&urfave.DurationFlag{Name: "expires", Value: list.Life * time.Second, Usage: "the new list is good for `D`, at most 90 days"},
			&urfave.BoolFlag{Name: "domestic", Usage: "the new list is one of peers inside the country"},
			&urfave.StringFlag{Name: "zone", Usage: "cut the leaves for the answers of `NAME`"},
			&urfave.BoolFlag{Name: "text", Usage: "write the line pars:list/… in place of the file"}, cli.OutputFlag()},
		Action: signAction,
	}
}

func signAction(c *urfave.Context) error {
	p, err := network(c)
	if err != nil {
		return err
	}
	keys, err := readKeys(c)
	if err != nil {
		return err
	}
	set, err := signSet(c, p)
	if err != nil {
		return err
	}
	b, err := readAll(c, cli.Args(c)[0])
	if err != nil {
		return err
	}
	l, err := list.Read(b, p.Bootstrap.AllowPrivate)
	if err != nil && !listLike(b) {
		l, err = draft(c, p, set, b)
	}
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := l.Root.SignWith(set, k); err != nil {
			return err
		}
	}
	row := rowOf(l.Root, set)
	if name := c.String("o"); name != "" && name != "-" {
		if err := cli.Out(c).Print(row); err != nil {
			return err
		}
	} else {
		cli.Warnf(c, "%s", row.Text())
	}
	return cli.Output(c, func(w io.Writer) error {
		out := l.EncodeFile()
		if c.Bool("text") {
			out = []byte(l.Text() + "\n")
		}
		_, err := w.Write(out)
		return err
	})
}

// listLike tells a list that is damaged from lines that are none.
func listLike(b []byte) bool {
	return len(b) > 6 && string(b[2:6]) == "PBL1" || bytes.HasPrefix(bytes.TrimSpace(b), []byte("pars:list/"))
}

func signSet(c *urfave.Context, p *profile.Profile) (*list.Set, error) {
	text := c.String("set")
	if text != "" {
		s, err := parseSet(text)
		if err != nil {
			return nil, cli.Usagef("%v", err)
		}
		return s, nil
	}
	sets, err := profileSets(p)
	if err == nil && len(sets) != 1 {
		err = cli.Usagef("profile %s has %d trust sets; name one with --set", p.Name, len(sets))
	}
	if err != nil {
		return nil, err
	}
	return sets[0], nil
}

func readAll(c *urfave.Context, name string) ([]byte, error) {
	in, err := cli.Input(c, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	const most = 64 << 20
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if len(b) > most {
		return nil, wire.Invalid("%s is larger than %d bytes", name, most)
	}
	return b, err
}

func draft(c *urfave.Context, p *profile.Profile, set *list.Set, b []byte) (*list.List, error) {
	now := time.Now()
	d := list.Draft{Set: set, Seq: c.Uint64("seq"), Issued: uint64(now.Unix()), Domestic: c.Bool("domestic")}
	if d.Seq == 0 {
		d.Seq = d.Issued
	}
	d.Expires = d.Issued + uint64(c.Duration("expires")/time.Second)
	if zone := c.String("zone"); zone != "" {
		d.Room = list.LeafRoom(zone)
	}
	entries, err := list.ReadNodes(bytes.NewReader(b), now, p.Bootstrap.AllowPrivate, func(peer, why string) { cli.Warnf(c, "%s is left out: %s", peer, why) })
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("no peer can be listed: %w", wire.ErrNotFound)
	}
	d.Entries = entries
	l, err := d.Build()
	if err != nil {
		return nil, errors.Join(errors.New("the list cannot be made"), err)
	}
	return l, nil
}
