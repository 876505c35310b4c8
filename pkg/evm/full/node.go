//go:build parsfull

package full

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/ethereum/go-ethereum/common/fdlimit"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/p2p/enode"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/wire"
)

// ErrSetting: a field of Node is not usable.
var ErrSetting = errors.New("the node cannot run so")

// Node is an execution node. Set the fields, then Start; Close ends it. A second Start is an error.
type Node struct {
	// Client says which block is the head. Start follows with it; nobody else may.
	Client *evm.Client
	// Genesis is that of the client's chain.
	Genesis *Genesis
	// Dir keeps the chain across restarts. One process at a time has it.
	Dir string
	// Peers are execution nodes to begin with, enode:// URLs. Nobody else is searched for.
	Peers []string
	// Listen is where other execution nodes may connect, an IP address and a port; empty: nowhere.
	Listen string
	// Snap fetches the state of a recent block instead of executing every block from genesis on.
	Snap bool
	// Cache is how much memory databases and tries may take, in MiB.
	Cache int
	// HTTP, when set, is where JSON-RPC is answered: an address of this machine. Start takes it over.
	HTTP net.Listener
	// Version is what web3_clientVersion says.
	Version string
	// Tell is told each verified head that was executed here. It must not call Close. May be nil.
	Tell func(evm.Head)
	// Log, when set, takes what go-ethereum logs. It has one logger a process.
	Log io.Writer

	stack *node.Node
	eth   *eth.Ethereum
	drive *driver
	http  *http.Server
	wg    sync.WaitGroup // of http
}

// Start opens the chain and follows it until Close.
func (n *Node) Start() error {
	if n.stack != nil {
		return errors.New("full node was started before")
	}
	if n.Genesis == nil {
		return wire.Invalid("no genesis of the chain")
	}
	if id := n.Genesis.block.Config.ChainID.Uint64(); id != n.Client.Profile.ChainID {
		return fmt.Errorf("genesis is of chain %d, the profile is %d: %w", id, n.Client.Profile.ChainID, evm.ErrChain)
	}
	cfg, err := n.config()
	if err != nil {
		return err
	}
	if n.Log != nil {
		log.SetDefault(log.NewLogger(log.NewTerminalHandler(n.Log, false)))
	}
	if n.stack, err = node.New(cfg); err != nil {
		return n.why(err)
	}
	if err := n.start(); err != nil {
		return errors.Join(n.why(err), n.Close())
	}
	return nil
}

func (n *Node) start() (err error) {
	if n.eth, err = eth.New(n.stack, n.ethConfig()); err != nil {
		return err
	}
	n.drive = newDriver(n.Client, n.eth, n.Tell)
	n.stack.RegisterLifecycle(n.drive) // stopped before the chain is
	if err := n.serve(); err != nil {
		return err
	}
	return n.stack.Start()
}

// why turns errors of go-ethereum into those that a caller decides on.
func (n *Node) why(err error) error {
	var genesis *core.GenesisMismatchError
	switch {
	case errors.Is(err, node.ErrDatadirUsed):
		return fmt.Errorf("another process has %s: %w", n.Dir, wire.ErrBusy)
	case errors.As(err, &genesis):
		return wire.Invalid("%s keeps a chain of another genesis: %v", n.Dir, err)
	}
	return err
}

func (n *Node) config() (*node.Config, error) {
	c := &node.Config{Name: "chain", DataDir: n.Dir, Version: n.Version,
		P2P: p2p.Config{MaxPeers: 25, NoDiscovery: true, ListenAddr: n.Listen}}
	for _, s := range n.Peers {
		p, err := enode.Parse(enode.ValidSchemes, s)
		if err != nil {
			return nil, fmt.Errorf("%.200q is no enode (%v): %w", s, err, ErrSetting)
		}
		c.P2P.StaticNodes = append(c.P2P.StaticNodes, p)
	}
	if n.Listen == "" {
		return c, nil
	}
	host, _, err := net.SplitHostPort(n.Listen)
	if err != nil || net.ParseIP(host) == nil {
		return nil, fmt.Errorf("%.100q is no IP address and port: %w", n.Listen, ErrSetting)
	}
	return c, nil
}

func (n *Node) ethConfig() *eth.Config {
	c := ethconfig.Defaults
	c.Genesis, c.SyncMode = n.Genesis.block, ethconfig.FullSync
	if n.Snap {
		c.SyncMode = ethconfig.SnapSync
	}
	// Shares as geth gives them.
	c.DatabaseCache, c.TrieCleanCache, c.TrieDirtyCache, c.SnapshotCache = n.Cache*50/100, n.Cache*15/100, n.Cache*25/100, n.Cache*10/100
	if limit, err := fdlimit.Current(); err == nil {
		c.DatabaseHandles = min(limit/2, 8192)
	}
	return &c
}

// Close stops following, answering and storing, in this order, and waits.
func (n *Node) Close() error {
	if n.stack == nil {
		return nil
	}
	var errs []error
	if n.http != nil {
		errs = append(errs, n.http.Close())
		n.wg.Wait()
	} else if n.HTTP != nil {
		errs = append(errs, n.HTTP.Close())
	}
	if err := n.stack.Close(); !errors.Is(err, node.ErrNodeStopped) {
		errs = append(errs, err)
	}
	if n.drive != nil {
		errs = append(errs, n.drive.failed)
	}
	return errors.Join(errs...)
}

// Done is closed when the chain cannot be followed any further; Close then says why.
func (n *Node) Done() <-chan struct{} { return n.drive.done }

// Enode is the URL by which other execution nodes reach this one.
func (n *Node) Enode() string { return n.stack.Server().Self().URLv4() }
