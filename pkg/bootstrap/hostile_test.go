package bootstrap

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// shout is an announcement as somebody else may write it.
func shout(t *testing.T, instance string, ttl uint32, texts ...string) []byte {
	t.Helper()
	name := instance + "." + service
	m := dns.Msg{MsgHdr: dns.MsgHdr{Response: true}, Answer: []dns.RR{
		&dns.PTR{Hdr: dns.RR_Header{Name: service, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: ttl}, Ptr: name},
		&dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET | flush, Ttl: ttl}, Txt: texts},
	}}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func text(addr string) string { return txtKey + addr + "/p2p/" + peerC }

// listener is a core on 10.0.0.0/24 that has said its first words.
func listener(t *testing.T) (*lan, *host) {
	n := newLAN(t)
	h := n.add("a", peerA, eth(1, "10.0.0.1/24", "fe80::1/64"))
	n.run(20 * time.Second)
	n.forget()
	return n, h
}

func TestOnlyNeighboursAreHeard(t *testing.T) {
	good := text("/ip4/10.0.0.7/tcp/1")
	for _, c := range []struct {
		name, from string
		index      int
		packet     []byte
		want       string
	}{
		{"a neighbour", "10.0.0.7:5353", 1, shout(t, "c", 120, good), "found C /ip4/10.0.0.7/tcp/1 on eth1"},
		{"mapped into IPv6", "[::ffff:10.0.0.7]:5353", 1, shout(t, "c", 120, good), "found C"},
		{"index unknown", "10.0.0.7:5353", 0, shout(t, "c", 120, good), "found C"},
		{"zone by name", "[fe80::7%eth1]:5353", 0, shout(t, "c", 120, good), "found C"},
		{"zone by number", "[fe80::7%1]:5353", 0, shout(t, "c", 120, good), "found C"},
		{"upper case", "10.0.0.7:5353", 1, bytes.Replace(shout(t, "c", 120, good), []byte("_pars-mesh"), []byte("_PARS-Mesh"), 1), "found C"},
		{"another text first", "10.0.0.7:5353", 1, shout(t, "c", 120, "v=1", good), "found C"},
		{"link-local", "10.0.0.7:5353", 1, shout(t, "c", 120, text("/ip4/169.254.1.1/tcp/1")), "found C"},
		{"from elsewhere", "10.0.1.7:5353", 1, shout(t, "c", 120, good), ""},
		{"from this machine", "127.0.0.1:5353", 1, shout(t, "c", 120, good), ""},
		{"another interface", "10.0.0.7:5353", 2, shout(t, "c", 120, good), ""},
		{"another zone", "[fe80::7%eth2]:5353", 0, shout(t, "c", 120, good), ""},
		{"another port", "10.0.0.7:5354", 1, shout(t, "c", 120, good), ""},
		{"too long a life", "10.0.0.7:5353", 1, shout(t, "c", 4501, good), ""},
		{"loopback address", "10.0.0.7:5353", 1, shout(t, "c", 120, text("/ip4/127.0.0.1/tcp/1")), ""},
		{"foreign address", "10.0.0.7:5353", 1, shout(t, "c", 120, text("/ip4/10.0.1.7/tcp/1")), ""},
		{"public address", "10.0.0.7:5353", 1, shout(t, "c", 120, text("/ip4/8.8.8.8/tcp/53")), ""},
		{"unspecified address", "10.0.0.7:5353", 1, shout(t, "c", 120, text("/ip4/0.0.0.0/tcp/1")), ""},
		{"a zone of its own", "10.0.0.7:5353", 1, shout(t, "c", 120, text("/ip6zone/eth0/ip6/fe80::7/tcp/1")), ""},
		{"a relay", "10.0.0.7:5353", 1, shout(t, "c", 120, text("/ip4/10.0.0.7/tcp/1/p2p-circuit")), ""},
		{"no peer", "10.0.0.7:5353", 1, shout(t, "c", 120, "dnsaddr=/ip4/10.0.0.7/tcp/1"), ""},
		{"ourselves", "10.0.0.7:5353", 1, shout(t, "c", 120, "dnsaddr=/ip4/10.0.0.7/tcp/1/p2p/"+peerA), ""},
		{"two peers", "10.0.0.7:5353", 1, shout(t, "c", 120, good, "dnsaddr=/ip4/10.0.0.7/tcp/1/p2p/"+peerB), ""},
		{"a name below a name", "10.0.0.7:5353", 1, shout(t, "c.d", 120, good), ""},
		{"too large", "10.0.0.7:5353", 1, append(shout(t, "c", 120, good), make([]byte, maxPacket)...), ""},
	} {
		n, h := listener(t)
		h.receive(n.now, netip.MustParseAddrPort(c.from), c.index, c.packet)
		n.settle()
		if c.want == "" && len(h.told) > 0 || !h.saw(c.want) && c.want != "" {
			t.Errorf("%s: told %q, want %q", c.name, h.told, c.want)
		}
	}
}

