package dht

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p-kad-dht/crawler"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

func crawlReal(t *testing.T, ctx context.Context, nodes []*Node) {
	t.Helper()
	c := real(t, func(n *Node) { n.Bare, n.Server = true, false })
	found := map[string]bool{}
	began := time.Now()
	run := &Crawl{Caller: c, Workers: 16, Now: time.Now, Emit: func(l NodeLine) error {
		found[l.PeerID] = l.Reachable
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

func planted(b testing.TB, n int) []*Node {
	b.Helper()
	nodes := make([]*Node, n)
	for i := range nodes {
		nodes[i] = real(b, nil)
	}
	for i, a := range nodes {
		var full [257]int
		at := NodeID(PeerID(a.Host.ID()))
		for j := 1; j < n; j++ {
			o := nodes[(i+j*7)%n]
			z := NodeID(PeerID(o.Host.ID())).Distance(at).LeadingZeros()
			if o == a || full[z] >= K {
				continue
			}
			full[z]++
			a.Host.Peerstore().AddAddrs(o.Host.ID(), o.Host.Addrs(), 24*time.Hour)
			if _, err := a.kad.RoutingTable().TryAddPeer(o.Host.ID(), true, false); err != nil {
				b.Fatal(err)
			}
		}
	}
	return nodes
}

func BenchmarkCrawlReal(b *testing.B) {
	const n = 1000
	nodes := planted(b, n)
	first := self(nodes[0])
	var ours, theirs time.Duration
	b.ResetTimer()
	for b.Loop() {
		c := real(b, func(n *Node) { n.Bare, n.Server = true, false })
		began, found := time.Now(), 0
		run := &Crawl{Caller: c, Workers: 64, Now: time.Now, Emit: func(l NodeLine) error {
			if l.Reachable {
				found++
			}
			return nil
		}}
		if _, err := run.Run(context.Background(), []Peer{first}); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(began)
		if found != n {
			b.Errorf("%d of %d found", found, n)
		}
		c = real(b, func(n *Node) { n.Bare, n.Server = true, false })
		began, found = time.Now(), 0
		lib, err := crawler.NewDefaultCrawler(c.Host, crawler.WithProtocols([]protocol.ID{protocol.ID(c.Protocol())}), crawler.WithParallelism(64))
		if err != nil {
			b.Fatal(err)
		}
		ai := info(first)
		lib.Run(context.Background(), []*peer.AddrInfo{&ai}, func(peer.ID, []*peer.AddrInfo) { found++ }, nil)
		theirs += time.Since(began)
		b.Logf("ours %v, the library's %v (%d found)", ours, theirs, found)
	}
	b.ReportMetric(n*float64(b.N)/ours.Seconds(), "nodes/s")
	b.ReportMetric(n*float64(b.N)/theirs.Seconds(), "library-nodes/s")
}
