package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	kad "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/crawler"
	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/link"
)

const (
	crawled     = 1000
	crawlers    = 64
	crawledEnv  = "PARS_BENCH_CRAWLED" // set: this process is the network that another crawls
	crawlPrefix = "/pars/00000000"
	crawlProto  = crawlPrefix + "/kad/1.0.0"
)

// crawlRows crawls 1,000 servers of the library, full tables, with its crawler and with ours.
func crawlRows(b *bench) error {
	return errors.Join(b.crawlTCP(), b.crawlMemory())
}

// crawlTCP crawls servers in another process, over loopback with the handshakes that real connections have.
func (b *bench) crawlTCP() error {
	nodes, theirCPU, stop, err := servers()
	if err != nil {
		return err
	}
	defer stop()
	var theirs, plain, who, floor, hand series
	for range b.rounds() {
		for _, side := range []struct {
			into *series
			run  func() error
		}{
			{&theirs, func() error { return withHost(func(h host.Host) error { return stockCrawl(h, nodes) }) }},
			{&plain, func() error { return scouting(func(s *dht.Scout) error { return ourCrawl(s, nodes, false) }) }},
			{&who, func() error { return scouting(func(s *dht.Scout) error { return ourCrawl(s, nodes, true) }) }},
			{&floor, func() error { return scouting(func(s *dht.Scout) error { return callAll(s, nodes, true) }) }},
			{&hand, func() error { return scouting(func(s *dht.Scout) error { return callAll(s, nodes, false) }) }},
		} {
			before := theirCPU()
			c, err := timed(side.run)
			if err != nil {
				return err
			}
			c.value = c.cpu + theirCPU() - before
			*side.into = append(*side.into, c)
		}
	}
	b.crawlRow("TCP, servers in another process of the same machine", "kad-dht's crawler", theirs, plain).note("no row asks what nodes say of themselves but the next")
	b.crawlRow("TCP, asking each for its agent and protocols too", "kad-dht's crawler", theirs, who)
	b.crawlRow("TCP", "floor: dial, handshake, one FIND_NODE, no crawl", floor, plain)
	b.crawlRow("TCP", "dial and handshake alone", hand, plain)
	b.crawlCPU("CPU of the crawler a node, TCP", cpu, theirs, plain, floor, hand)
	r := b.crawlCPU("CPU of crawler and servers a node, TCP", value, theirs, plain, floor, hand)
	r.atMost(math.Round(1.5 * floor.median(value, 1e6/crawled).median))
	r.Note += fmt.Sprintf("; 1,000 nodes a second leave %d threads %d us each; the target is 1.5 x the floor", runtime.NumCPU(), 1000*runtime.NumCPU())
	return nil
}

// crawlCPU compares what a node costs.
func (b *bench) crawlCPU(what string, of func(cost) float64, theirs, ours, floor, hand series) *row {
	p := theirs.median(of, 1e6/crawled)
	return b.add(row{Area: "crawl", Measure: what, Unit: "us", Peer: "kad-dht's crawler", Rounds: len(ours)}, &p, ours.median(of, 1e6/crawled)).
		note("the floor %s, the handshake alone %s", floor.median(of, 1e6/crawled), hand.median(of, 1e6/crawled))
}

// crawlMemory crawls hosts of this process over connections in memory, without handshakes.
func (b *bench) crawlMemory() error {
	net := mocknet.New()
	defer net.Close()
	var hosts []host.Host
	for i := range crawled + 2 {
		key, err := nodeKey(i)
		if err != nil {
			return err
		}
		h, err := net.AddPeer(key, ma.StringCast(fmt.Sprintf("/ip4/10.0.%d.%d/tcp/4001", i>>8, i&255)))
		if err != nil {
			return err
		}
		hosts = append(hosts, h)
	}
	stock, own := hosts[crawled], hosts[crawled+1]
	for _, h := range hosts[:crawled] {
		for _, c := range []host.Host{stock, own} {
			if _, err := net.LinkPeers(c.ID(), h.ID()); err != nil {
				return err
			}
		}
	}
	nodes, err := plant(hosts[:crawled])
	if err != nil {
		return err
	}
	peers := infos(nodes)
	var theirs, ours series
	for range b.rounds() {
		c, err := timed(func() error { return stockCrawl(stock, peers) })
		if err != nil {
			return err
		}
		theirs = append(theirs, c)
		hangUp(stock)
		if c, err = timed(func() error { return ourCrawl(&dht.Scout{Net: own.Network(), Protocol: crawlProto}, peers, false) }); err != nil {
			return err
		}
		ours = append(ours, c)
		hangUp(own)
	}
	r := b.crawlRow("in memory, all in one process, no handshakes", "kad-dht's crawler", theirs, ours)
	r.aim(">= 1000", r.Ours >= 1000)
	peerCPU := theirs.median(cpu, 1e6/crawled)
	b.add(row{Area: "crawl", Measure: "CPU of all a node, in memory", Unit: "us", Peer: "kad-dht's crawler", Rounds: len(ours)}, &peerCPU, ours.median(cpu, 1e6/crawled))
	for _, n := range nodes {
		n.Close()
	}
	return nil
}

func (b *bench) rounds() int {
	if b.quick {
		return 1
	}
	return 5
}

// crawlRow compares nodes a second.
func (b *bench) crawlRow(what, peer string, theirs, ours series) *row {
	rate := func(s series) figure {
		f := s.median(wall, 1)
		return figure{crawled / f.median, f.spread}
	}
	p, o := rate(theirs), rate(ours)
	return b.add(row{Area: "crawl", Measure: fmt.Sprintf("%d nodes, %s", crawled, what), Unit: "nodes/s", Peer: peer, Rounds: len(ours)}, &p, o)
}