func TestFourAddressesAnInstance(t *testing.T) {
	n, h := listener(t)
	var texts []string
	for i := range 9 {
		texts = append(texts, text(fmt.Sprintf("/ip4/10.0.0.%d/tcp/1", 10+i%8)))
	}
	h.receive(n.now, netip.MustParseAddrPort("10.0.0.7:5353"), 1, shout(t, "c", 120, texts...))
	n.settle()
	if len(h.told) != 1 || strings.Count(h.told[0], "/ip4/") != maxAddrs {
		t.Errorf("told %q", h.told)
	}
}

func TestTenPacketsASenderAndSecond(t *testing.T) {
	n, h := listener(t)
	from := netip.MustParseAddrPort("10.0.0.7:5353")
	other := shout(t, "printer", 120, "note=hall")
	other = bytes.Replace(other, []byte("_pars-mesh"), []byte("_ipp-mesh-"), -1)
	for range 100 { // what is not for us costs nothing
		h.receive(n.now, from, 1, other)
	}
	for i := range 30 {
		h.receive(n.now, from, 1, shout(t, "c", 120, text(fmt.Sprintf("/ip4/10.0.0.7/tcp/%d", i+1))))
	}
	n.run(25 * time.Second)
	if len(h.told) != 2 || !h.saw("/tcp/1 ") || !h.saw("/tcp/10 ") { // the first, and a second later the last that was heard
		t.Errorf("told %q", h.told)
	}
}

func TestSendersAreCounted(t *testing.T) {
	n, h := listener(t)
	h.list = []Interface{eth(1, "10.0.0.1/16")}
	h.interfaces(n.now, h.list)
	for i := range 2 * maxSenders {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(1 + i/200), byte(1 + i%200)}), mdnsPort)
		peer := fmt.Sprintf("dnsaddr=/ip4/10.0.0.7/tcp/1/p2p/12D3KooW%036d", i)
		h.receive(n.now, from, 1, shout(t, fmt.Sprintf("c%d", i), 120, peer))
	}
	if l := h.links[0]; len(l.senders) != maxSenders || len(l.seen) != maxInstances {
		t.Errorf("%d senders and %d instances are remembered", len(l.senders), len(l.seen))
	}
	found := func() int {
		return len(slices.DeleteFunc(h.take(), func(a action) bool { return a.packet != nil }))
	}
	if got := found(); got > maxSightings {
		t.Errorf("the caller was told %d times at once", got)
	}
	h.tick(n.now.Add(calmAfter))
	if got := found(); got == 0 || got > maxSightings {
		t.Errorf("the caller was told %d times after a while", got)
	}
}

func TestEightInstancesASender(t *testing.T) {
	n, h := listener(t)
	for i := range 20 {
		n.now = n.now.Add(time.Second)
		peer := fmt.Sprintf("dnsaddr=/ip4/10.0.0.7/tcp/1/p2p/12D3KooW%036d", i)
		h.receive(n.now, netip.MustParseAddrPort("10.0.0.7:5353"), 1, shout(t, fmt.Sprintf("c%d", i), 120, peer))
	}
	if got := len(h.links[0].seen); got != maxPerSender {
		t.Errorf("%d instances of one sender", got)
	}
}

