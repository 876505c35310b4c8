package bootstrap

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
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
