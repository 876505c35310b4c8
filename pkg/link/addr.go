package link

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// CheckAddrs tells what is wrong with addresses that a person typed, before anything is made or opened: listen are
// multiaddrs, peers end in /p2p/PEER_ID.
func CheckAddrs(listen, peers []string) error {
	for _, s := range listen {
		if _, err := ma.NewMultiaddr(s); err != nil {
			return fmt.Errorf("--listen %q: a multiaddr such as /ip4/0.0.0.0/tcp/4001 is needed", s)
		}
	}
	for _, s := range peers {
		if _, err := peer.AddrInfoFromString(s); err != nil {
			return fmt.Errorf("--peer %q: a multiaddr such as /ip4/192.0.2.1/tcp/4001/p2p/PEER_ID is needed", s)
		}
	}
	return nil
}
