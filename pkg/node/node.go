package node

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/resource"
	"github.com/pars-network/pars/pkg/socket"
)

// Node is a running node. Set the fields, Start, Close. Home is closed by Close.
type Node struct {
	Home      *Home
	Profile   *profile.Profile
	Listen    []string // multiaddrs; none: all interfaces, on the port of last time
	Peers     []string // multiaddrs with peer id to stay connected to
	NoMDNS    bool
	NoDHT     bool   // neither tell members where this node is nor look for them in the hash table
	NoResolve bool   // do not look for first peers by the names and lists of the profile
	NoMail    bool   // neither hear nor pass on nor leave sealed envelopes
	Offline   bool   // no listening, no dialling: the socket alone
	Metered   bool   // the network costs by the byte: few peers, few looks
	Metrics   string // address for Prometheus; empty: none
	Log       *slog.Logger
	Events    func(Event) // may be nil; called from several goroutines

	Budget  resource.Budget // of bytes; zero: none
	MaxMbps float64         // of sync, megabits a second; 0: no limit
	Bus     string          // address of the system bus, as resource.BusAddress gives it; empty: the machine is asked by itself
	Phone   *resource.Phone // what a phone's system says; nil: none
	// ENS reads texts by names of ENS on proven state; nil: those of the profile are asked of its server, at its word.
	ENS bootstrap.TextSource
	// Chain is followed by its proofs; nil: none is.
	Chain *Chain
	// Lists are files with lists of first peers, rotations, cards or AutoConf, as bytes or text.
	Lists []string
	// Built is when the program was made: a clock before it is wrong. Zero: not known.
	Built time.Time

	home     *Home
	log      *slog.Logger
	clock    func() time.Time
	host     host.Host
	hub      *hub
	dialer   *dialer
	desk     *desk
	presence *presence // nil when it is not used
	mail     *mail     // likewise
	roles    *roles    // nil without the hash table
	trees    *trees    // nil when offline
	chain    *follower // nil when none is followed
	metrics  *metrics
	quotas   quotas
	book     *book // nil when offline
	usage    usage
	slept    slept
	mdns     *bootstrap.MDNS
	watcher  *bootstrap.Watcher
	socket   *http.Server
	ctx      context.Context
	cancel   context.CancelFunc
	quit     sync.Once
	done     chan struct{}
	wg       sync.WaitGroup
	movedAt  atomic.Int64 // when the network last changed, Unix milliseconds
	started  time.Time
	near     func(ma.Multiaddr) bool // nil: isNear

	mu      sync.Mutex // guards streams, closed, anchors, mdns, manager
	manager resource.Manager
	powered time.Time // when the desktop last spoke of the battery
	streams map[peer.ID]*streamState
	closed  bool
	anchors string
}

// Event tells a program that runs a node what happens.
type Event struct {
	Type   string    `json:"type"` // peer, gone, network, mode, alarm (with no why: it ended)
	Time   time.Time `json:"time"`
	PeerID string    `json:"peer_id,omitempty"`
	Road   string    `json:"road,omitempty"`
	Mode   string    `json:"mode,omitempty"`
	Why    string    `json:"why,omitempty"`
}

// Start opens socket, host and roads. On an error everything is closed again but the home.
func (n *Node) Start(ctx context.Context) error {
	n.home, n.clock, n.log = n.Home, n.Home.cfg.Clock, n.Log
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	n.started, n.streams, n.hub, n.done = n.clock(), map[peer.ID]*streamState{}, newHub(), make(chan struct{})
	err := n.start()
	if err != nil {
		n.stop()
	}
	return err
}

func (n *Node) start() error {
	n.loadBudget()
	if err := n.startHost(); err != nil {
		return err
	}
	n.dialer, n.metrics, n.desk = newDialer(n), newMetrics(n), newDesk(n)
	for _, s := range n.home.Sessions.List() {
		n.hub.watch(s)
	}
	var err error
	if n.chain, err = newFollower(n); err != nil {
		return err
	}
	n.home.chain = n.chain
	if err := n.carriers(); err != nil {
		return err
	}
	if err := n.listenSocket(); err != nil {
		return err
	}
	if n.Metrics != "" {
		if err := n.serveMetrics(n.ctx, n.Metrics); err != nil {
			return err
		}
	}
	n.wg.Go(func() { n.scrub(n.ctx) })
	n.wg.Go(func() { n.reclaim(n.ctx) })
	n.desk.start(n.ctx)
	if n.Offline {
		n.startResources()
		n.chain.start(n.ctx)
		return nil
	}
	sub, err := n.host.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		return err
	}
	n.wg.Go(func() { n.foreign(sub) })
	n.trees = newTrees(n)
	n.host.SetStreamHandler(n.treeProtocol(), n.trees.accept)
	n.wg.Go(func() { n.trees.run(n.ctx) })
	n.host.SetStreamHandler(n.syncProtocol(), n.accept)
	n.host.Network().Notify(&network.NotifyBundle{ConnectedF: n.connected, DisconnectedF: n.disconnected})
	n.loadAnchors()
	for _, p := range n.Peers {
		info, err := parsePeer(p)
		if err != nil {
			return err
		}
		n.dialer.add(*info, roadFlag)
	}
	n.presence.start(n.ctx)
	if err := n.mail.start(n.ctx); err != nil {
		return err
	}
	n.startResources()
	n.chain.start(n.ctx)
	n.wg.Go(func() { n.dialer.run(n.ctx) })
	n.wg.Go(func() { n.book.run(n.ctx) })
	return n.startLAN()
}

