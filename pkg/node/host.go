package node

import (
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/wire"
)

// ErrPort says that the port is in use.
var ErrPort = errors.New("port is in use by another program: choose another with --listen")

// startHost makes the host listen. Without --listen it takes the port of last time, so that anchors of
// others stay right, or another one when that is taken.
func (n *Node) startHost() (err error) {
	if n.Offline || len(n.Listen) > 0 {
		listen := n.Listen
		if n.Offline {
			listen = nil
		}
		n.host, err = n.newHost(listen, false)
		return listenError(err)
	}
	for _, port := range []int{n.home.savedPort(), 0} {
		if n.host, err = n.newHost(everywhere(port), true); err == nil {
			n.savePort()
			return nil
		}
	}
	return listenError(err)
}

func (n *Node) newHost(listen []string, some bool) (host.Host, error) {
	return link.Host(link.Options{Seed: n.home.keys.Keys.NodeSeed, Listen: listen, Some: some, Limits: link.Node, Open: n.awake, Count: n.count})
}

func everywhere(port int) []string {
	return []string{fmt.Sprintf("/ip4/0.0.0.0/tcp/%d", port), fmt.Sprintf("/ip6/::/tcp/%d", port)}
}

func listenError(err error) error {
	switch {
	case err == nil || errors.Is(err, wire.ErrInvalid):
		return err
	case isInUse(err):
		return fmt.Errorf("%w (%v)", ErrPort, err)
	}
	return fmt.Errorf("listen: %w", err)
}

// savePort remembers the port when both address families agree on one, or the first there is.
func (n *Node) savePort() {
	for _, a := range n.host.Network().ListenAddresses() {
		s, err := a.ValueForProtocol(ma.P_TCP)
		if err != nil {
			continue
		}
		var port uint64
		if _, err := fmt.Sscan(s, &port); err == nil && port != uint64(n.home.savedPort()) {
			if err := n.home.saveSetting(portName, wire.AppendUint(nil, port)); err != nil {
				n.log.Warn("port not saved", "why", err)
			}
		}
		return
	}
}

// parsePeer reads a multiaddr that ends in /p2p/PEERID.
func parsePeer(s string) (*peer.AddrInfo, error) {
	info, err := peer.AddrInfoFromString(s)
	if err != nil {
		return nil, fmt.Errorf("peer %q: a multiaddr ending in /p2p/PEER_ID is needed: %w", s, err)
	}
	return info, nil
}
