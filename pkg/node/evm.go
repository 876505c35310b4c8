package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/gateway"
	"github.com/pars-network/pars/pkg/evm/gateway/libp2p"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// Chain says which chain a node follows, and whom it asks beside its peers.
type Chain struct {
	Profile    *profile.Profile // whose section chain is meant
	Checkpoint evm.Hash         // to begin with; zero: what is kept, or that of the profile
	AllowOld   bool             // begin at one older than the profile's period
	Beacon     []string         // base URLs, before those of the profile; they are never logged
	RPC        []string
	Gateway    bool // prove state and pass on transactions for strangers, out of the servers
}

// FollowsChain reports whether a profile names a chain whose heads can be checked.
func FollowsChain(p *profile.Profile) bool {
	return p.Chain != nil && p.Chain.Finality != profile.FinalityNone
}

// ErrGateway says that a gateway has nothing behind it.
var ErrGateway = errors.New("a gateway needs a server of the chain: name one with --rpc, or in the profile")

// follower is the light client of a node: it follows the chain by what servers, peers, gossip and couriers bring,
// passes on what verified, and sends the transactions of the queue. nil follows nothing, and its methods bear that.
type follower struct {
	n      *Node
	cfg    Chain
	c      *evm.Client
	shelf  *evm.Shelf
	public gateway.Server // of strangers
	own    gateway.Server // of programs of this home
	wake   chan struct{}
	heard  chan evm.Container // verified here, to be passed on
	kept   *keptHead
	delay  time.Duration // mean time before a transaction leaves

	stepMu  sync.Mutex // held by a step
	vaultMu sync.Mutex // held while the vault is open

	mu     sync.Mutex // guards all below
	gates  []gate
	left   map[peer.ID]time.Time // who lied, until when
	search pace
	busy   bool
	tried  map[evm.Hash]int // transactions handed over, how often
	queue  map[string]int   // entries by state
	counts chainCounts
	served bool                     // the roles are announced
	purses map[gossip.PeerID]*purse // what updates heard may cost; "": all
}

// chainCounts are what the node did with updates and transactions since it started.
type chainCounts struct{ heard, refused, told, passed, sent, lies int }

// newFollower opens the light client of a node.
func newFollower(n *Node) (*follower, error) {
	if n.Chain == nil {
		return nil, nil
	}
	f := &follower{n: n, cfg: *n.Chain, wake: make(chan struct{}, 1), heard: make(chan evm.Container, 8), delay: meanDelay,
		left: map[peer.ID]time.Time{}, tried: map[evm.Hash]int{}, queue: map[string]int{}}
	if err := os.MkdirAll(filepath.Join(n.home.cfg.Dir, "evm"), 0o700); err != nil {
		return nil, err
	}
	f.kept = &keptHead{fs: n.home.fs, now: n.clock}
	f.c = &evm.Client{Profile: f.cfg.Profile, Files: f.kept, Now: n.clock, Checkpoint: f.cfg.Checkpoint, AllowOld: f.cfg.AllowOld,
		Peers: f.peers, Lights: f.lights, Blame: f.blame, Submit: f.submit}
	if err := f.c.Open(); err != nil {
		return nil, fmt.Errorf("chain of profile %s: %w", f.cfg.Profile.Name, err)
	}
	id := f.c.Spec().ID()
	f.shelf = &evm.Shelf{Spec: f.c.Spec(), Files: homeFiles{n.home.fs}, Dir: fmt.Sprintf("evm/%x.shelf", id[:4])}
	f.c.Keep = f.keep
	if err := f.servers(); err != nil {
		return nil, err
	}
	if f.cfg.Gateway && len(f.c.RPCs) == 0 {
		return nil, ErrGateway
	}
	f.open()
	return f, nil
}

