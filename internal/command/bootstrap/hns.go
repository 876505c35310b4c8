package bootstrap

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/hns"
	disk "github.com/pars-network/pars/pkg/store/files"
	"github.com/pars-network/pars/pkg/wire"
)

// maxTipAge is how old the newest block may be for the chain to speak of today.
const maxTipAge = 24 * time.Hour

func hnsVerb() *urfave.Command {
	return &urfave.Command{
		Name: "hns", Usage: "names of Handshake, proven by its chain",
		Subcommands: []*urfave.Command{hnsSyncVerb(), hnsStatusVerb(), hnsResolveVerb(), hnsProofVerb(), hnsVerifyVerb()},
	}
}

func hnsFlags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{
		&urfave.StringFlag{Name: "chain", Value: "main", Usage: "follow the chain `NAME|FILE`: main, testnet, regtest, or its constants in a file"}}, more...)
}

func hnsPeerFlags(more ...urfave.Flag) []urfave.Flag {
	return hnsFlags(append([]urfave.Flag{
		&urfave.StringSliceFlag{Name: "peer", Usage: "ask the full node at `HOST[:PORT]` in place of those that the chain's constants name (repeat for more)"},
		&urfave.StringFlag{Name: "proxy", Usage: "go through `URL`: socks5://HOST:PORT or http://HOST:PORT"},
		&urfave.IntFlag{Name: "agree", Value: hns.Enough, Usage: "be content when `N` peers of different networks agree"}}, more...)...)
}

// hnsHome is the chain as it is kept, and where.
type hnsHome struct {
	net   *hns.Network
	chain *hns.Chain
	fs    disk.FS
	name  string
}

func openHNS(c *urfave.Context) (*hnsHome, error) {
	n, err := hnsNetwork(c.String("chain"))
	if err != nil {
		return nil, err
	}
	home, err := cli.Home(c)
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(home, "cache")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return nil, err
	}
	h := &hnsHome{net: n, fs: disk.OS(cache), name: "hns-" + n.ID().String()[:8]}
	b, err := os.ReadFile(filepath.Join(cache, h.name))
	if errors.Is(err, os.ErrNotExist) {
		h.chain, err = hns.NewChain(n)
		return h, err
	}
	if err != nil {
		return nil, err
	}
	if h.chain, err = hns.DecodeState(n, b); err != nil {
		cli.Warnf(c, "%s: %v; beginning again at the checkpoint", filepath.Join(cache, h.name), err)
		h.chain, err = hns.NewChain(n)
	}
	return h, err
}