// A peer that says other addresses all the time is shown once a second, one that repeats itself once in ten.
func TestCallerIsNotFlooded(t *testing.T) {
	for _, c := range []struct {
		ports, from, to int
	}{{1, 9, 12}, {2, 60, 102}} {
		n, h := listener(t)
		for i := range 500 {
			n.run(20*time.Second + time.Duration(i)*200*time.Millisecond)
			h.receive(n.now, netip.MustParseAddrPort("10.0.0.7:5353"), 1, shout(t, "c", 120, text(fmt.Sprintf("/ip4/10.0.0.7/tcp/%d", 1+i%c.ports))))
		}
		n.settle()
		if got := len(h.told); got < c.from || got > c.to {
			t.Errorf("%d addresses: told %d times in 100 s, want %d to %d", c.ports, got, c.from, c.to)
		}
	}
}

// However often it is asked, a node speaks once a second.
func TestNoAmplifier(t *testing.T) {
	n, h := listener(t)
	ask, err := encodeQuestion(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		n.run(20*time.Second + time.Duration(i)*10*time.Millisecond)
		h.receive(n.now, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(2 + i%200)}), mdnsPort), 1, ask)
	}
	n.run(31 * time.Second)
	if got := len(h.spoken); got < 9 || got > 12 {
		t.Errorf("spoke %d times in ten seconds", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	many := dns.Msg{}
	for range maxRecords + 1 {
		many.Question = append(many.Question, dns.Question{Name: service, Qtype: dns.TypePTR, Qclass: dns.ClassINET})
	}
	b, err := many.Pack()
	if err != nil {
		t.Fatal(err)
	}
	good := shout(t, "c", 120, text("/ip4/10.0.0.7/tcp/1"))
	failed := slices.Clone(good)
	failed[3] |= dns.RcodeNameError
	for name, b := range map[string][]byte{"nothing": nil, "a header cut short": make([]byte, 11), "too many records": b, "a failure": failed, "cut": good[:len(good)-3]} {
		if p, err := decodePacket(b); err == nil {
			t.Errorf("%s: read as %v", name, p)
		}
	}
}

// FuzzDecodePacket holds what is read to its bounds, and to what it is when it is written again.
func FuzzDecodePacket(f *testing.F) {
	a := advert{instance: "abcdefghijklmnop", ttl: serviceTTL, peer: peerA}
	for _, s := range []string{"/ip4/10.0.0.1/tcp/4001", "/ip6/fe80::1/udp/4001/quic-v1"} {
		e, _, _ := readEndpoint(s)
		a.addrs = append(a.addrs, e)
	}
	told, err := encodeAdvert(a)
	if err != nil {
		f.Fatal(err)
	}
	asked, err := encodeQuestion([]advert{a})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(told)
	f.Add(asked)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePacket(b)
		if err != nil {
			return
		}
		if len(p.adverts) > maxAdverts || len(p.asks)+len(p.known) > maxRecords {
			t.Fatalf("%d adverts, %d questions, %d known", len(p.adverts), len(p.asks), len(p.known))
		}
		for _, a := range p.adverts {
			checkAdvert(t, a)
		}
	})
}

func checkAdvert(t *testing.T, a advert) {
	if a.instance == "" || len(a.instance) > 64 || a.ttl > maxTTL {
		t.Fatalf("accepted %+v", a)
	}
	if a.ttl == 0 {
		return
	}
	if len(a.addrs) > maxAddrs || !plausiblePeer(a.peer) {
		t.Fatalf("accepted %+v", a)
	}
	a.ttl = min(a.ttl, serviceTTL)
	b, err := encodeAdvert(a)
	if err != nil {
		return // a label above 63 bytes, or an address that only just fitted
	}
	p, err := decodePacket(b)
	if err != nil || len(p.adverts) != 1 || p.adverts[0].String() != a.String() {
		t.Fatalf("%+v came back as %+v: %v", a, p, err)
	}
}

func (a advert) String() string { return fmt.Sprint(a.instance, a.ttl, a.peer, a.addrs) }
