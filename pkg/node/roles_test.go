package node

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// stranger is a server of the hash table at the seeder, with what serve adds.
func stranger(t *testing.T, seed byte, at string) *dht.Node {
	t.Helper()
	return strangerOf(t, seed, at, testProfile(t, "devnet"))
}

func strangerOf(t *testing.T, seed byte, at string, p *profile.Profile) *dht.Node {
	t.Helper()
	h, err := link.Host(link.Options{Seed: [32]byte{seed}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine})
	if err != nil {
		t.Fatal(err)
	}
	first, err := dht.ParsePeer(at)
	if err != nil {
		t.Fatal(err)
	}
	d := &dht.Node{Host: h, NetID: p.NetID(), Chain: p.ChainID, Server: true, Now: time.Now, Rand: rand.Reader,
		Seeds: func() []dht.Peer { return []dht.Peer{first} }}
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); h.Close() })
	if err := d.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func shows(t *testing.T, d *dht.Node, role dht.Role) {
	t.Helper()
	s := &dht.Services{Host: d.Host, NetID: d.NetID, Now: time.Now}
	if err := errors.Join(s.Start(), s.Serve(role, dht.Plain)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
}

func tells(t *testing.T, d *dht.Node, role dht.Role) {
	t.Helper()
	if acks, err := d.Provide(t.Context(), role); acks == 0 || err != nil {
		t.Fatalf("%d %v", acks, err)
	}
}

// keeps makes d keep mail.
func keeps(t *testing.T, d *dht.Node) {
	t.Helper()
	st, err := store.New(store.NewMemory(), store.Options{Key: store.Key{7}})
	if err != nil {
		t.Fatal(err)
	}
	p := testProfile(t, "devnet")
	rules := gossip.Rules{NetID: p.NetID(), Genesis: int64(p.Network.GenesisTime), StampBits: int(p.StampBits)}
	box := &gossip.Mailbox{Disk: gossip.StoreDisk{Store: st, Space: st.Root()}, Rand: rand.Reader, Rules: rules, Each: 64}
	if err := box.Open(time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	box.TakeStrangers(true)
	g := &gossip.Node{Host: d.Host, Rules: rules, Cut: gossip.Cut{NetID8: p.NetID8(), Bits: p.ShardBits}, Relay: true, Now: time.Now, Rand: rand.Reader, Mail: box}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(); st.Close() })
}

// forgets makes d say yes to every letter and keep none.
func forgets(t *testing.T, d *dht.Node) {
	p := testProfile(t, "devnet")
	d.Host.SetStreamHandler(protocol.ID(p.Protocol("mail/1")), func(s network.Stream) {
		defer s.Close()
		for r := bufio.NewReader(s); ; {
			typ, body, err := wire.ReadFrame(r)
			if err != nil {
				return
			}
			if put, err := gossip.DecodePut(body); typ == 1 && err == nil {
				id := envelope.EnvelopeID(put.Envelope)
				s.Write(wire.AppendFrame(nil, 16, id[:]))
				continue
			}
			s.Write(wire.AppendFrame(nil, 21, []byte{0}))
		}
	})
}

// TestRelayShowsWhatItCan: of four who tell that they are relays a node chooses the one that shows a card and gives back
// what is left with it. One shows a card and forgets mail, one keeps mail and shows none, one shows another's.
func TestRelayShowsWhatItCan(t *testing.T) {
	at := seeder(t)
	good, forgetful, bare, thief := stranger(t, 101, at), stranger(t, 102, at), stranger(t, 103, at), stranger(t, 104, at)
	keeps(t, good)
	keeps(t, bare)
	keeps(t, thief)
	forgets(t, forgetful)
	shows(t, good, "relay")
	shows(t, forgetful, "relay")
	card := sealedCard(t, good)
	thief.Host.SetStreamHandler(protocol.ID(dht.CardProtocol(thief.NetID)), func(s network.Stream) {
		defer s.Close()
		s.Write(card)
	})
	for _, d := range []*dht.Node{good, forgetful, bare, thief} {
		tells(t, d, "relay")
	}
	n := start(t, tempHome(t), func(n *Node) { n.Peers = []string{at} })
	until(t, "a relay is chosen", func() bool { return n.mail.relays.has(good.Host.ID()) })
	n.mail.relays.mu.Lock()
	n.mail.relays.call, n.mail.relays.search = pace{}, pace{} // once more: everybody is looked at again
	n.mail.relays.mu.Unlock()
	n.mail.kick()
	until(t, "it was looked again", func() bool {
		n.mail.relays.mu.Lock()
		defer n.mail.relays.mu.Unlock()
		return n.mail.relays.search.wait != 0 && !n.mail.relays.busy
	})
	for _, d := range []*dht.Node{forgetful, bare, thief} {
		if n.mail.relays.has(d.Host.ID()) {
			t.Errorf("%s is a relay", d.PeerID())
		}
	}
}

