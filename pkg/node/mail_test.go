package node

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// keeper keeps mail and holds no log and no key of a session.
func keeper(t *testing.T) (addr string, box *gossip.Mailbox) {
	t.Helper()
	h, err := link.Host(link.Options{Seed: [32]byte{98}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine})
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.New(store.NewMemory(), store.Options{Key: store.Key{7}})
	if err != nil {
		t.Fatal(err)
	}
	p := testProfile(t, "devnet")
	rules := gossip.Rules{NetID: p.NetID(), Genesis: int64(p.Network.GenesisTime), StampBits: int(p.StampBits)}
	box = &gossip.Mailbox{Disk: gossip.StoreDisk{Store: st, Space: st.Root()}, Rand: rand.Reader, Rules: rules, Each: 64}
	if err := box.Open(time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	box.TakeStrangers(true)
	g := &gossip.Node{Host: h, Rules: rules, Cut: gossip.Cut{NetID8: p.NetID8(), Bits: p.ShardBits}, Relay: true, Now: time.Now, Rand: rand.Reader, Mail: box}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(); h.Close(); st.Close() })
	return fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID()), box
}

// TestMailForTheAbsent: two members who are never on at the same time write to each other through a courier, who holds
// neither their log nor a key.
func TestMailForTheAbsent(t *testing.T) {
	da, db := tempHome(t), tempHome(t)
	addr, box := keeper(t)
	known := func(n *Node) { n.Peers, n.NoDHT = []string{addr}, true }
	a, b := api(t, da), api(t, db)
	inv, err := a.Invite(t.Context(), InviteQuery{Title: "tea"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
		t.Fatal(err)
	}
	carry(t, a, b, inv.Session)
	carry(t, b, a, inv.Session)
	a.Close()
	b.Close()
	for i, dirs := range [][2]string{{da, db}, {db, da}, {da, db}} {
		text := fmt.Sprintf("letter %d", i)
		from := start(t, dirs[0], known)
		if _, err := api(t, dirs[0]).Send(t.Context(), SendQuery{Session: inv.Session, Text: text}); err != nil {
			t.Fatal(err)
		}
		s := from.home.Sessions.List()[0]
		until(t, "mail is left", func() bool {
			own, _ := s.Mailed()
			return own == s.Log().Arrivals()
		})
		from.Close()
		to := start(t, dirs[1], known)
		until(t, "mail is fetched", func() bool {
			list := readAll(t, api(t, dirs[1]), inv.Session)
			return len(list) == i+1 && list[i].Content == text
		})
		to.Close()
	}
	if letters, _, _ := box.Usage(time.Now().Unix()); letters == 0 || letters > 6 {
		t.Errorf("the courier holds %d letters", letters)
	}
}

// carry moves the log of one home to another as a file.
func carry(t *testing.T, from, to API, session string) {
	t.Helper()
	var file bytes.Buffer
	if err := from.Export(t.Context(), session, &file); err != nil {
		t.Fatal(err)
	}
	if err := to.Import(t.Context(), &file, func(Imported) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// TestOldNewsIsNotMailed: who joins a long conversation does not flood the relays with it.
func TestOldNewsIsNotMailed(t *testing.T) {
	n := newSim(t, 31, 2)
	room(t, n)
	for i := range 700 {
		n[0].say(fmt.Sprint(i))
	}
	connect(n[0], n[1]).run(t)
	m := &mail{n: &Node{clock: func() time.Time { return noon.Add(time.Hour) }}, heard: map[vertex.ID]struct{}{}}
	s := n[1].only()
	if got := m.list(s, 0, s.Log().Arrivals(), false); len(got) != mailMost {
		t.Errorf("%d entries of an hour ago, want %d", len(got), mailMost)
	}
	m.n.clock = func() time.Time { return noon.Add(25 * time.Hour) }
	if got := m.list(s, 0, s.Log().Arrivals(), false); len(got) != 0 {
		t.Errorf("%d entries of others from yesterday", len(got))
	}
	own := n[0].only()
	if got := m.list(own, 0, own.Log().Arrivals(), true); len(got) != mailMost {
		t.Errorf("%d own entries of yesterday", len(got))
	}
}
