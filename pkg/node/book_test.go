package node

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/peerbook"
	"github.com/pars-network/pars/pkg/sig"
)

// friends are two nodes with a session; the first knows where the second is.
func friends(t *testing.T, da, db string, more func(*Node)) (a, b *Node, inv Invitation) {
	t.Helper()
	b = start(t, db, nil)
	a = start(t, da, func(n *Node) {
		n.Peers = []string{b.Addrs()[0]}
		if more != nil {
			more(n)
		}
	})
	inv, err := api(t, da).Invite(t.Context(), InviteQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api(t, db).Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
		t.Fatal(err)
	}
	until(t, "level", func() bool { return a.levelNow(a.clock().Add(time.Hour)) })
	return a, b, inv
}

// TestBookBringsContactsBack: a node that lost its anchors still calls its contacts, from the book.
func TestBookBringsContactsBack(t *testing.T) {
	da, db := tempHome(t), tempHome(t)
	a, b, _ := friends(t, da, db, nil)
	e, ok := a.book.b.Get(peerbook.ID(b.host.ID()))
	if !ok || e.Class != peerbook.Contact {
		t.Fatalf("the contact is %+v", e)
	}
	a.Close()
	h, err := OpenHome(config(t, da), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range [][]byte{anchorsName, roadsName} {
		if err := h.saveSetting(name, encodePeers(nil)); err != nil {
			t.Fatal(err)
		}
	}
	h.Close()
	a = start(t, da, func(n *Node) { n.NoDHT, n.NoMail = true, true })
	if !a.book.warm() {
		t.Error("it does not wait for its contacts")
	}
	until(t, "the contact", func() bool { return a.speaking(b.host.ID()) })
}

// strangers are hosts that call a node.
func strangers(t *testing.T, n *Node, seed byte, count int) (out []host.Host) {
	t.Helper()
	for i := range count {
		h, err := link.Host(link.Options{Seed: [32]byte{seed, byte(i + 1)}, Limits: link.Dialer})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		if err := h.Connect(t.Context(), peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}); err != nil {
			t.Logf("stranger %d: %v", i, err)
		}
		out = append(out, h)
	}
	return out
}

// fast runs twenty times as fast as the clock.
func fast() func() time.Time {
	begun := time.Now()
	return func() time.Time { return begun.Add(20 * time.Since(begun)) }
}

// TestAlarm: a node that sees nobody but strangers who came today doubts its view within a minute, says so, also after a
// restart, and stops when it meets a contact.
func TestAlarm(t *testing.T) {
	dir := tempHome(t)
	var mu sync.Mutex
	var alarms []string
	cfg := config(t, dir)
	cfg.Clock = fast()
	h, err := OpenHome(cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{Home: h, Profile: cfg.Profile, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, NoMDNS: true, Events: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Type == "alarm" {
			alarms = append(alarms, e.Why)
		}
	}}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	strangers(t, n, 40, 3)
	began := n.clock()
	until(t, "the alarm", func() bool { return n.book.alarmed() != "" })
	if took := n.clock().Sub(began); took > 3*time.Minute { // the node looks each five seconds of ours
		t.Errorf("after %v", took)
	}
	st, err := api(t, dir).Status(t.Context())
	if err != nil || len(st.Alarms) != 1 {
		t.Fatalf("status %+v %v", st.Alarms, err)
	}
	n.Close()
	n = start(t, dir, func(again *Node) { again.Events = n.Events })
	if n.book.alarmed() == "" {
		t.Error("a restart ends the alarm")
	}
	inv, err := api(t, dir).Invite(t.Context(), InviteQuery{})
	if err != nil {
		t.Fatal(err)
	}
	friend := tempHome(t)
	start(t, friend, func(f *Node) { f.Peers = []string{n.Addrs()[0]} })
	if _, err := api(t, friend).Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
		t.Fatal(err)
	}
	until(t, "the end of the alarm", func() bool { return n.book.alarmed() == "" })
	n.Close()
	if n = start(t, dir, nil); n.book.alarmed() != "" {
		t.Error("a restart brings it back")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(alarms) != 2 || alarms[0] == "" || alarms[1] != "" {
		t.Errorf("events %q", alarms)
	}
}

// TestCrowd: strangers who call fill no more than their places, and a contact always gets in.
func TestCrowd(t *testing.T) {
	da, db := tempHome(t), tempHome(t)
	a, b, _ := friends(t, da, db, func(n *Node) { n.NoDHT, n.NoMail = true, true })
	limit := a.mode().Limits().Inbound
	strangers(t, a, 50, limit+10)
	inbound := func() (n int) {
		for _, c := range a.host.Network().Conns() {
			if c.Stat().Direction == network.DirInbound {
				n++
			}
		}
		return n
	}
	until(t, "the crowd to shrink", func() bool { return inbound() < limit })
	if !slices.Contains(a.host.Network().Peers(), b.host.ID()) {
		t.Error("the contact had to go")
	}
}

// TestListedPeers: what a list names enters the book as of one source, and no list has more than its slots.
func TestListedPeers(t *testing.T) {
	n := start(t, tempHome(t), func(n *Node) { n.NoDHT, n.NoMail = true, true })
	for i := range 28 {
		id := dht.PeerOf(sig.FromSeed([32]byte{77, byte(i)}).Public())
		n.book.listed("poisoned", dht.Peer{ID: id, Addrs: [][]byte{{4, 127, 200, byte(i), 1, 6, 0, 1}}})
	}
	n.book.with(func(b *peerbook.Book, now time.Time) {
		if b.Len() < 20 {
			t.Errorf("%d of 28 are known", b.Len())
		}
		var use []peerbook.Use
		for range 100 {
			e, ok := b.Next(16, use, func(id peerbook.ID) bool {
				return slices.ContainsFunc(use, func(u peerbook.Use) bool { return u.ID == id })
			}, now)
			if ok {
				u, _ := b.UseOf(e.ID)
				use = append(use, u)
			}
		}
		if len(use) == 0 || len(use) > 2 {
			t.Errorf("one list has %d slots", len(use))
		}
	})
}
