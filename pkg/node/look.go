package node

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/libp2p/go-libp2p/core/peer"
)

// status fills in what a running node knows.
func (n *Node) status(st *Status) {
	st.Running, st.UptimeS = true, int64(n.clock().Sub(n.started).Seconds())
	for _, p := range n.peers() {
		st.Peers++
		st.Roads[p.Road]++
		st.State = "S1"
	}
	st.Online = st.Peers > 0
	mode := n.mode()
	st.DHT, st.DHTPeers = n.presence.state()
	if n.presence != nil {
		st.LANPeers = n.presence.lan.known()
	}
	st.Mail = n.mail.status()
	st.Tree = n.trees.status()
	st.Mode, st.ModeWhy = mode.Name(), strings.Join(mode.Why, ", ")
	n.usageStatus(st)
	st.EVM = n.chain.status()
	if why := n.chain.alarm(); why != "" {
		st.Alarms = append(st.Alarms, why)
	}
	if why := n.desk.alarm(); why != "" {
		st.Alarms = append(st.Alarms, why)
	}
	if why := n.book.alarmed(); why != "" {
		st.Alarms = append(st.Alarms, "what this node sees of the network may be controlled by one hand: "+why+"; meeting a contact ends the doubt")
	}
}

// peers lists the connected peers by id.
func (n *Node) peers() (out []Peer) {
	for _, c := range n.host.Network().Conns() {
		p := Peer{PeerID: c.RemotePeer().String(), Addr: c.RemoteMultiaddr().String(), Road: n.dialer.roadOf(c.RemotePeer()), Since: c.Stat().Opened.UTC()}
		n.mu.Lock()
		if st := n.streams[c.RemotePeer()]; st != nil {
			p.Shared, p.Level = st.shared, st.level
		}
		n.mu.Unlock()
		if !slices.ContainsFunc(out, func(q Peer) bool { return q.PeerID == p.PeerID }) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Peer) int { return strings.Compare(a.PeerID, b.PeerID) })
	return out
}

func isLoopback(m ma.Multiaddr) bool { return manet.IsIPLoopback(m) }

// rss returns the resident memory of this process in bytes, 0 where the system does not tell.
func rss() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(b) {
		var kb int64
		if _, err := fmt.Sscanf(string(line), "VmRSS: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	return 0
}

var roadsName = []byte("roads")

// keepRoads remembers where an inviter can be met: at once when a node runs, else for its next start.
func (l *local) keepRoads(roads [][]byte) error {
	byID := map[peer.ID]*peer.AddrInfo{}
	var list []peer.AddrInfo
	for _, r := range roads {
		m, err := ma.NewMultiaddrBytes(r)
		if err != nil {
			continue
		}
		info, err := peer.AddrInfoFromP2pAddr(m)
		if err != nil {
			continue
		}
		if a := byID[info.ID]; a != nil {
			a.Addrs = append(a.Addrs, info.Addrs...)
		} else {
			byID[info.ID] = info
		}
	}
	for _, a := range byID {
		list = append(list, *a)
	}
	if len(list) == 0 {
		return nil
	}
	if l.n != nil && !l.n.Offline {
		for _, a := range list {
			l.n.dialer.add(a, roadInvite)
		}
	}
	return l.h.saveSetting(roadsName, encodePeers(list[:min(len(list), maxAnchors)]))
}
