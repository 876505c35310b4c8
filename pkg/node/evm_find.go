package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/gateway"
	"github.com/pars-network/pars/pkg/evm/gateway/libp2p"
	"github.com/pars-network/pars/pkg/peerbook"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	gatesWanted = 3
	maxGates    = 8
	maxLights   = 4
	gateMin     = 2 * time.Second
	gateMax     = 10 * time.Minute
	gateAddrs   = time.Hour // addresses are remembered
	liarFor     = time.Hour
	oldestState = 127 // blocks below the head whose state every node of the chain has
)

// gate is a gateway that showed what it can do.
type gate struct {
	peer.AddrInfo
	group peerbook.Group
}

func roleTx(chain uint64) dht.Role   { return dht.Role("evm-tx:" + strconv.FormatUint(chain, 10)) }
func roleFull(chain uint64) dht.Role { return dht.Role("evm-full:" + strconv.FormatUint(chain, 10)) }

// announce tells the hash table what this node is for strangers, once it follows.
func (f *follower) announce() {
	f.mu.Lock()
	done := f.served || !f.cfg.Gateway || f.c.State() != evm.Following
	f.served = f.served || !done
	f.mu.Unlock()
	if done {
		return
	}
	for _, r := range []dht.Role{roleTx(f.cfg.Profile.ChainID), roleFull(f.cfg.Profile.ChainID)} {
		if err := f.n.Serve(r, f.terms); err != nil {
			f.n.log.Warn("gateway is not announced", "role", r, "why", err)
		}
	}
}

// terms are what the role card says of the chain.
func (f *follower) terms(context.Context) (*dht.ChainCard, error) {
	if st := f.c.State(); st != evm.Following {
		return nil, fmt.Errorf("the chain is %s: %w", st, errNotNow)
	}
	if f.public.Closed() {
		return nil, fmt.Errorf("nothing is done for strangers: %w", errNotNow)
	}
	h, _ := f.c.Head()
	return &dht.ChainCard{ID: f.cfg.Profile.ChainID, Genesis: [32]byte(f.c.Spec().GenesisRoot), Head: h.Number, Oldest: h.Number - min(h.Number, oldestState)}, nil
}

// source is a peer as one that is asked.
func (f *follower) source(id peer.ID) *gateway.Peer {
	return &gateway.Peer{ID: id.String(), Spec: f.c.Spec(), Do: libp2p.Over(f.n.host, id, f.n.Profile.Protocol)}
}

// peers are the gateways, as evm.Client asks them.
func (f *follower) peers() (out []evm.Peer) {
	if f.n.Offline || !f.n.awake() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range f.gates {
		f.n.host.Peerstore().AddAddrs(g.ID, g.Addrs, gateAddrs)
		out = append(out, f.source(g.ID))
	}
	return out
}

// lights are connected peers that give containers and are no gateways of ours.
func (f *follower) lights() (out []evm.Source) {
	if f.n.Offline {
		return nil
	}
	name := protocol.ID(f.n.Profile.Protocol(gateway.LightProtocol))
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range f.n.host.Network().Peers() {
		known := slices.ContainsFunc(f.gates, func(g gate) bool { return g.ID == id })
		if got, err := f.n.host.Peerstore().SupportsProtocols(id, name); known || f.isLeft(id) || err != nil || len(got) == 0 {
			continue
		}
		if out = append(out, f.source(id)); len(out) == maxLights {
			break
		}
	}
	return out
}

// isLeft reports whether a peer lied within the hour; mu is held.
func (f *follower) isLeft(id peer.ID) bool { return f.n.clock().Before(f.left[id]) }

// lied is isLeft for other parts of the node.
func (f *follower) lied(id peer.ID) bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.isLeft(id)
}

// blame leaves a peer whose answer did not verify.
func (f *follower) blame(name string, err error) {
	id, bad := peer.Decode(name)
	if bad != nil {
		f.n.log.Warn("a server of the chain lies", "server", name, "why", err)
		return
	}
	f.n.log.Warn("a gateway lies", "peer", short(id), "why", err)
	f.leave(id)
}

// leave forgets a peer as a gateway, calls it useless in the book and, where no session is shared, ends the connection.
func (f *follower) leave(id peer.ID) {
	f.mu.Lock()
	f.counts.lies++
	if len(f.left) >= 1024 {
		clear(f.left)
	}
	f.left[id] = f.n.clock().Add(liarFor)
	f.gates = slices.DeleteFunc(f.gates, func(g gate) bool { return g.ID == id })
	f.search = pace{}
	f.mu.Unlock()
	f.n.book.tried(id, false)
	if !f.n.contact(dht.PeerID(id)) {
		f.n.wg.Go(func() { f.n.host.Network().ClosePeer(id) })
	}
	f.kick()
}

// seek looks for gateways in the background while there are too few and somebody needs them.
func (f *follower) seek(ctx context.Context) {
	n := f.n
	if n.presence == nil || n.presence.dht.Load().Known() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	needed := len(f.c.RPCs) == 0 || f.cfg.Gateway || f.underWay() > 0
	if f.busy || !needed || len(f.gates) >= gatesWanted || !f.search.due(n.clock(), gateMin, gateMax, n.jitter) {
		return
	}
	f.busy = true
	n.wg.Go(func() {
		f.find(ctx)
		f.mu.Lock()
		f.busy = false
		f.mu.Unlock()
	})
}

// find asks the directory for gateways and lets each show a proof.
func (f *follower) find(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	table, shards := f.n.presence.dht.Load(), 4
	if table.Known() < fewServers {
		shards = dht.Shards
	}
	err := table.FindServers(ctx, roleTx(f.cfg.Profile.ChainID), shards, f.examine, func(s dht.Server) bool {
		if s.Err != nil {
			f.n.log.Debug("no gateway", "peer", short(peer.ID(s.ID)), "why", s.Err)
			if errors.Is(s.Err, wire.ErrInvalid) {
				f.leave(peer.ID(s.ID))
			}
			return true
		}
		return f.add(s) < gatesWanted
	})
	if err != nil && ctx.Err() == nil {
		f.n.log.Debug("no gateway", "why", err)
	}
}

// add takes a gateway that passed and returns how many there are.
func (f *follower) add(s dht.Server) int {
	g := gate{AddrInfo: addrInfo(s.ID, s.Addrs)}
	if len(s.Addrs) > 0 {
		g.group = peerbook.GroupOf(s.Addrs[0], nil)
	}
	f.mu.Lock()
	if !slices.ContainsFunc(f.gates, func(o gate) bool { return o.ID == g.ID }) && len(f.gates) < maxGates {
		f.gates = append(f.gates, g)
		f.n.log.Info("gateway of the chain", "peer", short(g.ID))
	}
	n := len(f.gates)
	f.mu.Unlock()
	f.kick()
	return n
}

// examine is the challenge: the card is of this chain, and an account drawn at random is proven under a block that is
// trusted here.
func (f *follower) examine(ctx context.Context, card dht.Card) error {
	id := peer.ID(card.Peer)
	switch c := card.Chain; {
	case f.lied(id):
		return fmt.Errorf("it lied before: %w", errNotNow)
	case c == nil || c.ID != f.cfg.Profile.ChainID || c.Genesis != [32]byte(f.c.Spec().GenesisRoot):
		return fmt.Errorf("its card is of another chain: %w", errNotNow)
	}
	var a evm.Address
	if _, err := io.ReadFull(f.n.home.cfg.Rand, a[:]); err != nil {
		return err
	}
	return f.c.Examine(network.WithNoDial(ctx, "connected to show its card"), f.source(id), a)
}
