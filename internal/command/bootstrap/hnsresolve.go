package bootstrap

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/hns"
	"github.com/pars-network/pars/pkg/wire"
)

func hnsResolveVerb() *urfave.Command {
	return &urfave.Command{
		Name: "resolve", Usage: "print what the chain holds under a name, or records of the zone below it", ArgsUsage: "NAME [TYPE]",
		Description: "Syncs, has a peer prove the name, and prints its records. With TYPE, or a name of several labels, the name servers that the chain names, or those of " +
			"--server, are asked, and their answer is judged by DNSSEC with the DS of the chain as the only anchor: exit 6 when BOGUS. A name that " +
			"nobody has is proven absent, exit 4.",
		Flags: hnsPeerFlags(&urfave.BoolFlag{Name: "stale", Usage: "answer from an old block"},
			&urfave.StringSliceFlag{Name: "server", Usage: "ask `SERVER` for the zone, as in lookup (repeat for more)"}),
		Action: hnsResolveAction,
	}
}

func hnsResolveAction(c *urfave.Context) error {
	args := cli.Args(c)
	name := strings.TrimSuffix(args[0], ".")
	tld := name[strings.LastIndexByte(name, '.')+1:]
	if len(args) == 1 && tld != name {
		args = append(args, "TXT")
	}
	a, err := hnsProve(c, tld)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		return hnsPrint(c, a)
	}
	typ, err := dnssec.ParseType(args[1])
	if err != nil {
		return cli.Usagef("%v", err)
	}
	return hnsBelow(c, a, name, typ)
}

// hnsProve syncs and has a name proven.
func hnsProve(c *urfave.Context, name string) (*hns.Answer, error) {
	if _, _, err := hns.Key(name); err != nil {
		return nil, cli.Usagef("%v", err)
	}
	h, err := openHNS(c)
	if err != nil {
		return nil, err
	}
	cl, err := h.client(c)
	if err != nil {
		return nil, err
	}
	report, err := h.sync(c, cl)
	if err != nil {
		return nil, err
	}
	if report.Agree < cl.Enough {
		cli.Verbosef(c, "%d of %d peers agree on the chain", report.Agree, cl.Enough)
	}
	if err := h.fresh(c); err != nil {
		return nil, err
	}
	asked := &hns.Report{}
	a, err := cl.Resolve(c.Context, h.chain, name, asked)
	hnsTell(c, asked)
	return a, err
}

type hnsRecord struct {
	Name      string     `json:"name"`
	Type      string     `json:"type"`
	Tag       uint16     `json:"key_tag,omitempty"`
	Algorithm uint8      `json:"algorithm,omitempty"`
	Digest    uint8      `json:"digest_type,omitempty"`
	Sum       string     `json:"digest,omitempty"`
	NS        string     `json:"ns,omitempty"`
	Addr      netip.Addr `json:"address,omitzero"`
	TXT       []string   `json:"txt,omitempty"`
	Height    uint32     `json:"tree_height"`
	Root      hns.Hash   `json:"tree_root"`
	Verified  bool       `json:"verified"`
}

// Text is name, type and data as in a zone file.
func (r hnsRecord) Text() string {
	data := r.NS
	switch {
	case r.Type == "DS":
		data = fmt.Sprintf("%d %d %d %s", r.Tag, r.Algorithm, r.Digest, strings.ToUpper(r.Sum))
	case r.Type == "TXT":
		var quoted []string
		for _, s := range r.TXT {
			quoted = append(quoted, fmt.Sprintf("%q", s))
		}
		data = strings.Join(quoted, " ")
	case r.Addr.IsValid():
		data += " " + r.Addr.String()
	}
	return r.Name + "\t" + r.Type + "\t" + data
}

func hnsPrint(c *urfave.Context, a *hns.Answer) error {
	base := hnsRecord{Name: a.Name + ".", Height: a.Block.Height, Root: a.Block.Tree, Verified: true}
	var list []hnsRecord
	for _, d := range a.Resource.DS {
		r := base
		r.Type, r.Tag, r.Algorithm, r.Digest, r.Sum = "DS", d.Tag, d.Algorithm, d.Digest, hex.EncodeToString(d.Sum)
		list = append(list, r)
	}
	for _, s := range a.Resource.NS {
		r := base
		r.Type, r.NS, r.Addr = "NS", s.Name, s.Addr
		list = append(list, r)
	}
	for _, s := range a.Resource.TXT {
		r := base
		r.Type, r.TXT = "TXT", s
		list = append(list, r)
	}
	for _, r := range list {
		if err := cli.Out(c).Print(r); err != nil {
			return err
		}
	}
	if a.Resource.Unknown {
		cli.Warnf(c, "%s holds a record of a type that this release does not know", a.Name)
	}
	return nil
}

// hnsServers are those of --server, or those whose address the chain itself names.
func hnsServers(c *urfave.Context, a *hns.Answer) ([]*exchange.Client, error) {
	texts := c.StringSlice("server")
	if len(texts) == 0 {
		texts = bootstrap.HNSServers(a)
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("the chain names no address of a server for %s; name one with --server", a.Name)
	}
	d, err := dialer(c)
	if err != nil {
		return nil, err
	}
	var out []*exchange.Client
	for _, text := range texts[:min(len(texts), 8)] {
		s, err := exchange.ParseServer(text)
		if err != nil {
			closeAll(out)
			return nil, cli.Usagef("%v", err)
		}
		out = append(out, exchange.New(s, d))
	}
	return out, nil
}

// hnsBelow asks the servers of the zone until an answer can be judged.
func hnsBelow(c *urfave.Context, a *hns.Answer, name string, typ uint16) error {
	keys := bootstrap.HNSAnchors(a)
	if len(keys) == 0 {
		return fmt.Errorf("%s has no DS in the chain that can be used, so nothing below it can be proven: %w", a.Name, wire.ErrNotFound)
	}
	servers, err := hnsServers(c, a)
	if err != nil {
		return err
	}
	defer closeAll(servers)
	start := time.Now()
	var answer *dnssec.Answer
	row := verdictRow{}
	for _, s := range servers {
		r := &dnssec.Resolver{Server: s, Now: time.Now, Anchors: keys}
		if answer, err = r.Lookup(c.Context, name, typ); err != nil {
			return cli.Usagef("%v", err)
		}
		row.Server = s.Server().String()
		if answer.Verdict != dnssec.Indeterminate {
			break
		}
		cli.Verbosef(c, "%s: %s", row.Server, answer.Why)
	}
	for _, line := range answer.Lines() {
		if err := cli.Out(c).Print(line); err != nil {
			return err
		}
	}
	row.Verdict, row.Rcode, row.Why, row.Clock = answer.Verdict.String(), dnssec.RcodeName(answer.Rcode), answer.Why, answer.Clock
	row.TTL, row.Queries, row.Checks = int(answer.TTL.Seconds()), answer.Queries, answer.Checks
	row.MS = float64(time.Since(start).Microseconds()) / 1000
	if err := cli.Out(c).Print(row); err != nil {
		return err
	}
	return verdictError(answer, name)
}