// carriers makes what members meet and write through; each is nil where it is not wanted, and its methods bear that.
func (n *Node) carriers() (err error) {
	if n.Offline {
		return nil
	}
	if n.book, err = newBook(n); err != nil {
		return err
	}
	if !n.NoDHT {
		p, err := newPresence(n)
		if err != nil {
			return err
		}
		n.presence = p
	}
	if !n.NoMail {
		if n.mail, err = newMail(n); err != nil {
			return err
		}
	}
	if n.presence != nil {
		n.roles, err = newRoles(n)
	}
	return err
}

func (n *Node) connected(_ network.Network, c network.Conn) {
	if c.Stat().Direction == network.DirInbound {
		n.log.Debug("connected from", "peer", short(c.RemotePeer()))
		if n.refused(c.RemotePeer()) {
			go c.Close() // not here: the host waits for us
			return
		}
		n.book.kick()
	}
	n.presence.met(c)
	n.event(Event{Type: "peer", PeerID: c.RemotePeer().String(), Road: n.dialer.roadOf(c.RemotePeer())})
}

func (n *Node) disconnected(_ network.Network, c network.Conn) {
	n.event(Event{Type: "gone", PeerID: c.RemotePeer().String()})
	n.dialer.kick()
	if len(n.host.Network().Peers()) == 0 {
		n.look() // a cut in the middle of the network gives no interface event
	}
}

func (n *Node) event(e Event) {
	if n.Events != nil {
		e.Time = n.clock().UTC()
		n.Events(e)
	}
}

// speaking reports whether there is a sync stream to p.
func (n *Node) speaking(p peer.ID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.streams[p] != nil
}

// foreign tells of peers of another network, whichever side called, and leaves them alone.
func (n *Node) foreign(sub event.Subscription) {
	defer sub.Close()
	for {
		select {
		case <-n.ctx.Done():
			return
		case e := <-sub.Out():
			if id, ok := e.(event.EvtPeerIdentificationCompleted); ok && n.isForeign(id.Protocols) {
				n.log.Warn("peer is of another network or profile", "peer", short(id.Peer))
				n.dialer.rest(id.Peer)
			}
		}
	}
}

// isForeign reports whether the protocols are of our kind and none is of our network.
func (n *Node) isForeign(protos []protocol.ID) bool {
	has := func(prefix string) bool {
		return slices.ContainsFunc(protos, func(p protocol.ID) bool { return strings.HasPrefix(string(p), prefix) })
	}
	return has("/pars/") && !has(n.Profile.Protocol(""))
}

// scrub reads everything once, so that damage is found while peers may still have what is lost.
func (n *Node) scrub(ctx context.Context) {
	for _, s := range n.home.Sessions.List() {
		bad, err := s.Log().Scrub(func() bool { return ctx.Err() != nil })
		if bad > 0 || err != nil {
			n.log.Warn("damage on disk, asking peers", "bodies", bad, "why", err)
			n.hub.fire()
		}
	}
}

// Done is closed when a local program asked the node to end.
func (n *Node) Done() <-chan struct{} { return n.done }

// Addrs returns the addresses at which the node listens, with its peer id.
func (n *Node) Addrs() (out []string) {
	for _, a := range n.host.Addrs() {
		out = append(out, a.String()+"/p2p/"+n.host.ID().String())
	}
	return out
}

// Close ends all streams, saves the anchors and closes the home.
func (n *Node) Close() error {
	n.mu.Lock()
	done := n.closed
	n.mu.Unlock()
	if done {
		return nil
	}
	n.stop()
	return n.home.Close()
}

func (n *Node) stop() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	if n.socket != nil {
		n.socket.Close()
		os.Remove(socket.Path(n.home.cfg.Dir))
	}
	n.stopLAN()
	if n.dialer != nil && n.metrics != nil {
		n.saveAnchors()
	}
	n.presence.keep()
	n.saveBudget()
	n.cancel()
	n.roles.close()
	if n.host != nil {
		n.host.Close()
	}
	n.wg.Wait()
	n.chain.stop()
	n.presence.close()
	n.hub.close()
}
