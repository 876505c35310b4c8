package node

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/profile"
)

// seeder serves the hash table and holds no log.
func seeder(t *testing.T) (addr string) { return seederOf(t, testProfile(t, "devnet")) }

func seederOf(t *testing.T, p *profile.Profile) (addr string) {
	t.Helper()
	h, err := link.Host(link.Options{Seed: [32]byte{99}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine})
	if err != nil {
		t.Fatal(err)
	}
	d := &dht.Node{Host: h, NetID: p.NetID(), Chain: p.ChainID, Server: true, Now: time.Now, Rand: rand.Reader}
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); h.Close() })
	return fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID())
}

// TestStrangersMeet: two nodes that know a seeder's address and nothing of each other's meet, by the peer id of an
// invite made offline; they meet again after both moved, by the records that their session alone can find.
func TestStrangersMeet(t *testing.T) {
	da, db, seed := tempHome(t), tempHome(t), seeder(t)
	known := func(n *Node) { n.Peers = []string{seed} }
	offline := api(t, da)
	inv, err := offline.Invite(t.Context(), InviteQuery{Title: "tea"})
	if err != nil {
		t.Fatal(err)
	}
	if err := offline.Close(); err != nil {
		t.Fatal(err)
	}
	a, b := start(t, da, known), start(t, db, known)
	if _, err := api(t, db).Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
		t.Fatal(err)
	}
	meet(t, da, db, inv.Session, "first")
	if road := b.dialer.roadOf(a.host.ID()); road != roadInvite {
		t.Errorf("met by %q", road)
	}
	a.Close()
	b.Close()
	forget(t, da)
	forget(t, db)
	a, b = start(t, da, known), start(t, db, known)
	meet(t, da, db, inv.Session, "again")
	if a.dialer.roadOf(b.host.ID()) != roadDHT && b.dialer.roadOf(a.host.ID()) != roadDHT {
		t.Error("they did not meet by the hash table")
	}
	until(t, "both told", func() bool { return acks(a) > 0 && acks(b) > 0 })
	if got, err := api(t, da).Announce(t.Context(), inv.Session[:8]); err != nil || got.Acks == 0 || got.Session != inv.Session {
		t.Errorf("announce: %+v %v", got, err)
	}
	var found []Whereabouts
	err = api(t, da).FindPeers(t.Context(), inv.Session, func(w Whereabouts) error { found = append(found, w); return nil })
	if err != nil || len(found) != 1 || found[0].PeerID != b.host.ID().String() || !found[0].Attached || len(found[0].Addrs) == 0 {
		t.Errorf("find-peers: %+v %v", found, err)
	}
	if st, err := api(t, da).Status(t.Context()); err != nil || st.DHT == "off" || st.DHTPeers == 0 {
		t.Errorf("status: %+v %v", st, err)
	}
}

// acks is how many keep the record of a node's one session.
func acks(n *Node) int {
	n.presence.mu.Lock()
	defer n.presence.mu.Unlock()
	return n.presence.told[n.home.Sessions.List()[0].ID()].acks
}

// forget erases where others were met before.
func forget(t *testing.T, dir string) {
	t.Helper()
	h, err := OpenHome(config(t, dir), false)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, name := range [][]byte{anchorsName, roadsName} {
		if err := h.saveSetting(name, encodePeers(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.saveSetting(bookName, []byte{}); err != nil {
		t.Fatal(err)
	}
}

// meet sends from one home and waits for the text in the other.
func meet(t *testing.T, from, to, session, text string) {
	t.Helper()
	if _, err := api(t, from).Send(t.Context(), SendQuery{Session: session, Text: text}); err != nil {
		t.Fatal(err)
	}
	until(t, text, func() bool {
		for _, m := range readAll(t, api(t, to), session) {
			if m.Content == text {
				return true
			}
		}
		return false
	})
}

// TestEveryAbsentIsSought: of twenty absent members each is looked for, eight at a time; none is put off unasked.
func TestEveryAbsentIsSought(t *testing.T) {
	sim := newSim(t, 41, 21)
	room(t, sim)
	for _, other := range sim[1:] {
		connect(sim[0], other).run(t)
	}
	n := &Node{clock: func() time.Time { return noon }, streams: map[peer.ID]*streamState{}}
	n.home = &Home{Sessions: sim[0].home, cfg: HomeConfig{Rand: sim[0].rnd}}
	n.dialer = newDialer(n)
	p := &presence{n: n, sought: map[string]*search{}}
	for i, want := range []int{seekAtOnce, seekAtOnce, 4, 0} {
		if got := p.absent(); len(got) != want {
			t.Errorf("turn %d: %d are looked for, want %d", i, len(got), want)
		}
	}
}
