package bootstrap_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap"
)

// A node announces itself on the local network and hears of others, until Close says goodbye for it.
func ExampleMDNS() {
	m := bootstrap.MDNS{
		PeerID: "12D3KooWGRUaV9sKxQCkxfLmYNpFc7sZ2uHs2rYqXvVfYk3vD1aB",
		Addrs:  func() []string { return []string{"/ip4/0.0.0.0/tcp/4001"} },
		Found:  func(peer string, addrs []string, link string) { fmt.Println("dial", peer, "at", addrs, "on", link) },
		Clock:  time.Now,
	}
	if err := m.Start(context.Background()); err != nil {
		fmt.Println(err)
	}
	<-time.After(time.Minute) // what the node does meanwhile
	if err := m.Close(); err != nil {
		fmt.Println(err)
	}
}
