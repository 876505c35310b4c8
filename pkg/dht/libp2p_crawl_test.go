package dht

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p-kad-dht/crawler"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/link"
)

// scout calls the network of group.
func scout(t testing.TB) *Scout {
	t.Helper()
	var seed [32]byte
	rand.Read(seed[:])
	net, err := link.Bare(link.Options{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { net.Close() })
	n := Node{NetID: group().NetID}
	return &Scout{Net: net, Protocol: n.Protocol()}
}

func crawlReal(t *testing.T, ctx context.Context, nodes []*Node) {
	t.Helper()
	c := real(t, func(n *Node) { n.Bare, n.Server = true, false })
	found := map[string]bool{}
	began := time.Now()
	run := &Crawl{Caller: scout(t), Workers: 16, Now: time.Now, Who: true, Emit: func(l NodeLine) error {
		found[l.PeerID] = l.Reachable && l.Agent == "pars" && slices.Contains(l.Protocols, c.Protocol())
		return nil
	}}
	if _, err := run.Run(ctx, []Peer{self(nodes[0])}); err != nil {
		t.Fatal(err)
	}
	ours := time.Since(began)
	began = time.Now()
	theirs := map[string]bool{}
	lib, err := crawler.NewDefaultCrawler(c.Host, crawler.WithProtocols([]protocol.ID{protocol.ID(c.Protocol())}), crawler.WithParallelism(16))
	if err != nil {
		t.Fatal(err)
	}
	ai := info(self(nodes[0]))
	lib.Run(ctx, []*peer.AddrInfo{&ai}, func(p peer.ID, _ []*peer.AddrInfo) { theirs[p.String()] = true }, nil)
	t.Logf("crawl of %d: ours %v, the library's %v", len(nodes), ours, time.Since(began))
	for _, n := range nodes {
		if id := n.Host.ID().String(); !found[id] || !theirs[id] {
			t.Errorf("%s: found by us %v, by the library %v", id, found[id], theirs[id])
		}
	}
}
