// Command libp2phost is a host of go-libp2p with its defaults, on loopback.
package main

import (
	"fmt"
	"os"

	"github.com/libp2p/go-libp2p"

	"github.com/pars-network/pars/bench/peers/idle"
)

func main() {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"))
	if err == nil {
		err = idle.Run(h, os.Args[1:])
	}
	fmt.Fprintln(os.Stderr, err)
}
