package peerbook_test

import (
	"fmt"
	"time"

	"github.com/pars-network/pars/pkg/peerbook"
)

func Example() {
	now := time.UnixMilli(1_800_000_000_000)
	b := peerbook.New([32]byte{1}, true, nil, func(int) int { return 0 })
	addr := []byte{4, 192, 0, 2, 7, 6, 0x0f, 0xa1} // /ip4/192.0.2.7/tcp/4001
	b.Hear(peerbook.Source{Class: peerbook.DHT, Name: "somebody", Group: b.Group(addr)}, "stranger", [][]byte{addr}, now)
	b.Know(peerbook.Contact, "friend", [][]byte{addr}, now)
	b.Start(now)
	first, _ := b.Next(16, nil, func(peerbook.ID) bool { return false }, now)
	fmt.Println(first.ID, b.Warm(now))
	// Output: friend true
}
