package bootstrap

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestTwoNodesMeet(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24", "fe80::1/64"))
	n.run(20 * time.Second)
	b := n.add("b", peerB, eth(1, "10.0.0.2/24"))
	wantLines(t, a.told, "20s found B /ip4/10.0.0.2/tcp/4001 on eth1") // at once, by what b announces
	n.run(21 * time.Second)
	if len(b.told) != 1 || !b.saw("found A /ip4/10.0.0.1/tcp/4001 /ip6zone/eth1/ip6/fe80::1/udp/4001/quic-v1 on eth1") {
		t.Errorf("b was told %q within a second", b.told)
	}
	n.run(time.Hour)
	if len(a.told) > 10 || a.saw("lost") || b.saw("lost") {
		t.Errorf("in a quiet hour a was told %q", a.told)
	}
}

func TestQuestionsAreSpaced(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	n.run(700 * time.Second)
	want := []time.Duration{0, 1, 3, 9, 309, 609}
	for i := range want {
		want[i] *= time.Second
	}
	if !slices.Equal(a.asked, want) {
		t.Errorf("asked at %v, want %v", a.asked, want)
	}
	if want := []time.Duration{0, time.Second}; !slices.Equal(a.spoken, want) { // its own questions are not answered
		t.Errorf("spoke at %v, want %v", a.spoken, want)
	}
	n.forget()
	a.renew(n.now)
	n.settle()
	if want := []time.Duration{700 * time.Second}; !slices.Equal(a.asked, want) {
		t.Errorf("an event made it ask at %v, want %v", a.asked, want)
	}
}

// Of two that know each other for long, the one asked keeps silent until half the time is over.
func TestKnownAnswersSaveTalk(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	b := n.add("b", peerB, eth(1, "10.0.0.2/24"))
	n.run(10 * time.Second)
	n.forget()
	n.run(400 * time.Second)
	if len(a.spoken)+len(b.spoken) != 0 || len(a.asked) != 1 {
		t.Errorf("a spoke at %v, b at %v, a asked at %v", a.spoken, b.spoken, a.asked)
	}
	n.run(2 * time.Hour)
	if a.saw("lost") || !a.saw("found B") {
		t.Errorf("a was told %q", a.told)
	}
}

func TestHealIsSeenByBoth(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	b := n.add("b", peerB, eth(1, "10.0.0.2/24"))
	n.run(60 * time.Second)
	n.forget()
	b.cut = true
	b.interfaces(n.now, nil) // its carrier is gone; a notices nothing
	n.settle()
	wantLines(t, b.told, "60s lost A on eth1")
	n.run(75 * time.Second)
	b.cut = false
	b.interfaces(n.now, b.list)
	n.settle()
	n.run(76 * time.Second)
	if !a.saw("75s found B") || !b.saw("found A") {
		t.Errorf("within a second of the heal a was told %q, b %q", a.told, b.told)
	}
}

// A flap that leaves the list of interfaces as it was is an event all the same: what is known is not named as known.
func TestFlapShowsPeersAgain(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	n.add("b", peerB, eth(1, "10.0.0.2/24"))
	n.run(5 * time.Second)
	n.forget()
	a.interfaces(n.now, a.list)
	n.settle()
	n.run(7 * time.Second)
	if len(a.told) != 1 || !a.saw("found B") {
		t.Errorf("after the flap a was told %q", a.told)
	}
}

func TestGoodbye(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	b := n.add("b", peerB, eth(1, "10.0.0.2/24"))
	n.run(5 * time.Second)
	n.forget()
	b.close()
	n.settle()
	wantLines(t, a.told, "5s lost B on eth1")
	if at := b.next(); !at.IsZero() {
		t.Errorf("a closed core is still due at %v", at)
	}
}

func TestSilentPeerRunsOut(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	n.add("b", peerB, eth(1, "10.0.0.2/24")).cut = true
	n.run(serviceTTL*time.Second + 2*time.Second)
	if !a.saw("lost B") {
		t.Errorf("a was told %q", a.told)
	}
}

func TestNameChangesEveryDay(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	b := n.add("b", peerB, eth(1, "10.0.0.2/24"))
	old := b.core.name
	n.run(15 * time.Hour)
	n.forget()
	n.run(17 * time.Hour)
	if b.core.name == old || len(b.core.name) != nameLen {
		t.Errorf("the name was %s and is %s", old, b.core.name)
	}
	if a.saw("lost") || len(a.links[0].seen) != 1 || a.links[0].seen[b.core.name] == nil {
		t.Errorf("a was told %q and holds %v", a.told, a.links[0].names())
	}
}

func TestAddressesThatChange(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	b := n.add("b", peerB, eth(1, "10.0.0.2/24"))
	n.run(3 * time.Second)
	n.forget()
	b.addrs = func() []string {
		return []string{"/ip4/10.0.0.2/tcp/5000/ws", "/ip4/192.168.1.1/tcp/1", "/ip4/127.0.0.1/tcp/1"}
	}
	b.renew(n.now)
	n.run(5 * time.Second)
	if !a.saw("found B /ip4/10.0.0.2/tcp/5000/ws on eth1") {
		t.Errorf("a was told %q", a.told)
	}
}

func TestClockSetBack(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	n.run(time.Hour)
	n.forget()
	n.now = morning().Add(-24 * time.Hour)
	a.tick(n.now)
	n.settle()
	if len(a.asked) != 1 {
		t.Errorf("asked at %v after the clock was set back", a.asked)
	}
}

func TestBrowseOnly(t *testing.T) {
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	a.addrs = func() []string { return nil }
	n.forget()
	n.add("b", peerB, eth(1, "10.0.0.2/24"))
	n.run(10 * time.Second)
	a.close()
	n.settle()
	if len(a.spoken) > 1 || !a.saw("found B") { // its first words were before the addresses were taken away
		t.Errorf("a spoke at %v and was told %q", a.spoken, a.told)
	}
}

type noChance struct{}

func (noChance) Read([]byte) (int, error) { return 0, errors.New("no randomness") }

func TestNoRandomness(t *testing.T) {
	if _, err := newCore(morning(), peerA, nil, noChance{}); err == nil {
		t.Error("a core without a name")
	}
	n := newLAN(t)
	a := n.add("a", peerA, eth(1, "10.0.0.1/24"))
	old := a.core.name
	a.rand = noChance{}
	n.run(48 * time.Hour)
	if a.core.name != old {
		t.Errorf("the name became %q", a.core.name)
	}
	ask, err := encodeQuestion(nil)
	if err != nil {
		t.Fatal(err)
	}
	a.receive(n.now, netip.MustParseAddrPort("10.0.0.9:5353"), 1, ask)
	if a.links[0].speak.IsZero() {
		t.Error("a question was not answered")
	}
}