func hnsNetwork(name string) (*hns.Network, error) {
	if !strings.ContainsAny(name, "./\\") {
		n, err := hns.LoadNetwork(name)
		if err != nil {
			return nil, cli.Usagef("%v", err)
		}
		return n, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return hns.ParseNetwork(b)
}

func (h *hnsHome) save(chain *hns.Chain) error { return disk.WriteAtomic(h.fs, h.name, chain.Encode()) }

// client asks the peers of --peer, or those that the network names.
func (h *hnsHome) client(c *urfave.Context) (*hns.Client, error) {
	peers := c.StringSlice("peer")
	if len(peers) == 0 {
		peers = shuffled(h.net.Seeds)
	}
	if len(peers) == 0 {
		return nil, cli.Usagef("no peer of %s is known; name one with --peer", h.net.Name)
	}
	if c.Int("agree") < 1 {
		return nil, cli.Usagef("--agree is at least 1")
	}
	d, err := dialer(c)
	if err != nil {
		return nil, err
	}
	cl := &hns.Client{Network: h.net, Peers: peers, Now: time.Now, Enough: c.Int("agree"), Saved: h.save}
	if d != nil {
		cl.Dialer = d
	}
	return cl, nil
}

// shuffled puts a list in random order, so that no server sees all users first.
func shuffled(list []string) []string {
	keys := map[string][]byte{}
	for _, s := range list {
		keys[s] = make([]byte, 8)
		rand.Read(keys[s]) // never fails
	}
	return slices.SortedFunc(slices.Values(list), func(a, b string) int { return bytes.Compare(keys[a], keys[b]) })
}

// sync brings the chain up to date and tells what was found amiss.
func (h *hnsHome) sync(c *urfave.Context, cl *hns.Client) (*hns.Report, error) {
	meter := cli.Progress(c)
	start := h.chain.Tip().Height
	cl.Progress = func(height, claimed uint32) {
		meter.Set("block %d of %d, %d new", height, max(height, claimed), int(height)-int(start))
	}
	chain, report, err := cl.Sync(c.Context, h.chain)
	meter.Done()
	h.chain = chain
	hnsTell(c, report)
	return report, err
}

func hnsTell(c *urfave.Context, report *hns.Report) {
	for _, r := range report.Refused {
		if errors.Is(r.Err, wire.ErrInvalid) {
			cli.Warnf(c, "left: %v", r.Err)
		} else {
			cli.Verbosef(c, "no answer: %v", r.Err)
		}
	}
	if report.Clock {
		cli.Warnf(c, "a peer has blocks from the future: it lies, or the clock of this device is behind")
	}
	if report.Replaced {
		cli.Warnf(c, "another branch with more work was taken in place of what was held: earlier answers may have been lies")
	}
}

// fresh refuses a tip that is too old to speak of today.
func (h *hnsHome) fresh(c *urfave.Context) error {
	if age := h.age(); age > maxTipAge && !c.Bool("stale") {
		return &hnsStale{age}
	}
	return nil
}

func (h *hnsHome) age() time.Duration {
	return max(0, time.Since(time.Unix(int64(h.chain.Tip().Time), 0)))
}

type hnsStale struct{ age time.Duration }

func (e *hnsStale) Error() string {
	return fmt.Sprintf("the newest block is %v old; sync with other peers, or answer from it with --stale", e.age.Round(time.Second))
}

func (e *hnsStale) Unwrap() error { return cli.ErrTimeout }

type hnsRow struct {
	Chain    string   `json:"chain"`
	Height   uint32   `json:"height"`
	Hash     hns.Hash `json:"hash"`
	Time     string   `json:"time"`
	Age      int64    `json:"age_s"`
	Work     string   `json:"work"`
	Root     hns.Hash `json:"tree_root"`
	RootAt   uint32   `json:"tree_height"`
	New      int      `json:"new"`
	Agree    int      `json:"agree"`
	Refused  int      `json:"refused"`
	Replaced bool     `json:"replaced,omitempty"`
}

// Text is height, hash, time and the root that proofs are asked under.
func (r hnsRow) Text() string {
	return fmt.Sprintf("%d\t%s\t%s\troot %s at %d", r.Height, r.Hash, r.Time, r.Root, r.RootAt)
}

func (h *hnsHome) row(report *hns.Report) hnsRow {
	tip := h.chain.Tip()
	r := hnsRow{Chain: h.net.Name, Height: tip.Height, Hash: tip.Hash, Time: time.Unix(int64(tip.Time), 0).UTC().Format(time.RFC3339),
		Age: int64(h.age().Seconds()), Work: h.chain.Work().String()}
	if safe, ok := h.chain.Safe(); ok {
		r.Root, r.RootAt = safe.Tree, safe.Height
	}
	if report != nil {
		r.New, r.Agree, r.Refused, r.Replaced = report.New, report.Agree, len(report.Refused), report.Replaced
	}
	return r
}

func hnsSyncVerb() *urfave.Command {
	return &urfave.Command{
		Name: "sync", Usage: "check the headers of the chain up to today",
		Description: "Begins at the checkpoint that the program brings, or where it was stopped; what is checked is on the disk after every answer. Full nodes are asked " +
			"until --agree of them, of different networks, have nothing newer; fewer is exit 3. A branch that begins deep below is followed " +
			"on its own, and taken when it has more work.",
		Flags: hnsPeerFlags(),
		Action: func(c *urfave.Context) error {
			h, err := openHNS(c)
			if err != nil {
				return err
			}
			cl, err := h.client(c)
			if err != nil {
				return err
			}
			report, err := h.sync(c, cl)
			if err != nil {
				return err
			}
			if err := cli.Out(c).Print(h.row(report)); err != nil {
				return err
			}
			if report.Agree < c.Int("agree") {
				return fmt.Errorf("%d of %d peers agree: %w", report.Agree, c.Int("agree"), cli.ErrPartial)
			}
			return nil
		},
	}
}

func hnsStatusVerb() *urfave.Command {
	return &urfave.Command{
		Name: "status", Usage: "print the newest block that is held, and ask nobody", Flags: hnsFlags(),
		Action: func(c *urfave.Context) error {
			h, err := openHNS(c)
			if err != nil {
				return err
			}
			return cli.Out(c).Print(h.row(nil))
		},
	}
}

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

func hnsProofVerb() *urfave.Command {
	return &urfave.Command{
		Name: "proof", Usage: "write what proves a name, for somebody without a network", ArgsUsage: "NAME",
		Description: "The file holds the path from a tree root to the name, or to the place where it would be. Whoever holds the headers checks it with verify. " +
			"The proof of an absent name is written too, exit 4.",
		Flags: hnsPeerFlags(cli.OutputFlag(), &urfave.BoolFlag{Name: "stale", Usage: "prove under an old block"}),
		Action: func(c *urfave.Context) error {
			a, err := hnsProve(c, strings.TrimSuffix(cli.Args(c)[0], "."))
			if a == nil || a.Proof == nil || err != nil && !errors.Is(err, wire.ErrNotFound) {
				return err
			}
			if e := cli.Output(c, func(w io.Writer) error { _, err := w.Write(a.Slip().Encode()); return err }); e != nil {
				return e
			}
			return err
		},
	}
}

func hnsVerifyVerb() *urfave.Command {
	return &urfave.Command{
		Name: "verify", Usage: "check a proof of a name against the headers that are held, and ask nobody", ArgsUsage: "FILE|-",
		Description: "Prints the records as resolve does. Exit 4 when the name is proven absent, or when the proof is of a root that is not held, and 6 when it " +
			"does not hold.",
		Flags: hnsFlags(),
		Action: func(c *urfave.Context) error {
			in, err := cli.Input(c, cli.Args(c)[0])
			if err != nil {
				return err
			}
			defer in.Close()
			b, err := io.ReadAll(io.LimitReader(in, hns.MaxSlip+1))
			if err != nil {
				return err
			}
			s, err := hns.DecodeSlip(b)
			if err != nil {
				return err
			}
			h, err := openHNS(c)
			if err != nil {
				return err
			}
			a, err := s.Check(h.chain)
			if err != nil {
				return err
			}
			return hnsPrint(c, a)
		},
	}
}