func hangUp(h host.Host) {
	for _, c := range h.Network().Conns() {
		c.Close()
	}
}

// withHost gives f a host that only dials.
func withHost(f func(host.Host) error) error {
	h, err := link.Host(link.Options{Seed: [32]byte{1, 2}, Limits: link.Dialer, Low: 2 * crawled})
	if err != nil {
		return err
	}
	defer h.Close()
	return f(h)
}

func scouting(f func(*dht.Scout) error) error {
	net, err := link.Bare(link.Options{Seed: [32]byte{1, 3}})
	if err != nil {
		return err
	}
	defer net.Close()
	return f(&dht.Scout{Net: net, Protocol: crawlProto})
}

func stockCrawl(h host.Host, nodes []peer.AddrInfo) error {
	lib, err := crawler.NewDefaultCrawler(h, crawler.WithProtocols([]protocol.ID{crawlProto}), crawler.WithParallelism(crawlers))
	if err != nil {
		return err
	}
	found := 0
	lib.Run(context.Background(), []*peer.AddrInfo{&nodes[0]}, func(peer.ID, []*peer.AddrInfo) { found++ }, nil)
	return all(found, nodes)
}

func ourCrawl(s *dht.Scout, nodes []peer.AddrInfo, who bool) error {
	found := 0
	run := &dht.Crawl{Caller: s, Workers: crawlers, Who: who, Now: time.Now, Emit: func(l dht.NodeLine) error {
		if l.Reachable {
			found++
		}
		return nil
	}}
	if _, err := run.Run(context.Background(), []dht.Peer{asPeer(nodes[0])}); err != nil {
		return err
	}
	return all(found, nodes)
}

func all(found int, nodes []peer.AddrInfo) error {
	if found != len(nodes) {
		return fmt.Errorf("%d of %d nodes found", found, len(nodes))
	}
	return nil
}

// callAll is what no crawl can do without: each node is called, and with ask told one request, by as many callers at a time.
func callAll(s *dht.Scout, nodes []peer.AddrInfo, ask bool) error {
	var wg sync.WaitGroup
	var next, failed atomic.Int64
	for range crawlers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(nodes)); i = next.Add(1) - 1 {
				ctx := context.Background()
				talk, err := s.Call(ctx, asPeer(nodes[i]))
				if err == nil && ask {
					_, err = talk.FindNode(ctx, []byte(nodes[i].ID))
				}
				if err != nil {
					failed.Add(1)
					continue
				}
				talk.HangUp()
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n > 0 {
		return fmt.Errorf("%d calls failed", n)
	}
	return nil
}

func asPeer(ai peer.AddrInfo) dht.Peer {
	p := dht.Peer{ID: dht.PeerID(ai.ID), Class: dht.Listed}
	for _, a := range ai.Addrs {
		p.Addrs = append(p.Addrs, a.Bytes())
	}
	return p
}

func nodeKey(i int) (crypto.PrivKey, error) {
	seed := nodeSeed(i)
	key, _, err := crypto.GenerateEd25519Key(seedReader(seed))
	return key, err
}

func nodeSeed(i int) [32]byte { return sha256.Sum256([]byte("crawled " + strconv.Itoa(i))) }

// seedReader gives a seed as if it were randomness.
type seedReader [32]byte

// Read is of io.Reader.
func (s seedReader) Read(b []byte) (int, error) { return copy(b, s[:]), nil }

// plant starts a server on each host and fills its table with whom it would know.
func plant(hosts []host.Host) (nodes []*kad.IpfsDHT, err error) {
	for _, h := range hosts {
		d, err := kad.New(h, kad.ProtocolPrefix(crawlPrefix), kad.Mode(kad.ModeServer), kad.DisableAutoRefresh(), kad.DisableValues(), kad.DisableProviders())
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, d)
	}
	for i, d := range nodes {
		var full [257]int
		at := kbucket.ConvertPeerID(d.PeerID())
		for j := 1; j < len(nodes); j++ {
			o := nodes[(i+j*7)%len(nodes)]
			cpl := kbucket.CommonPrefixLen(at, kbucket.ConvertPeerID(o.PeerID()))
			if o == d || full[cpl] >= dht.K {
				continue
			}
			full[cpl]++
			d.Host().Peerstore().AddAddrs(o.PeerID(), o.Host().Addrs(), 24*time.Hour)
			if _, err := d.RoutingTable().TryAddPeer(o.PeerID(), true, false); err != nil {
				return nil, err
			}
		}
	}
	return nodes, nil
}

func infos(nodes []*kad.IpfsDHT) (out []peer.AddrInfo) {
	for _, d := range nodes {
		out = append(out, peer.AddrInfo{ID: d.PeerID(), Addrs: d.Host().Addrs()})
	}
	return out
}

// servers starts this program once more as the network to crawl. used is the CPU time of it, in seconds.
func servers() (nodes []peer.AddrInfo, used func() float64, stop func(), err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	cmd := exec.Command(exe)
	cmd.Env, cmd.Stderr = append(os.Environ(), crawledEnv+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, nil, err
	}
	stop = func() { in.Close(); cmd.Wait() }
	if err := json.NewDecoder(out).Decode(&nodes); err != nil {
		stop()
		return nil, nil, nil, fmt.Errorf("servers to crawl: %w", err)
	}
	return nodes, func() float64 { return cpuOf(cmd.Process.Pid) }, stop, nil
}

// serveCrawled is the other process: it prints its nodes and serves until its input ends.
func serveCrawled() error {
	var hosts []host.Host
	for i := range crawled {
		h, err := link.Host(link.Options{Seed: nodeSeed(i), Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine, Low: 400})
		if err != nil {
			return err
		}
		hosts = append(hosts, h)
	}
	nodes, err := plant(hosts)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(infos(nodes)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