func sealedCard(t *testing.T, d *dht.Node) []byte {
	t.Helper()
	ask := stranger(t, 105, d.Self().AddrNames()[0])
	var b []byte
	if err := ask.Host.Connect(t.Context(), peer.AddrInfo{ID: d.Host.ID(), Addrs: d.Host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	s, err := ask.Host.NewStream(t.Context(), d.Host.ID(), protocol.ID(dht.CardProtocol(d.NetID)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Write([]byte("relay"))
	s.CloseWrite()
	buf := make([]byte, dht.MaxCard)
	for {
		k, err := s.Read(buf)
		b = append(b, buf[:k]...)
		if err != nil {
			break
		}
	}
	if len(b) == 0 {
		t.Fatal("no card")
	}
	return b
}

// TestAnnounceRole: a node serves in a role that a person asks for, shows its card, and does so after a restart; it does not
// say that it is what it cannot be. A gateway gives the terms of its own role.
func TestAnnounceRole(t *testing.T) {
	at, dir := seeder(t), tempHome(t)
	n := start(t, dir, func(n *Node) { n.Peers = []string{at} })
	ask := stranger(t, 101, at)
	until(t, "it knows a server", func() bool { return n.presence.dht.Load().Known() > 0 })
	a := api(t, dir)
	for _, role := range []string{"relay", "evm-full:1", "king"} {
		if got, err := a.AnnounceRole(t.Context(), role); err == nil {
			t.Errorf("%s: %+v", role, got)
		}
	}
	until(t, "a server has taken the role", func() bool { // it may not have joined the table yet
		got, err := a.AnnounceRole(t.Context(), "courier")
		return err == nil && got.Role == "courier" && got.Acks > 0
	})
	find := func(role dht.Role) (out []dht.Server) {
		err := ask.FindServers(t.Context(), role, dht.Shards, nil, func(s dht.Server) bool { out = append(out, s); return true })
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := find("courier"); len(got) != 1 || got[0].Err != nil || got[0].Card.Peer != dht.PeerID(n.host.ID()) {
		t.Errorf("%+v", got)
	}
	evm := dht.Roles(n.Profile.ChainID)[4]
	want := dht.ChainCard{ID: n.Profile.ChainID, Genesis: [32]byte{1}, Head: 7, Oldest: 3}
	if err := n.Serve(evm, func(context.Context) (*dht.ChainCard, error) { return &want, nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := a.AnnounceRole(t.Context(), string(evm)); err != nil || got.Acks == 0 {
		t.Fatalf("%+v %v", got, err)
	}
	if got := find(evm); len(got) != 1 || got[0].Err != nil || *got[0].Card.Chain != want {
		t.Errorf("%+v", got)
	}
	n.Withdraw(evm)
	if got := find(evm); len(got) != 1 || !errors.Is(got[0].Err, dht.ErrNoCard) {
		t.Errorf("withdrawn: %+v", got)
	}
	n.Close()
	n = start(t, dir, func(n *Node) { n.Peers = []string{at} })
	until(t, "it tells again by itself", func() bool {
		n.roles.mu.Lock()
		defer n.roles.mu.Unlock()
		p := n.roles.told["courier"]
		return p != nil && p.wait == 0 && !p.next.IsZero()
	})
	if !slices.Equal(n.roles.kept, []dht.Role{"courier"}) {
		t.Errorf("kept %v", n.roles.kept)
	}
}
