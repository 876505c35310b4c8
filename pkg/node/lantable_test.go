package node

import (
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/resource"
)

// TestLANTable: three nodes on one link, no server anywhere: the one in the middle lives off its battery and serves nobody
// beyond the link. The other two know it alone, by address, and meet by the table of the local network.
func TestLANTable(t *testing.T) {
	here := func(ma.Multiaddr) bool { return true }
	no := false
	middle := start(t, tempHome(t), func(n *Node) { n.near = here })
	middle.Signals(resource.Signals{Charging: &no})
	da, db := tempHome(t), tempHome(t)
	offline := api(t, da)
	inv, err := offline.Invite(t.Context(), InviteQuery{Title: "tea"})
	if err != nil {
		t.Fatal(err)
	}
	if err := offline.Close(); err != nil {
		t.Fatal(err)
	}
	known := func(n *Node) { n.Peers, n.near = []string{middle.Addrs()[0]}, here }
	start(t, da, known)
	start(t, db, known)
	if _, err := api(t, db).Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
		t.Fatal(err)
	}
	meet(t, da, db, inv.Session, "first")
	until(t, "the record of a member lies on the link", func() bool {
		lan := middle.presence.lan.dht.Load()
		return lan != nil && lan.Stats().Records > 0
	})
	if mode, _ := middle.presence.state(); mode != "client" || !middle.presence.reached.Load() {
		t.Errorf("on its battery it is a %s", mode)
	}
	if st, err := api(t, db).Status(t.Context()); err != nil || st.LANPeers == 0 {
		t.Errorf("status %+v %v", st, err)
	}
	until(t, "the other member is found", func() bool { // its record may be the second to come
		found := 0
		err := api(t, db).FindPeers(t.Context(), inv.Session, func(Whereabouts) error { found++; return nil })
		return err == nil && found == 1
	})
}

// TestLANTableEnds: the instance is there while somebody is connected over a local network, and a minute longer.
func TestLANTableEnds(t *testing.T) {
	n := start(t, tempHome(t), func(n *Node) { n.NoMail, n.NoDHT = true, true })
	near := true
	at := time.Now()
	n.near = func(ma.Multiaddr) bool { return near }
	n.clock = func() time.Time { return at }
	other := start(t, tempHome(t), func(o *Node) { o.NoMail, o.NoDHT, o.Peers = true, true, []string{n.Addrs()[0]} })
	until(t, "connected", func() bool { return len(n.host.Network().Conns()) > 0 })
	l := &lanTable{n: n}
	for _, c := range []struct {
		after  time.Duration
		near   bool
		opened bool
		runs   bool
	}{{0, true, true, true}, {time.Hour, true, false, true}, {30 * time.Second, false, false, true}, {31 * time.Second, false, false, false}, {time.Hour, false, false, false}, {0, true, true, true}} {
		at, near = at.Add(c.after), c.near
		if opened := l.step(t.Context()); opened != c.opened || (l.dht.Load() != nil) != c.runs {
			t.Errorf("%+v: opened %v, runs %v", c, opened, l.dht.Load() != nil)
		}
	}
	l.close()
	if len(n.host.Mux().Protocols()) == 0 || other == nil {
		t.Error("the host serves nothing")
	}
	for _, c := range []struct {
		addr string
		near bool
	}{{"/ip4/192.168.1.2/tcp/1", true}, {"/ip4/10.1.2.3/tcp/1", true}, {"/ip6zone/eth0/ip6/fe80::1/tcp/1", true}, {"/ip6/fd00::1/tcp/1", true},
		{"/ip4/127.0.0.1/tcp/1", false}, {"/ip4/100.64.1.1/tcp/1", false}, {"/ip4/8.8.8.8/tcp/1", false}, {"/dns4/a.example/tcp/1", false}} {
		if isNear(ma.StringCast(c.addr)) != c.near {
			t.Errorf("%s is near: %v", c.addr, !c.near)
		}
	}
}