// servers are those of the configuration and the profile, and the folder where bundles put updates.
func (f *follower) servers() error {
	if f.n.Offline {
		return nil
	}
	chain := f.cfg.Profile.Chain
	h := evm.NewHTTP()
	for _, u := range append(append([]string{}, f.cfg.Beacon...), chain.Beacon...) {
		b, err := evm.NewBeacon(u, h, f.c.Spec())
		if err != nil {
			return err
		}
		f.c.Sources = append(f.c.Sources, b)
	}
	for _, u := range append(append([]string{}, f.cfg.RPC...), chain.RPC...) {
		r, err := evm.NewRPC(u, h)
		if err != nil {
			return err
		}
		f.c.RPCs = append(f.c.RPCs, r)
	}
	return nil
}

// open makes the servers of strangers and of programs.
func (f *follower) open() {
	strangers := append(evm.Chained{f.shelf}, f.c.Sources...)
	spec, id := f.c.Spec(), f.cfg.Profile.ChainID
	f.public = gateway.Server{Spec: spec, ChainID: id, Light: strangers, Now: f.n.clock, Closed: func() bool { return !f.n.mode().Limits().Strangers }}
	if f.cfg.Gateway {
		f.public.Proofs, f.public.Pass = gateway.Relay{Client: f.c}, f.pass
		f.public.Check = func(raw []byte) error { return gateway.CheckTx(raw, id, f.c.BaseFee()) }
	}
	f.own = gateway.Server{Spec: spec, ChainID: id, Light: fresh{f}, Proofs: gateway.Relay{Client: f.c, Peers: true}, Now: f.n.clock, Free: true,
		Pass: func(ctx context.Context, _ string, raw []byte, _ int) error {
			_, err := f.c.Send(ctx, raw)
			return err
		}}
}

// start serves on the host and begins to follow.
func (f *follower) start(ctx context.Context) {
	if f == nil {
		return
	}
	f.countQueue()
	if f.n.Offline {
		return
	}
	libp2p.Serve(ctx, &f.public, f.n.host, f.n.Profile.Protocol, f.serves()...)
	f.n.wg.Go(func() { f.run(ctx) })
	f.n.wg.Go(func() { f.tell(ctx) })
}

// serves lists the protocols that are answered: containers by everybody who follows, the rest by gateways.
func (f *follower) serves() []string {
	if f.cfg.Gateway {
		return gateway.Protocols()
	}
	return []string{gateway.LightProtocol}
}

func (f *follower) stop() {
	if f != nil {
		if err := f.kept.flush(); err != nil {
			f.n.log.Warn("head of the chain not saved", "why", err)
		}
	}
}

func (f *follower) kick() {
	if f == nil {
		return
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// homeFiles are those of the home.
type homeFiles struct{ store.FS }

// WriteAtomic replaces a file.
func (h homeFiles) WriteAtomic(name string, b []byte) error { return store.WriteAtomic(h.FS, name, b) }

// keptEvery is how often a moving head is written: a restart asks for the few updates since.
const keptEvery = 5 * time.Minute

// keptHead writes the state of a light client from time to time instead of with each head.
type keptHead struct {
	fs  store.FS
	now func() time.Time

	mu      sync.Mutex // guards below
	at      time.Time
	name    string
	pending []byte
}

// ReadFile returns the content.
func (k *keptHead) ReadFile(name string) ([]byte, error) { return k.fs.ReadFile(name) }

// WriteAtomic writes at once the first time, later when it is due.
func (k *keptHead) WriteAtomic(name string, b []byte) error {
	k.mu.Lock()
	k.name, k.pending = name, b
	due := k.now().Sub(k.at) >= keptEvery
	k.mu.Unlock()
	if !due {
		return nil
	}
	return k.flush()
}

func (k *keptHead) flush() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending == nil {
		return nil
	}
	if err := store.WriteAtomic(k.fs, k.name, k.pending); err != nil {
		return err
	}
	k.pending, k.at = nil, k.now()
	return nil
}

// errNoChain says that the node follows none.
func errNoChain() error {
	return fmt.Errorf("the running node follows no chain: pars-node run --chain PROFILE: %w", wire.ErrNotFound)
}
