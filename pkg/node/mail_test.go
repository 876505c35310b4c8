package node

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// keeper keeps mail and holds no log and no key of a session.
func keeper(t *testing.T) (addr string, box *gossip.Mailbox) {
	g := relay(t)
	_, addrs := g.Self()
	return addrs[0], g.Mail
}

func relay(t *testing.T) *gossip.Node {
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
	box := &gossip.Mailbox{Disk: gossip.StoreDisk{Store: st, Space: st.Root()}, Rand: rand.Reader, Rules: rules, Each: 64}
	if err := box.Open(time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	box.TakeStrangers(true)
	g := &gossip.Node{Host: h, Rules: rules, Cut: gossip.Cut{NetID8: p.NetID8(), Bits: p.ShardBits}, Relay: true, Now: time.Now, Rand: rand.Reader, Mail: box}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(); h.Close(); st.Close() })
	return g
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
	m := &mail{n: &Node{clock: func() time.Time { return noon.Add(time.Hour) }}, heard: map[vertex.ID]bool{}}
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

// waitingForB is a home with a text for a member who never comes.
func waitingForB(t *testing.T) (dir string) {
	t.Helper()
	da, db := tempHome(t), tempHome(t)
	a, b := api(t, da), api(t, db)
	inv, err := a.Invite(t.Context(), InviteQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
		t.Fatal(err)
	}
	carry(t, a, b, inv.Session)
	carry(t, b, a, inv.Session)
	if _, err := a.Send(t.Context(), SendQuery{Session: inv.Session, Text: "where are you"}); err != nil {
		t.Fatal(err)
	}
	a.Close()
	b.Close()
	return da
}

// TestOneLetterIsOfferedAgain: while a relay keeps nothing the same letter is offered, and published once: not a new one each time.
func TestOneLetterIsOfferedAgain(t *testing.T) {
	g := relay(t)
	g.Mail.TakeStrangers(false)
	_, addrs := g.Self()
	n := start(t, waitingForB(t), func(n *Node) { n.Peers, n.NoDHT = addrs[:1], true })
	until(t, "two attempts", func() bool { c, _ := n.mail.state(); return c.unkept >= 2 })
	n.mail.mu.Lock()
	defer n.mail.mu.Unlock()
	if made := len(n.mail.order); made != 1 {
		t.Errorf("%d letters were made of one text", made)
	}
}

// TestUninvitedRelay: who calls a node and says that it keeps mail gets none, and is not shown which tags are asked for.
func TestUninvitedRelay(t *testing.T) {
	g := relay(t)
	n := start(t, waitingForB(t), func(n *Node) { n.NoDHT = true })
	if _, err := g.Connect(t.Context(), n.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	id := gossip.PeerID(g.Host.ID())
	until(t, "it is seen as a relay", func() bool { return slices.Contains(n.mail.g.Storers(), id) && n.onlyServes(g.Host.ID()) })
	if got := n.mail.storers(n.home.Sessions.List()[0]); len(got) != 0 {
		t.Error("it would get mail")
	}
	if n.mail.asks(id) {
		t.Error("it would be asked")
	}
}

// TestInsiderCannotHushMail: a member who mails another's entry into the air does not keep its author from leaving it with
// a storer.
func TestInsiderCannotHushMail(t *testing.T) {
	n := newSim(t, 33, 2)
	room(t, n)
	connect(n[0], n[1]).run(t)
	n[0].say("mine")
	m := &mail{n: &Node{clock: func() time.Time { return noon }}, heard: map[vertex.ID]bool{}}
	s := n[0].only()
	at := s.Log().Arrivals() - 1
	it, err := s.Log().Item(at)
	if err != nil {
		t.Fatal(err)
	}
	m.note([]vertex.Item{it})
	if got := m.list(s, at, at+1, true); len(got) != 1 {
		t.Error("the author believes that it is mailed")
	}
	if m.noteRun(s, []uint32{at}); len(m.list(s, at, at+1, true)) != 0 {
		t.Error("what was left is left again")
	}
}
