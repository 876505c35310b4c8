package node

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/dht"
)

const (
	presenceTick = 5 * time.Second
	tableEvery   = 10 * time.Minute
	maxTable     = 64
	joinMax      = time.Minute
)

// presence is this node in the hash table: it asks, or once somebody has reached it serves; it tells the members of
// each session and the holders of its codes where it is, and looks for those who are absent. One goroutine runs it.
type presence struct {
	n       *Node
	wake    chan struct{}
	reached atomic.Bool // somebody called us: we can serve

	lan lanTable
	dht atomic.Pointer[dht.Node] // the instance in use; what still runs on one that was replaced ends there

	mu     sync.Mutex   // guards all below
	seeds  []dht.Peer   // of the last run
	listed []dht.Peer   // found by the race of roads
	told   map[any]told // by a beacon's key
	sought map[string]*search
	seq    uint64
	counts presenceCounts
	raced  int // races for first peers that came to their end

	first first

	// of the goroutine alone
	joined   bool
	joinNext time.Time
	joinWait time.Duration
	saved    time.Time
	covers   int
}

type presenceCounts struct{ told, found, looked int }

func (p *presence) count() presenceCounts {
	if p == nil {
		return presenceCounts{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

// newPresence begins as one that only asks.
func newPresence(n *Node) (*presence, error) {
	p := &presence{n: n, wake: make(chan struct{}, 1), told: map[any]told{}, sought: map[string]*search{}}
	p.first.p, p.first.began = p, n.clock()
	p.lan.n = n
	p.load()
	return p, p.open(false)
}

func (p *presence) start(ctx context.Context) {
	if p != nil {
		p.n.wg.Go(func() { p.run(ctx) })
	}
}

// open makes the instance of a mode the one in use.
func (p *presence) open(server bool) error {
	n := p.n
	d := &dht.Node{Host: n.host, NetID: n.Profile.NetID(), Chain: n.Profile.ChainID, Server: server, Now: n.clock, Rand: n.home.cfg.Rand,
		Seeds: p.known, Contact: n.contact}
	if _, err := io.ReadFull(n.home.cfg.Rand, d.Secret[:]); err != nil {
		return err
	}
	if old := p.dht.Load(); old != nil {
		old.Close()
	}
	if err := d.Start(); err != nil {
		return err
	}
	p.dht.Store(d)
	return nil
}

// contact reports whether a peer has proven to share a session.
func (n *Node) contact(id dht.PeerID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	st := n.streams[peer.ID(id)]
	return st != nil && st.shared > 0
}

// known are the peers to begin with: those named, those of last time, and those met.
func (p *presence) known() []dht.Peer {
	var out []dht.Peer
	if !p.n.book.warm() {
		p.mu.Lock()
		out = append(out, p.seeds...)
		p.mu.Unlock()
	}
	p.mu.Lock()
	out = append(out, p.listed...)
	p.mu.Unlock()
	for _, s := range p.n.Peers {
		if seed, err := dht.ParsePeer(s); err == nil {
			out = append(out, seed)
		}
	}
	for _, a := range p.n.dialer.best(maxAnchors) {
		out = append(out, dht.Peer{ID: dht.PeerID(a.ID), Addrs: rawAddrs(a.Addrs), Class: dht.Anchor})
	}
	return out
}

func rawAddrs(addrs []ma.Multiaddr) (out [][]byte) {
	for _, a := range addrs {
		out = append(out, a.Bytes())
	}
	return out
}

func (p *presence) kick() {
	if p == nil {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// met notes a connection that a peer opened: where one gets through, others may.
func (p *presence) met(c network.Conn) {
	if p != nil && c.Stat().Direction == network.DirInbound && !p.reached.Swap(true) {
		p.kick()
	}
}

// moved makes everything due again after a change of the network.
func (p *presence) moved() {
	if p == nil {
		return
	}
	p.mu.Lock()
	for _, s := range p.sought {
		s.next, s.wait = time.Time{}, 0
	}
	p.mu.Unlock()
	p.kick()
}

func (p *presence) run(ctx context.Context) {
	tick := time.NewTicker(presenceTick)
	defer tick.Stop()
	early := time.After(firstLAN)
	for {
		p.step(ctx)
		select {
		case <-ctx.Done():
			return
		case <-early:
		case <-p.wake:
		case <-tick.C:
		}
	}
}

// close ends the instance, once the goroutine has ended.
func (p *presence) close() {
	if p != nil {
		p.lan.close()
		p.dht.Load().Close()
	}
}

// step does what is due.
func (p *presence) step(ctx context.Context) {
	if !p.n.awake() {
		return
	}
	if serve := p.serves(); serve != p.dht.Load().Server {
		if err := p.open(serve); err != nil {
			p.n.log.Warn("hash table", "why", err)
			return
		}
		p.n.log.Info("hash table", "serving", serve)
		p.joined, p.joinWait, p.joinNext = false, 0, time.Time{}
	}
	p.first.step(ctx)
	if p.first.news.Swap(false) {
		p.joined, p.joinWait, p.joinNext = false, 0, time.Time{}
	}
	if p.lan.step(ctx) {
		p.untell() // it is told again, there too
	}
	if !p.join(ctx) && p.lan.known() == 0 {
		return
	}
	p.tell(ctx)
	p.seek(ctx)
	p.n.roles.step(ctx)
	if now := p.n.clock(); now.Sub(p.saved) > tableEvery {
		p.saved = now
		p.keep()
	}
}

// serves says whether the instance is to answer others: one that somebody has reached, that may carry for strangers, and
// that does not live off a battery.
func (p *presence) serves() bool {
	mode := p.n.mode()
	return p.reached.Load() && mode.Limits().Strangers && !mode.Drains
}

// untell forgets what was told.
func (p *presence) untell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.told)
}

// join fills the table, once for an instance, later each time. It reports whether anybody can be asked.
func (p *presence) join(ctx context.Context) bool {
	now := p.n.clock()
	if p.joined || now.Before(p.joinNext) {
		return p.dht.Load().Known() > 0
	}
	err := p.dht.Load().Join(ctx)
	p.joined = err == nil
	p.joinWait = min(max(2*p.joinWait, time.Second), joinMax)
	p.joinNext = now.Add(p.joinWait/2 + p.n.jitter(p.joinWait))
	if err != nil {
		p.n.log.Debug("hash table", "why", err)
	}
	return p.dht.Load().Known() > 0
}

// state is what status tells: client or server, and the peers in the table.
func (p *presence) state() (mode string, peers int) {
	if p == nil {
		return "off", 0
	}
	d := p.dht.Load()
	if d.Server {
		return "server", d.Known()
	}
	return "client", d.Known()
}
