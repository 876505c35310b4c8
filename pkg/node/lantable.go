package node

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/pars-network/pars/pkg/dht"
)

// lanIdle is how long the table of the local network outlives its last peer.
const lanIdle = time.Minute

// lanTable is the second instance of the hash table, that of the local network. It serves while peers are connected over
// one: on a link that is cut off from all else its members find each other, and those of other links are not told of it.
// The goroutine of presence opens and closes it.
type lanTable struct {
	n    *Node
	dht  atomic.Pointer[dht.Node] // nil while there is none
	seen time.Time                // when somebody was last connected over a local network
	join pace
}

// isNear reports whether an address is of a local network and not of this machine.
func isNear(a ma.Multiaddr) bool { return dht.Local(a.Bytes()) && !manet.IsIPLoopback(a) }

// near counts the peers that are connected over a local network.
func (n *Node) nearPeers() (count int) {
	near := n.near
	if near == nil {
		near = isNear
	}
	for _, c := range n.host.Network().Conns() {
		if near(c.RemoteMultiaddr()) {
			count++
		}
	}
	return count
}

// step opens the instance when there are peers on a local network, and closes it a minute after the last has gone. It
// reports whether it was opened now.
func (l *lanTable) step(ctx context.Context) (opened bool) {
	now := l.n.clock()
	if l.n.nearPeers() > 0 {
		l.seen = now
	}
	d := l.dht.Load()
	switch idle := now.Sub(l.seen) > lanIdle; {
	case d == nil && idle:
		return false
	case d == nil:
		if err := l.open(); err != nil {
			l.n.log.Warn("hash table of the local network", "why", err)
			return false
		}
		opened = true
	case idle:
		l.close()
		return false
	}
	if d = l.dht.Load(); d.Known() == 0 || l.join.due(now, time.Second, tableEvery, l.n.jitter) {
		if err := d.Join(ctx); err != nil {
			l.n.log.Debug("hash table of the local network", "why", err)
		}
	}
	return opened
}

func (l *lanTable) open() error {
	n := l.n
	d := &dht.Node{Host: n.host, NetID: n.Profile.NetID(), Chain: n.Profile.ChainID, LAN: true, Server: true, Now: n.clock, Rand: n.home.cfg.Rand,
		Records: lanRecords, Seeds: l.seeds, Contact: n.contact}
	if _, err := io.ReadFull(n.home.cfg.Rand, d.Secret[:]); err != nil {
		return fmt.Errorf("read randomness: %w", err)
	}
	if err := d.Start(); err != nil {
		return err
	}
	l.dht.Store(d)
	l.join = pace{}
	n.log.Info("hash table of the local network", "serving", true)
	return nil
}

// lanRecords is how many records of others the instance keeps: a local network is small.
const lanRecords = 4096

// close ends the instance, if there is one.
func (l *lanTable) close() {
	if d := l.dht.Swap(nil); d != nil {
		d.Close()
		l.n.log.Info("hash table of the local network", "serving", false)
	}
}

// seeds are the peers connected over a local network.
func (l *lanTable) seeds() (out []dht.Peer) {
	for _, c := range l.n.host.Network().Conns() {
		if dht.Local(c.RemoteMultiaddr().Bytes()) && len(out) < maxTable {
			out = append(out, dht.Peer{ID: dht.PeerID(c.RemotePeer()), Addrs: [][]byte{c.RemoteMultiaddr().Bytes()}, Class: dht.Table})
		}
	}
	return out
}

// known is how many peers its table has.
func (l *lanTable) known() int {
	if d := l.dht.Load(); d != nil {
		return d.Known()
	}
	return 0
}
