// Package idle lets a host wait, connected.
package idle

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Run connects to the addresses, prints an own one and waits for ever.
func Run(h host.Host, addrs []string) error {
	for _, a := range addrs {
		info, err := peer.AddrInfoFromString(a)
		if err != nil {
			return err
		}
		if err := h.Connect(context.Background(), *info); err != nil {
			return err
		}
	}
	fmt.Printf("ready %s/p2p/%s\n", h.Addrs()[0], h.ID())
	select {}
}
