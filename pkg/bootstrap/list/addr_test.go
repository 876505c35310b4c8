package list

import (
	"errors"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func TestAddrs(t *testing.T) {
	onion := "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234"
	for _, s := range []string{"/ip4/8.8.8.8/tcp/4001", "/ip4/8.8.8.8/udp/4001/quic-v1", "/ip6/2600::1/tcp/1", "/dns/a.example/tcp/443/tls/ws",
		onion, "/dns4/a.example/tcp/443", "/ip4/8.8.8.8/udp/4001/quic-v1/webtransport"} {
		a, err := ReadAddrs([]string{s})
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		d := wire.NewReader(a[0].append(nil))
		b := readAddr(d)
		if err := d.End(); err != nil || len(b.Multiaddrs()) != 1 || b.Multiaddrs()[0] != s || !b.Public() {
			t.Errorf("%s: got %v, %v", s, b.Multiaddrs(), err)
		}
	}
	for _, s := range []string{"", "/", "/ip4/8.8.8.8", "/ip4/8.8.8.8/tcp/0", "/dns/A.example/tcp/1", "/dns/-a/tcp/1", "x",
		"/dns4/a.example/tcp/443/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"} {
		if a, err := ReadAddrs([]string{s}); err == nil {
			t.Errorf("%q is taken as %v", s, a)
		}
	}
	for _, s := range []string{"/ip4/127.0.0.1/tcp/1", "/ip4/10.1.1.1/tcp/1", "/ip4/100.64.0.1/tcp/1", "/ip4/0.0.0.1/tcp/1", "/ip4/224.0.0.1/tcp/1",
		"/ip4/169.254.1.1/tcp/1", "/ip4/255.255.255.255/tcp/1", "/ip6/fc00::1/tcp/1", "/ip6/::1/tcp/1", "/ip6/fe80::1/tcp/1", "/ip4/10.0.0.1/udp/1/quic-v1/webtransport"} {
		a, err := ReadAddrs([]string{s})
		if err != nil || a[0].Public() {
			t.Errorf("%s counts as public: %v", s, err)
		}
	}
	// a leaf that names one is refused as a whole
	s, keys := signers(1, 1, 1, 1)
	e := entries(3)
	e[1].Addrs, _ = ReadAddrs([]string{"/ip4/192.168.1.1/tcp/1"})
	l, err := Draft{Set: s, Seq: 1, Issued: t0, Entries: e}.Build()
	if err != nil || l.Root.SignWith(s, keys[0]) != nil {
		t.Fatal(err)
	}
	if _, err := Read(l.EncodeFile(), false); reason(err) != BadLeaf {
		t.Errorf("private address: %v", err)
	}
	if _, err := Read(l.EncodeFile(), true); err != nil {
		t.Errorf("private address that is allowed: %v", err)
	}
}

func TestPeerID(t *testing.T) {
	id := "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"
	k, err := PeerKey(id)
	if err != nil || PeerID(k) != id {
		t.Errorf("got %s, %v", PeerID(k), err)
	}
	for _, s := range []string{"", "x", id[1:], strings.Repeat("1", 200), "QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ"} {
		if _, err := PeerKey(s); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
}
