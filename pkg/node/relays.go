package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/gossip"
)

// Relays keep mail and pass envelopes on for whoever asks. A node stays connected to a few.
const (
	relaysWanted = 2
	maxRelays    = 8
	relayMin     = 2 * time.Second // between attempts, doubled each time
	relayMax     = 30 * time.Second
	searchMax    = 10 * time.Minute
	fewServers   = 200     // in a table that small the whole directory is asked
	relayTag     = "relay" // connections that are not closed for want of room
)

var relaysName = []byte("relays")

// relays are those a node knows, kept over restarts: when every seeder is gone they still hold its mail.
type relays struct {
	n *Node

	mu           sync.Mutex // guards all below
	busy         bool
	list         []peer.AddrInfo
	call, search pace
}

// pace says when something is tried again: later each time, with jitter.
type pace struct {
	next time.Time
	wait time.Duration
}

// due reports whether it is time, and plans the next attempt.
func (p *pace) due(now time.Time, least, most time.Duration, jitter func(time.Duration) time.Duration) bool {
	if now.Before(p.next) {
		return false
	}
	p.wait = min(max(2*p.wait, least), most)
	p.next = now.Add(p.wait/2 + jitter(p.wait))
	return true
}

func newRelays(n *Node) *relays {
	r := &relays{n: n}
	if b, err := n.home.setting(relaysName); err == nil {
		r.list, _ = decodePeers(b, maxRelays) // a damaged record counts as none
	}
	return r
}

// step connects in the background when there are too few.
func (r *relays) step(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy || !r.n.awake() || r.connected() >= relaysWanted || !r.call.due(r.n.clock(), relayMin, relayMax, r.n.jitter) {
		return
	}
	r.busy = true
	r.n.wg.Go(func() {
		r.meet(ctx)
		r.mu.Lock()
		r.busy = false
		r.mu.Unlock()
	})
}

// connected counts the relays in reach. The caller holds mu.
func (r *relays) connected() (n int) {
	for _, a := range r.list {
		if r.n.host.Network().Connectedness(a.ID) == network.Connected {
			n++
		}
	}
	return n
}

// meet calls known relays, and looks for others where those do not answer.
func (r *relays) meet(ctx context.Context) {
	r.mu.Lock()
	list := slices.Clone(r.list)
	search := r.search.due(r.n.clock(), relayMin, searchMax, r.n.jitter)
	r.mu.Unlock()
	if n := r.dial(ctx, list); search && r.n.presence != nil {
		r.find(ctx, n)
	}
}

// moved calls at once after a change of the network.
func (r *relays) moved() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.call, r.search = pace{}, pace{}
}

// find asks the hash table who serves as a relay. Who shows no card, or does not give back what is left with it, is no
// relay; the others are called until enough are.
func (r *relays) find(ctx context.Context, have int) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	table, shards := r.n.presence.dht.Load(), 4
	known := table.Known()
	if known == 0 || have >= relaysWanted {
		return
	}
	if known < fewServers {
		shards = dht.Shards
	}
	err := table.FindServers(ctx, "relay", shards, r.echo, func(s dht.Server) bool {
		if s.Err != nil {
			r.n.log.Debug("no relay", "peer", short(peer.ID(s.ID)), "why", s.Err)
		} else {
			have += r.dial(ctx, []peer.AddrInfo{addrInfo(s.ID, s.Addrs)})
		}
		return have < relaysWanted
	})
	if err != nil && ctx.Err() == nil {
		r.n.log.Debug("no relay", "why", err) // nobody found is asked for again later
	}
}

// echo is the challenge of a relay.
func (r *relays) echo(ctx context.Context, c dht.Card) error {
	return r.n.mail.g.Echo(ctx, gossip.PeerID(c.Peer))
}

// dial connects to relays until enough are, and returns how many. Those that keep mail are remembered.
func (r *relays) dial(ctx context.Context, list []peer.AddrInfo) (n int) {
	for _, a := range list {
		if n >= relaysWanted || ctx.Err() != nil {
			break
		}
		if r.one(ctx, a) {
			n++
			r.remember(a)
		}
	}
	return n
}

func (r *relays) one(ctx context.Context, a peer.AddrInfo) bool {
	if a.ID == r.n.host.ID() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	h := r.n.host
	h.Peerstore().AddAddrs(a.ID, a.Addrs, peerstore.TempAddrTTL)
	if err := h.Connect(ctx, a); err != nil {
		r.n.log.Debug("relay", "peer", short(a.ID), "why", err)
		return false
	}
	if !slices.Contains(r.n.mail.g.Storers(), gossip.PeerID(a.ID)) {
		return false // it says that it is a relay, and keeps no mail
	}
	h.ConnManager().Protect(a.ID, relayTag)
	r.n.mail.kick()
	return true
}

// remember puts a relay first and keeps the list.
func (r *relays) remember(a peer.AddrInfo) {
	r.mu.Lock()
	old := r.list
	r.list = slices.DeleteFunc(slices.Clone(old), func(o peer.AddrInfo) bool { return o.ID == a.ID })
	r.list = append([]peer.AddrInfo{a}, r.list...)
	r.list = r.list[:min(len(r.list), maxRelays)]
	b, same := encodePeers(r.list), string(encodePeers(old)) == string(encodePeers(r.list))
	r.mu.Unlock()
	if same {
		return
	}
	if err := r.n.home.saveSetting(relaysName, b); err != nil {
		r.n.log.Warn("relays not saved", "why", err)
	}
}

// has reports whether a peer is a relay of ours.
func (r *relays) has(p peer.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.list, func(a peer.AddrInfo) bool { return a.ID == p })
}
