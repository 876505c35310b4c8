//go:build parsfull

package evm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/version"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/full"
)

const lonely = 20 * time.Second // without a peer before that is worth a word

func fullVerbs() []*urfave.Command { return []*urfave.Command{nodeVerb(nodeAction)} }

type nodeRow struct {
	Type  string `json:"type"`
	Enode string `json:"enode"`
	URL   string `json:"url,omitempty"`
}

// Text is the line that says that the node runs, with its enode and where it answers.
func (r nodeRow) Text() string {
	if r.URL == "" {
		return "ready\t" + r.Enode
	}
	return "ready\t" + r.Enode + "\t" + r.URL
}

type executedRow struct {
	Type string `json:"type"`
	headRow
	Peers int `json:"peers"`
}

// Text is the head, as sync prints it.
func (r executedRow) Text() string { return r.headRow.Text() }

func nodeAction(c *urfave.Context) error {
	if c.Int("cache") < 64 || c.Int("cache") > 1<<20 {
		return cli.Usagef("--cache: 64 to %d", 1<<20)
	}
	cl, err := open(c)
	if err != nil {
		return err
	}
	n := &full.Node{Client: cl, Peers: c.StringSlice("peer"), Listen: c.String("listen"), Cache: c.Int("cache"), Version: "pars-evm/" + version.String()}
	if n.Listen == "none" {
		n.Listen = ""
	}
	if n.Dir, err = chainDir(c, cl.Profile.ChainID); err != nil {
		return err
	}
	if n.Genesis, err = genesis(c, cl.Profile.ChainID); err != nil {
		return err
	}
	n.Snap = c.String("genesis") == "" && !c.Bool("execute-all")
	if len(n.Peers) == 0 && n.Listen == "" {
		return cli.Usagef("no execution node to fetch blocks from: --peer ENODE")
	}
	if c.Bool("v") {
		n.Log = c.App.ErrWriter
	}
	if err := weighty(c, n.Dir, cl.Profile.ChainID); err != nil {
		return err
	}
	if err := cl.Sync(c.Context); err != nil { // what is wrong with the head is told before the chain is opened
		return err
	}
	if n.HTTP, err = listenHTTP(c); err != nil {
		return err
	}
	return runNode(c, cl, n)
}

func chainDir(c *urfave.Context, chain uint64) (string, error) {
	if dir := c.String("datadir"); dir != "" {
		return dir, nil
	}
	home, err := cli.Home(c)
	return filepath.Join(home, "evm", fmt.Sprint(chain)), err
}

func genesis(c *urfave.Context, chain uint64) (*full.Genesis, error) {
	name := c.String("genesis")
	if name == "" {
		if g := full.KnownGenesis(chain); g != nil {
			return g, nil
		}
		return nil, cli.Usagef("the genesis of chain %d is not built in: --genesis FILE", chain)
	}
	f, err := cli.Input(c, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, full.MaxGenesis+1))
	if err != nil {
		return nil, err
	}
	return full.DecodeGenesis(b, chain)
}

// weighty asks before a chain is begun that fills a disk.
func weighty(c *urfave.Context, dir string, chain uint64) error {
	_, err := os.Stat(dir)
	if chain != 1 || c.Bool("yes") || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	const what = "Ethereum takes above 1 TB of disk and hours to days to fetch"
	if !cli.StdinTerminal(c) {
		return cli.Usagef("%s; add --yes", what)
	}
	return cli.Confirm(c, fmt.Sprintf("%s, into %s; go on? type yes", what, dir))
}

func listenHTTP(c *urfave.Context) (net.Listener, error) {
	if c.String("http") == "" {
		return nil, nil
	}
	return net.Listen("tcp", c.String("http"))
}

func runNode(c *urfave.Context, cl *evm.Client, n *full.Node) (err error) {
	heads := make(chan evm.Head, 16)
	n.Tell = func(h evm.Head) {
		select {
		case heads <- h:
		default: // whoever reads is slow; the next one says more
		}
	}
	if err := n.Start(); errors.Is(err, full.ErrSetting) {
		return cli.Usagef("%v", err)
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	row := nodeRow{Type: "ready", Enode: n.Enode()}
	if n.HTTP != nil {
		row.URL = "http://" + n.HTTP.Addr().String()
	}
	if err := cli.Out(c).Print(row); err != nil {
		return err
	}
	meter := cli.Progress(c)
	defer meter.Done()
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	alone := time.Now()
	for {
		select {
		case <-c.Context.Done():
			return c.Context.Err()
		case <-n.Done():
			return nil // Close says why
		case <-ticks.C:
			s := n.Status()
			meter.Set("%v", s)
			if s.Peers > 0 {
				alone = time.Now()
			} else if time.Since(alone) > lonely {
				alone = time.Now().Add(time.Hour)
				cli.Warnf(c, "no peer for %v: is the node of --peer up, does it let this one in, and is it of this genesis?", lonely)
			}
		case h := <-heads:
			meter.Done()
			if err := cli.Out(c).Print(executedRow{"head", rowOfHead(cl, h), n.Status().Peers}); err != nil {
				return err
			}
		}
	}
}
