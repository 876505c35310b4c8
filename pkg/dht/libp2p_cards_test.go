package dht

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// services serve roles on the host of a node.
func services(t *testing.T, n *Node) *Services {
	t.Helper()
	s := &Services{Host: n.Host, NetID: n.NetID, Now: n.Now}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// says answers every question for a card with the same bytes.
func says(n *Node, b []byte) {
	n.Host.SetStreamHandler(protocol.ID(CardProtocol(n.NetID)), func(s network.Stream) {
		defer s.Close()
		io.ReadAll(s)
		s.Write(b)
	})
}

func sealed(t *testing.T, n *Node, change func(*Card)) []byte {
	t.Helper()
	raw, err := n.Host.Peerstore().PrivKey(n.Host.ID()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	c := Card{Role: "relay", Peer: PeerID(n.Host.ID()), Addrs: n.Self().Addrs, NotAfter: uint64(time.Now().Add(time.Hour).Unix())}
	change(&c)
	body := c.body()
	s := sig.FromSeed([32]byte(raw[:32])).Sign(wire.LabelRoleCard, cardSigned(n.NetID, body))
	return append(body, s[:]...)
}

// TestRoleCards: the card that comes over the stream is the server's own, of this network and of the role that was asked for;
// whoever tells another, or none, does not count.
func TestRoleCards(t *testing.T) {
	ask, srv := real(t, nil), real(t, nil)
	s := services(t, srv)
	ctx := wait(t, 30*time.Second)
	if _, err := ask.AskCard(ctx, self(srv), "relay"); !errors.Is(err, ErrNoCard) {
		t.Errorf("a role that is not served: %v", err)
	}
	if err := s.Serve("relay", Plain); err != nil {
		t.Fatal(err)
	}
	c, err := ask.AskCard(ctx, self(srv), "relay")
	if err != nil || c.Peer != PeerID(srv.Host.ID()) || !slices.EqualFunc(c.Addrs, self(srv).Addrs, slices.Equal) || c.Chain != nil {
		t.Fatalf("%+v %v", c, err)
	}
	s.Withdraw("relay")
	if _, err := ask.AskCard(ctx, self(srv), "relay"); !errors.Is(err, ErrNoCard) {
		t.Errorf("withdrawn: %v", err)
	}
	if err := s.Serve("king", Plain); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a role there is none of: %v", err)
	}

	other := real(t, nil)
	for _, lie := range []struct {
		why  string
		card []byte
		want error
	}{
		{"another node's card", sealed(t, other, func(*Card) {}), wire.ErrInvalid},
		{"another role's card", sealed(t, srv, func(c *Card) { c.Role = "courier" }), wire.ErrInvalid},
		{"another node's name", sealed(t, srv, func(c *Card) { c.Peer = PeerID(other.Host.ID()) }), sig.ErrVerify},
		{"an old card", sealed(t, srv, func(c *Card) { c.NotAfter = uint64(time.Now().Unix()) - 1 }), ErrExpired},
		{"one for a year", sealed(t, srv, func(c *Card) { c.NotAfter = uint64(time.Now().Unix()) + 365*day }), ErrExpired},
		{"an endless one", make([]byte, 1<<20), wire.ErrInvalid},
		{"nothing", nil, ErrNoCard},
	} {
		says(srv, lie.card)
		if c, err := ask.AskCard(ctx, self(srv), "relay"); !errors.Is(err, lie.want) {
			t.Errorf("%s: %+v %v", lie.why, c, err)
		}
	}
}

// TestChainTerms: a card says what its terms say when it is asked for, and with terms that fail it is not given out.
func TestChainTerms(t *testing.T) {
	ask, srv := real(t, nil), real(t, nil)
	at := time.Now()
	s := &Services{Host: srv.Host, NetID: srv.NetID, Now: func() time.Time { return at }}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	head, asked := uint64(100), 0
	var broken error
	role := Role("evm-full:7070")
	if err := s.Serve(role, func(context.Context) (*ChainCard, error) {
		asked++
		return &ChainCard{ID: 7070, Genesis: fill(1), Head: head, Oldest: 3}, broken
	}); err != nil {
		t.Fatal(err)
	}
	ctx := wait(t, 30*time.Second)
	for _, want := range []uint64{100, 100, 101} {
		if want == 101 {
			at = at.Add(cardFresh)
		}
		c, err := ask.AskCard(ctx, self(srv), role)
		if err != nil || c.Chain == nil || *c.Chain != (ChainCard{7070, fill(1), want, 3}) {
			t.Fatalf("%+v %v", c.Chain, err)
		}
		head = 101
	}
	for range 50 {
		if _, err := s.Card(ctx, role); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 {
		t.Errorf("terms asked for %d times", asked)
	}
	at, broken = at.Add(cardFresh), errors.New("behind")
	if _, err := ask.AskCard(ctx, self(srv), role); !errors.Is(err, ErrNoCard) {
		t.Errorf("with terms that fail: %v", err)
	}
	if _, err := s.Card(ctx, role); err == nil || !strings.Contains(err.Error(), "behind") {
		t.Errorf("why: %v", err)
	}
}

// TestSilentAskers: who opens streams and says nothing keeps no more of them than there are slots, and Close ends them.
func TestSilentAskers(t *testing.T) {
	srv := real(t, nil)
	s := &Services{Host: srv.Host, NetID: srv.NetID, Now: time.Now}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Serve("relay", Plain); err != nil {
		t.Fatal(err)
	}
	for range maxAsking {
		if !s.enter() {
			t.Fatal("no slot")
		}
	}
	ask := real(t, nil)
	ctx := wait(t, 20*time.Second)
	if _, err := ask.AskCard(ctx, self(srv), "relay"); !errors.Is(err, ErrNoCard) {
		t.Errorf("with all slots taken: %v", err)
	}
	for range maxAsking {
		s.leave()
	}
	if _, err := ask.AskCard(ctx, self(srv), "relay"); err != nil {
		t.Error(err)
	}
}

// TestFindServers: of those who say that they are seeders one shows its card and names others; one shows a card and does
// not serve, one lies about its card, and one has none.
func TestFindServers(t *testing.T) {
	nodes := realNetwork(t, 5)
	ctx := wait(t, 60*time.Second)
	mute := real(t, func(n *Node) {
		n.Server = false
		n.Seeds = func() []Peer { return []Peer{self(nodes[0])} }
	})
	if err := mute.Join(ctx); err != nil {
		t.Fatal(err)
	}
	good, liar, none, asker := nodes[1], nodes[2], nodes[3], nodes[4]
	if err := services(t, good).Serve("seeder", Plain); err != nil {
		t.Fatal(err)
	}
	if err := services(t, mute).Serve("seeder", Plain); err != nil {
		t.Fatal(err)
	}
	says(liar, sealed(t, good, func(c *Card) { c.Role = "seeder" }))
	for _, n := range []*Node{good, mute, liar, none} {
		if acks, err := n.Provide(ctx, "seeder"); acks == 0 || err != nil {
			t.Fatalf("%d %v", acks, err)
		}
	}
	got := map[PeerID]error{}
	err := asker.FindServers(ctx, "seeder", Shards, asker.Answers, func(s Server) bool {
		if s.Err == nil && (s.Card.Role != "seeder" || len(s.Addrs) == 0) {
			t.Errorf("%+v", s)
		}
		got[s.ID] = s.Err
		return true
	})
	at := func(n *Node) error {
		err, ok := got[PeerID(n.Host.ID())]
		if !ok {
			t.Errorf("%s was not looked at", n.PeerID())
		}
		return err
	}
	if err != nil || at(good) != nil || at(mute) == nil || !errors.Is(at(liar), wire.ErrInvalid) || !errors.Is(at(none), ErrNoCard) {
		t.Errorf("%v: good %v, mute %v, liar %v, none %v", err, at(good), at(mute), at(liar), at(none))
	}
	seen := 0
	if err := asker.FindServers(ctx, "seeder", Shards, nil, func(Server) bool { seen++; return false }); err != nil || seen != 1 {
		t.Errorf("after enough: %d %v", seen, err)
	}
}

func TestServicesNeedKey(t *testing.T) {
	h, err := link.Host(link.Options{Seed: [32]byte{1}, Limits: link.Dialer})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.Peerstore().RemovePeer(peer.ID(h.ID()))
	var seed [32]byte
	rand.Read(seed[:])
	if err := (&Services{Host: h, NetID: seed, Now: time.Now}).Start(); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("a host without a key: %v", err)
	}
}
