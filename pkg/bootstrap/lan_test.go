package bootstrap

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	peerA = "12D3KooWAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	peerB = "12D3KooWBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
	peerC = "12D3KooWCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"
)

// morning is when the stories begin.
func morning() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) }

// dice gives bytes that differ from call to call, the same in every run.
type dice struct{ n byte }

func (d *dice) Read(b []byte) (int, error) {
	for i := range b {
		d.n = d.n*37 + 11
		b[i] = d.n
	}
	return len(b), nil
}

func eth(index int, prefixes ...string) Interface {
	i := Interface{Index: index, Name: fmt.Sprintf("eth%d", index), Multicast: true}
	for _, p := range prefixes {
		i.Prefixes = append(i.Prefixes, netip.MustParsePrefix(p))
	}
	return i
}

// host is a core on a link, and what it has told its caller.
type host struct {
	*core
	name   string
	list   []Interface
	cut    bool
	told   []string // "found B /ip4/… on eth1" with the seconds before it
	asked  []time.Duration
	spoken []time.Duration
}

// lan carries packets between hosts without delay, in virtual time.
type lan struct {
	t     *testing.T
	now   time.Time
	hosts []*host
}

func newLAN(t *testing.T) *lan { return &lan{t: t, now: morning()} }

func (n *lan) since() time.Duration { return n.now.Sub(morning()) }

func (n *lan) add(name, peer string, list ...Interface) *host {
	n.t.Helper()
	addrs := func() []string { return []string{"/ip4/0.0.0.0/tcp/4001", "/ip6/::/udp/4001/quic-v1"} }
	c, err := newCore(n.now, peer, addrs, &dice{byte(len(n.hosts))})
	if err != nil {
		n.t.Fatal(err)
	}
	h := &host{core: c, name: name, list: list}
	n.hosts = append(n.hosts, h)
	c.interfaces(n.now, list)
	n.settle()
	return h
}

// settle carries out what the cores want until they want nothing more.
func (n *lan) settle() {
	for busy := true; busy; {
		busy = false
		for _, h := range n.hosts {
			for _, a := range h.take() {
				busy = true
				n.do(h, a)
			}
		}
	}
}

func (n *lan) do(h *host, a action) {
	switch {
	case a.packet != nil:
		n.send(h, a)
	case a.lost:
		h.told = append(h.told, fmt.Sprintf("%gs lost %c on %s", n.since().Seconds(), a.peer[20], a.iface.Name))
	default:
		h.told = append(h.told, fmt.Sprintf("%gs found %c %s on %s", n.since().Seconds(), a.peer[20], strings.Join(a.addrs, " "), a.iface.Name))
	}
}

func (n *lan) send(h *host, a action) {
	p, err := decodePacket(a.packet)
	if err != nil {
		n.t.Fatalf("%s wrote a packet that cannot be read: %v", h.name, err)
	}
	if len(p.asks) > 0 {
		h.asked = append(h.asked, n.since())
	} else {
		h.spoken = append(h.spoken, n.since())
	}
	from := netip.AddrPortFrom(a.iface.local()[0].Addr(), mdnsPort)
	for _, to := range n.hosts { // its own sender as well, as the loop of a multicast socket
		if !h.cut && !to.cut || h == to {
			to.receive(n.now, from, 1, a.packet)
		}
	}
}

// run lets time pass to the second given, from one due moment to the next.
func (n *lan) run(until time.Duration) {
	end := morning().Add(until)
	for {
		at := end
		for _, h := range n.hosts {
			if t := h.next(); !t.IsZero() && t.Before(at) {
				at = t
			}
		}
		if at.After(n.now) {
			n.now = at
		}
		for _, h := range n.hosts {
			h.tick(n.now)
		}
		n.settle()
		if !n.now.Before(end) {
			return
		}
	}
}

// forget empties what the hosts told, for the next act of a story.
func (n *lan) forget() {
	for _, h := range n.hosts {
		h.told, h.asked, h.spoken = nil, nil, nil
	}
}

func (h *host) saw(what string) bool {
	return slices.ContainsFunc(h.told, func(s string) bool { return strings.Contains(s, what) })
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
