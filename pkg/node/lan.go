package node

import (
	"github.com/libp2p/go-libp2p/core/peer"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/bootstrap"
)

// startLAN looks around the local network, or with NoMDNS only for changes of it.
func (n *Node) startLAN() error {
	if n.NoMDNS {
		n.watcher = &bootstrap.Watcher{Changed: n.moved, Log: n.warnLAN}
		return n.watcher.Start(n.ctx)
	}
	m := &bootstrap.MDNS{PeerID: n.host.ID().String(), Addrs: n.listenAddrs, Found: n.found, Changed: n.moved, Quiet: n.asleep,
		Clock: n.clock, Rand: n.home.cfg.Rand, Log: n.warnLAN}
	if err := m.Start(n.ctx); err != nil {
		n.log.Warn("no look around the local network", "why", err)
		return nil
	}
	n.mu.Lock()
	n.mdns = m
	n.mu.Unlock()
	return nil
}

func (n *Node) asleep() bool { return !n.awake() }

// look asks anew who is on the local network.
func (n *Node) look() {
	n.mu.Lock()
	m := n.mdns
	n.mu.Unlock()
	if m != nil {
		m.Query()
	}
}

func (n *Node) stopLAN() {
	if n.mdns != nil {
		n.mdns.Close()
	}
	if n.watcher != nil {
		n.watcher.Close()
	}
}

func (n *Node) warnLAN(what string) { n.log.Debug("local network", "what", what) }

func (n *Node) listenAddrs() (out []string) {
	for _, a := range n.host.Network().ListenAddresses() {
		out = append(out, a.String())
	}
	return out
}

// found makes a target of what was heard on the local network. It is a hint: the handshake proves who
// answers there.
func (n *Node) found(peerID string, addrs []string, _ string) {
	id, err := peer.Decode(peerID)
	if err != nil {
		return
	}
	info := peer.AddrInfo{ID: id}
	for _, s := range addrs {
		if a, err := ma.NewMultiaddr(s); err == nil {
			info.Addrs = append(info.Addrs, a)
		}
	}
	n.dialer.add(info, roadMDNS)
}

// moved acts on a change of the network: links may be dead and peers may be back.
func (n *Node) moved() {
	n.event(Event{Type: "network"})
	n.movedAt.Store(n.clock().UnixMilli())
	n.probe()
	n.dialer.again()
	n.presence.moved()
	n.mail.moved()
}
