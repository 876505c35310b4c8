package dht

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	record "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/pars-network/pars/pkg/wire"
)

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

func (n *Node) plant(key Key, value []byte) error {
	rec := record.MakePutRecord(string(key.Bytes()), value)
	rec.TimeReceived = time.Now().UTC().Format(time.RFC3339Nano)
	b, err := proto.Marshal(rec)
	if err != nil {
		return err
	}
	return n.values.Put(context.Background(), valueName(key), b)
}

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
