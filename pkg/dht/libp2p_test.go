package dht

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"sync"
	"testing"
	"time"

	ds "github.com/ipfs/go-datastore"
	kad "github.com/libp2p/go-libp2p-kad-dht"
	record "github.com/libp2p/go-libp2p-record"

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

// Two networks share nothing: neither a protocol nor a record.

// A client asks and is asked by nobody.

// A server that passes records of another, or invalid ones, does not deceive a reader: the library's servers verify

// what they take and never what they give.

// plant puts a record past all checks.

// A peer that is silent costs what nearly all took three times, not the ten seconds of the library.

// The table takes eight of one small network and no more, contacts beside; it asks by the addresses that peers have,

// not by those they tell.

// planted starts n servers on loopback whose tables are as a refresh would leave them, without the hours it takes on

// one machine.

// BenchmarkCrawlReal crawls 1,000 nodes over TCP in this process, and lets the library's crawler do the same in turn.

// TestClosedServerAnswersNobody: the library leaves its handler, which would answer out of closed stores.

// TestLANApart: the instance of the local network keeps what is on it, speaks its own protocol, and tells nothing to the other.
