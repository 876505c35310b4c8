package dht

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	kad "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/crawler"
	"github.com/libp2p/go-libp2p-kbucket/peerdiversity"
	record "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

func wait(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// real starts a node on loopback; change alters it before.
func real(t testing.TB, change func(*Node)) *Node {
	t.Helper()
	var seed [32]byte
	rand.Read(seed[:])
	h, err := link.Host(link.Options{Seed: seed, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine, Low: 400})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	n := &Node{Host: h, NetID: group().NetID, Chain: 7070, Server: true, Now: time.Now, Rand: rand.Reader}
	if change != nil {
		change(n)
	}
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func self(n *Node) Peer { return n.Self() }

// realNetwork starts n servers that know the first one alone, and lets them join.
func realNetwork(t testing.TB, n int) []*Node {
	t.Helper()
	first := real(t, nil)
	seeds := func() []Peer { return []Peer{self(first)} }
	nodes := []*Node{first}
	for range n - 1 {
		nodes = append(nodes, real(t, func(n *Node) { n.Seeds = seeds }))
	}
	for range 2 { // those that joined early do not know who came later
		joinAll(t, nodes)
	}
	return nodes
}

func joinAll(t testing.TB, nodes []*Node) {
	t.Helper()
	var wg sync.WaitGroup
	for _, n := range nodes[1:] {
		wg.Go(func() {
			if err := n.Join(wait(t, 60*time.Second)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func held(nodes []*Node, key Key) (n int) {
	for _, x := range nodes {
		if ok, err := x.values.Has(context.Background(), valueName(key)); ok && err == nil {
			n++
		}
	}
	return n
}

// valueName is where the library keeps a record.
func valueName(key Key) ds.Key {
	return ds.NewKey("/pars/" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key.Bytes()))
}

func group1(id peer.ID) peerdiversity.PeerGroupInfo { return peerdiversity.PeerGroupInfo{Id: id} }

// Twenty-four real nodes: a record put by one is found by another, a reader leaves nothing behind, a stock kad-dht
// server of our prefix reads ours and we read its, and members and roles are found.
func TestRealNetwork(t *testing.T) {
	nodes := realNetwork(t, 24)
	ctx := wait(t, 120*time.Second)
	g, at := group(), time.Now().Unix()
	d := draft(g, at)

	stored, err := nodes[3].Announce(ctx, g, fill(3), d)
	if err != nil || len(stored.Stored) < K || stored.Crowded {
		t.Fatalf("stored by %d, failed %d, region %d: %v", len(stored.Stored), len(stored.Failed), stored.Region, err)
	}
	key, err := g.Key(sig.FromSeed(fill(3)).Public(), Presence, d.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	before := held(nodes, key)
	counted := nodes[20].size.Count()
	place, rec, err := nodes[20].FindMember(ctx, g, sig.FromSeed(fill(3)).Public(), Presence)
	if err != nil || rec.Seq != d.Seq || place.State != 2 {
		t.Fatalf("found %+v %v", place, err)
	}
	if after := held(nodes, key); after != before || before < K {
		t.Errorf("held by %d before a read and %d after", before, after)
	}
	if nodes[20].size.Count() != counted {
		t.Error("a look-up of a key that matters counts the network")
	}

	d.Seq++
	if _, err := nodes[5].Announce(ctx, g, fill(3), d); err != nil {
		t.Fatal(err)
	}
	r, err := nodes[7].GetRecord(ctx, key, nil)
	if got, derr := DecodeRecord(r.Value); err != nil || derr != nil || got.Seq != d.Seq || r.Ended < 3 {
		t.Errorf("seq %d on %d paths, %v", got.Seq, r.Ended, err)
	}
	stock(t, ctx, nodes, key, d)
	if _, err := nodes[2].GetRecord(ctx, Key(fill(99)), nil); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("what nobody put: %v", err)
	}
	if acks, err := nodes[4].Provide(ctx, "relay"); err != nil || acks < K/2 {
		t.Errorf("%d acks, %v", acks, err)
	}
	hints, err := nodes[9].FindRole(ctx, "relay", Shards)
	if err != nil || len(hints) != 1 || hints[0].ID != PeerID(nodes[4].Host.ID()) || len(hints[0].Addrs) == 0 {
		t.Errorf("relays %v, %v", hints, err)
	}
	crawlReal(t, ctx, nodes)
	if size := nodes[1].Estimate(ctx, 2); size < 20 || size > 60 {
		t.Errorf("24 servers estimated as %.0f", size)
	}
}

// crawlReal finds every node, as the library's crawler does beside it.
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

// stock joins an unmodified kad-dht server of our prefix and lets each side read what the other put.
func stock(t *testing.T, ctx context.Context, nodes []*Node, key Key, d Draft) {
	t.Helper()
	other := real(t, func(n *Node) { n.Bare, n.Server = true, false }) // for its host and validator
	opts := []kad.Option{kad.ProtocolPrefix(other.prefix()), kad.Mode(kad.ModeServer), kad.Validator(record.NamespacedValidator{"pars": rule{other}})}
	other.Close()
	plain, err := kad.New(other.Host, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if err := other.Host.Connect(ctx, info(self(nodes[0]))); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); plain.RoutingTable().Size() == 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond) // sleep: the library tells nobody that its table has taken a peer
	}
	if err := <-plain.RefreshRoutingTable(); err != nil {
		t.Fatal(err)
	}
	v, err := plain.GetValue(ctx, string(key.Bytes()))
	if got, derr := DecodeRecord(v); err != nil || derr != nil || got.Seq != d.Seq {
		t.Errorf("kad-dht reads seq %d: %v", got.Seq, err)
	}
	theirs, value := seal(t, group(), fill(55), d, rand.Reader)
	if err := plain.PutValue(ctx, string(theirs.Bytes()), value); err != nil {
		t.Fatal(err)
	}
	if r, err := nodes[11].GetRecord(ctx, theirs, nil); err != nil || !bytes.Equal(r.Value, value) {
		t.Errorf("what kad-dht put: %v", err)
	}
}

// Whoever asks a server for what it must not do is turned away before anything is stored.
func TestTraps(t *testing.T) {
	server := real(t, nil)
	client := real(t, func(n *Node) { n.Server = false })
	ctx := wait(t, 20*time.Second)
	to := self(server)
	put := func(key string, value []byte) error { return client.store(ctx, to, []byte(key), value) }
	good, value := seal(t, group(), fill(3), draft(group(), time.Now().Unix()), rand.Reader)
	if err := put(string(good.Bytes()), value); err != nil {
		t.Fatalf("a good record: %v", err)
	}
	late, _ := seal(t, group(), fill(4), draft(group(), time.Now().Unix()), rand.Reader)
	pub, err := client.Host.Peerstore().PubKey(client.Host.ID()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"a public key":     put("/pk/"+string(client.Host.ID()), pub),
		"100 KiB":          put(string(late.Bytes()), make([]byte, 100<<10)),
		"another's key":    put(string(late.Bytes()), value),
		"a record of ipns": put("/ipns/"+string(client.Host.ID()), value),
		"a stranger's key": client.provide(ctx, to, RoleKey(fill(9), "relay", 0)),
	} {
		if name != "a stranger's key" && err == nil {
			t.Errorf("%s was stored", name)
		}
	}
	if n := len(server.values.s.Names()); n != 1 {
		t.Errorf("%d records are kept", n)
	}
	if _, err := client.Ping(ctx, to.ID); err != nil { // the stream of the refused one is gone; a provider is sent without an answer
		t.Error(err)
	}
	if err := client.provide(ctx, to, RoleKey(server.NetID, "relay", 0)); err != nil {
		t.Errorf("a role of the network: %v", err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(server.providersKept.s.Names()) == 0 && time.Now().Before(deadline) {
		client.Ping(ctx, to.ID) // the library answers nothing to a provider: another request comes after it
	}
	if n := len(server.providersKept.s.Names()); n != 1 {
		t.Errorf("%d providers are kept, want the one of a role", n)
	}
}

func TestPutQuota(t *testing.T) {
	friend := map[PeerID]bool{}
	server := real(t, func(n *Node) { n.Contact = func(p PeerID) bool { return friend[p] } })
	ctx := wait(t, 20*time.Second)
	key, value := seal(t, group(), fill(3), draft(group(), time.Now().Unix()), rand.Reader)
	count := func(client *Node) (n int) {
		for range putsPerHour + 10 {
			rec := bytes.Clone(value)
			if client.store(ctx, self(server), key.Bytes(), rec) == nil {
				n++
			}
		}
		return n
	}
	stranger := real(t, func(n *Node) { n.Server = false })
	contact := real(t, func(n *Node) { n.Server = false })
	friend[PeerID(contact.Host.ID())] = true
	if got := count(stranger); got != putsPerHour || server.Stats().Refused == 0 {
		t.Errorf("%d of a stranger's puts were taken, %d refused", got, server.Stats().Refused)
	}
	if got := count(contact); got != putsPerHour+10 {
		t.Errorf("%d of a contact's puts were taken", got)
	}
}

// Two networks share nothing: neither a protocol nor a record.
func TestNetworksApart(t *testing.T) {
	one := real(t, nil)
	two := real(t, func(n *Node) { n.NetID = fill(50) })
	ctx := wait(t, 10*time.Second)
	hello, err := two.Call(ctx, self(one))
	if err != nil || hello.Serves {
		t.Errorf("%+v %v", hello, err)
	}
	if _, err := two.FindNode(ctx, PeerID(one.Host.ID()), []byte("x")); err == nil {
		t.Error("a node of another network answers")
	}
	if one.Known()+two.Known() != 0 {
		t.Error("a node of another network stands in the table")
	}
	lan := real(t, func(n *Node) { n.LAN = true })
	if hello, err := one.Call(ctx, self(lan)); err != nil || hello.Serves || !strings.HasSuffix(lan.Protocol(), "/lan/kad/1.0.0") {
		t.Errorf("the instance of the local network serves the other: %v", err)
	}
}

// A client asks and is asked by nobody.
func TestClientIsNotAsked(t *testing.T) {
	server, client := real(t, nil), real(t, func(n *Node) { n.Server = false })
	ctx := wait(t, 10*time.Second)
	if _, err := client.Call(ctx, self(server)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.FindNode(ctx, PeerID(server.Host.ID()), []byte("x")); err != nil {
		t.Errorf("a client's question: %v", err)
	}
	if _, err := server.FindNode(ctx, PeerID(client.Host.ID()), []byte("x")); err == nil {
		t.Error("a client answers")
	}
	if server.Known() != 0 {
		t.Error("a client stands in a table")
	}
}

// A server that passes records of another, or invalid ones, does not deceive a reader: the library's servers verify
// what they take and never what they give.
func TestReaderValidates(t *testing.T) {
	liar := real(t, nil)
	reader := real(t, func(n *Node) { n.Server = false; n.Seeds = func() []Peer { return []Peer{self(liar)} } })
	key, value := seal(t, group(), fill(3), draft(group(), time.Now().Unix()), rand.Reader)
	if err := liar.plant(key, value); err != nil {
		t.Fatal(err)
	}
	ctx := wait(t, 20*time.Second)
	if r, err := reader.GetRecord(ctx, key, nil); err != nil || !bytes.Equal(r.Value, value) {
		t.Fatalf("planted as it is: %v", err)
	}
	value[500] ^= 1
	if err := liar.plant(key, value); err != nil {
		t.Fatal(err)
	}
	if r, err := reader.GetRecord(ctx, key, nil); !errors.Is(err, wire.ErrNotFound) || r.Value != nil {
		t.Errorf("a forged record was taken: %v", err)
	}
}

// plant puts a record past all checks.
func (n *Node) plant(key Key, value []byte) error {
	rec := record.MakePutRecord(string(key.Bytes()), value)
	rec.TimeReceived = time.Now().UTC().Format(time.RFC3339Nano)
	b, err := proto.Marshal(rec)
	if err != nil {
		return err
	}
	return n.values.Put(context.Background(), valueName(key), b)
}

// A peer that is silent costs what nearly all took three times, not the ten seconds of the library.
func TestSilentPeer(t *testing.T) {
	mute := real(t, func(n *Node) { n.Bare = true })
	mute.Host.SetStreamHandler(protocol.ID(mute.Protocol()), func(s network.Stream) {})
	n := real(t, func(n *Node) { n.Server = false; n.Seeds = func() []Peer { return []Peer{self(mute)} } })
	for range knownTrips {
		n.took(10 * time.Millisecond)
	}
	began := time.Now()
	_, _, err := n.FindNearest(wait(t, 20*time.Second), []byte("x"), nil)
	if took := time.Since(began); !errors.Is(err, wire.ErrNotFound) || took > 3*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// The table takes eight of one small network and no more, contacts beside; it asks by the addresses that peers have,
// not by those they tell.
func TestTableDiversity(t *testing.T) {
	n := real(t, func(n *Node) { n.Contact = func(p PeerID) bool { return strings.HasPrefix(string(p), "friend") } })
	f := &diversity{n: n, in: map[peer.ID]Peer{}}
	count := func(name, addr string) (in int) {
		for i := range 60 {
			id := peer.ID(fmt.Sprint(name, i))
			if addr != "" {
				n.Host.Peerstore().AddAddr(id, ma.StringCast(fmt.Sprintf(addr, i)), time.Hour)
			}
			if f.Allow(group1(id)) {
				in++
			}
		}
		return in
	}
	for _, c := range []struct {
		name, addr string
		want       int
	}{
		{"rack", "/ip4/5.6.7.%d/tcp/1", 8}, {"friend", "/ip4/5.6.7.%d/tcp/1", 60},
		{"country", "/ip4/100.64.0.%d/tcp/1", 60}, {"home", "/ip4/10.0.0.%d/tcp/1", 60},
	} {
		if got := count(c.name, c.addr); got != c.want {
			t.Errorf("%s: %d admitted, want %d", c.name, got, c.want)
		}
	}
	f.Decrement(group1("rack0"))
	if !f.Allow(group1("rack50")) {
		t.Error("no place after one left")
	}
}

func TestDialable(t *testing.T) {
	list := func(s ...string) (out []ma.Multiaddr) {
		for _, a := range s {
			out = append(out, ma.StringCast(a))
		}
		return out
	}
	for _, c := range []struct{ in, want []ma.Multiaddr }{
		{list("/ip4/10.1.2.3/tcp/1", "/ip4/100.64.1.1/tcp/1", "/ip4/127.0.0.1/tcp/1"), list("/ip4/10.1.2.3/tcp/1", "/ip4/100.64.1.1/tcp/1")},
		{list("/ip4/127.0.0.1/tcp/1"), list("/ip4/127.0.0.1/tcp/1")},
		{list("/ip4/0.0.0.0/tcp/1", "/ip4/224.0.0.1/tcp/1"), nil},
	} {
		got := dialable(c.in)
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v: %v", c.in, got)
		}
	}
}

func FuzzParsePeer(f *testing.F) {
	f.Add("/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust")
	f.Add("/p2p/x")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePeer(s)
		if err != nil {
			return
		}
		q, err := ParsePeer(p.AddrNames()[0])
		if err != nil || q.ID != p.ID {
			t.Errorf("%q: %v", s, err)
		}
	})
}

func FuzzParsePeerID(f *testing.F) {
	f.Add("12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParsePeerID(s); err == nil {
			if q, err := ParsePeerID(PeerName(p)); err != nil || q != p {
				t.Errorf("%q: %v", s, err)
			}
		}
	})
}

// planted starts n servers on loopback whose tables are as a refresh would leave them, without the hours it takes on
// one machine.
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

// BenchmarkCrawlReal crawls 1,000 nodes over TCP in this process, and lets the library's crawler do the same in turn.
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

// TestClosedServerAnswersNobody: the library leaves its handler, which would answer out of closed stores.
func TestClosedServerAnswersNobody(t *testing.T) {
	n := real(t, nil)
	if !slices.Contains(n.Host.Mux().Protocols(), protocol.ID(n.Protocol())) {
		t.Fatal("it does not serve")
	}
	n.Close()
	if slices.Contains(n.Host.Mux().Protocols(), protocol.ID(n.Protocol())) {
		t.Error("it serves on")
	}
}

// TestLANApart: the instance of the local network keeps what is on it, speaks its own protocol, and tells nothing to the other.
func TestLANApart(t *testing.T) {
	a := real(t, func(n *Node) { n.LAN = true })
	b := real(t, func(n *Node) { n.LAN, n.Seeds = true, func() []Peer { return []Peer{self(a)} } })
	wide := real(t, func(n *Node) { n.Seeds = func() []Peer { return []Peer{self(a)} } })
	ctx := wait(t, 30*time.Second)
	if err := b.Join(ctx); err != nil || b.Known() != 1 {
		t.Fatalf("%d peers: %v", b.Known(), err)
	}
	if err := wide.Join(ctx); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("the wide instance asks one of the local network: %v", err)
	}
	in := []ma.Multiaddr{ma.StringCast("/ip4/8.8.8.8/tcp/1"), ma.StringCast("/ip4/192.168.1.2/tcp/1"), ma.StringCast("/ip4/100.64.0.1/tcp/1")}
	if got := b.reach(in); len(got) != 1 || !got[0].Equal(in[1]) {
		t.Errorf("of the local network are %v", got)
	}
	if got := wide.reach(in); len(got) != 3 {
		t.Errorf("of all are %v", got)
	}
}
