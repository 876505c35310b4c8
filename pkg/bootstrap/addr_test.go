package bootstrap

import (
	"fmt"
	"strings"
	"testing"
)

func TestReadEndpoint(t *testing.T) {
	for _, s := range []string{"/ip4/10.0.0.1/tcp/4001", "/ip4/10.0.0.1/tcp/4001/ws", "/ip6/fe80::1/udp/65535/quic-v1"} {
		e, peer, ok := readEndpoint(s)
		if !ok || peer != "" || e.String() != s {
			t.Errorf("%s: read as %s, peer %q, %v", s, e, peer, ok)
		}
		if e, peer, ok := readEndpoint(s + "/p2p/" + peerA); !ok || peer != peerA || e.String() != s {
			t.Errorf("%s with a peer: read as %s, peer %q, %v", s, e, peer, ok)
		}
	}
	for _, s := range []string{
		"", "/", "/ip4", "/ip4/10.0.0.1/tcp", "ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/0", "/ip4/10.0.0.1/tcp/65536",
		"/ip4/10.0.0.1/tcp/01", "/ip4/10.0.0.1/tcp/+1", "/ip4/10.0.0.1/tcp/1/", "/ip4/10.0.0.1/udp/1", "/ip4/::1/tcp/1",
		"/ip6/10.0.0.1/tcp/1", "/ip6/fe80::1%eth0/tcp/1", "/ip6/FE80::1/tcp/1", "/ip6/::ffff:10.0.0.1/tcp/1x",
		"/dns4/localhost/tcp/1", "/ip4/10.0.0.1/tcp/1/http", "/ip4/10.0.0.1/tcp/1/p2p", "/unix/a/tcp/1",
		"/ip4/10.0.0.1/tcp/1/p2p/" + strings.Repeat("x", 255),
	} {
		if e, _, ok := readEndpoint(s); ok {
			t.Errorf("%q was read as %s", s, e)
		}
	}
}

func TestAnnounced(t *testing.T) {
	i := eth(1, "fe80::1/64", "2001:db8::1/64", "10.0.0.1/24", "fd00::1/64")
	for _, c := range []struct{ addrs, want string }{
		{"/ip4/0.0.0.0/tcp/1", "[/ip4/10.0.0.1/tcp/1]"},
		{"/ip6/::/tcp/1", "[/ip6/fd00::1/tcp/1 /ip6/fe80::1/tcp/1]"},
		{"/ip4/10.0.0.1/tcp/1 /ip4/0.0.0.0/tcp/1", "[/ip4/10.0.0.1/tcp/1]"},
		{"/ip6zone/eth1/ip6/fe80::1/tcp/1", "[/ip6/fe80::1/tcp/1]"},
		{"/ip6zone/eth2/ip6/fe80::1/tcp/1", "[]"},
		{"/ip4/127.0.0.1/tcp/1 /ip6/::1/tcp/1 /ip4/10.0.0.2/tcp/1 /ip6/2001:db8::1/tcp/1 /ip4/8.8.8.8/tcp/1", "[]"},
		{"/ip4/0.0.0.0/tcp/1 /ip4/0.0.0.0/udp/1/quic-v1 /ip6/::/tcp/1 /ip6/::/udp/1/quic-v1",
			"[/ip4/10.0.0.1/tcp/1 /ip4/10.0.0.1/udp/1/quic-v1 /ip6/fd00::1/tcp/1 /ip6/fd00::1/udp/1/quic-v1]"},
	} {
		if got := fmt.Sprint(announced(strings.Fields(c.addrs), i, i.local())); got != c.want {
			t.Errorf("%s: announced as %s, want %s", c.addrs, got, c.want)
		}
	}
}

func TestLinksToSpeakOn(t *testing.T) {
	tunnel := eth(9, "10.8.0.1/24")
	tunnel.Multicast = false
	for _, c := range []struct {
		name string
		i    Interface
		want string
	}{
		{"home", eth(1, "192.168.1.2/24", "fe80::1/64", "2001:db8::1/64"), "[192.168.1.2/24 fe80::1/64]"},
		{"home without IPv4", eth(1, "2001:db8::1/64", "fd00::1/64", "fe80::1/64"), "[fd00::1/64 fe80::1/64]"},
		{"cable between two", eth(1, "169.254.3.4/16", "fe80::1/64"), "[169.254.3.4/16 fe80::1/64]"},
		{"only link-local", eth(1, "fe80::1/64"), "[fe80::1/64]"},
		{"edge of a range", eth(1, "172.31.255.1/16"), "[172.31.255.1/16]"},
		{"past a range", eth(1, "172.32.0.1/16", "fe80::1/64"), "[]"},
		{"hosting centre", eth(1, "203.0.113.5/24", "10.0.0.1/8", "fe80::1/64"), "[]"},
		{"hosting centre without IPv4", eth(1, "2001:db8::1/64", "fe80::1/64"), "[]"},
		{"a prefix wider than private", eth(1, "10.0.0.1/7"), "[]"},
		{"carrier's range", eth(1, "100.64.0.1/10"), "[]"},
		{"tunnel", tunnel, "[]"},
		{"nothing", eth(1), "[]"},
	} {
		if got := fmt.Sprint(c.i.local()); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	var many []Interface
	for i := range 40 {
		many = append(many, eth(i+1, "fe80::1/64"))
	}
	list := usable(append(many, eth(99, "10.0.0.1/24")))
	if len(list) != maxLinks || list[0].Index != 99 {
		t.Errorf("%d links, the first %s", len(list), list[0].Name)
	}
}
