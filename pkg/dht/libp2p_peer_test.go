package dht

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p-kbucket/peerdiversity"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func group1(id peer.ID) peerdiversity.PeerGroupInfo { return peerdiversity.PeerGroupInfo{Id: id} }

func TestTableDiversity(t *testing.T) {
	n := real(t, func(n *Node) { n.Contact = func(p PeerID) bool { return strings.HasPrefix(string(p), "friend") } })
	f := &diversity{n: n, in: map[peer.ID]Peer{}}
	count := func(name, addr string) (in int) {
		for i := range 60 {
			id := peer.ID(fmt.Sprint(name, i))
			if addr != "" {
				n.Host.Peerstore().AddAddr(id, ma.StringCast(fmt.Sprintf(addr, i)), time.Hour)
			}
			if f.Allow(group1(id)) {
				in++
			}
		}
		return in
	}
	for _, c := range []struct {
		name, addr string
		want       int
	}{
		{"rack", "/ip4/5.6.7.%d/tcp/1", 8}, {"friend", "/ip4/5.6.7.%d/tcp/1", 60},
		{"country", "/ip4/100.64.0.%d/tcp/1", 60}, {"home", "/ip4/10.0.0.%d/tcp/1", 60},
	} {
		if got := count(c.name, c.addr); got != c.want {
			t.Errorf("%s: %d admitted, want %d", c.name, got, c.want)
		}
	}
	f.Decrement(group1("rack0"))
	if !f.Allow(group1("rack50")) {
		t.Error("no place after one left")
	}
}

func TestDialable(t *testing.T) {
	list := func(s ...string) (out []ma.Multiaddr) {
		for _, a := range s {
			out = append(out, ma.StringCast(a))
		}
		return out
	}
	for _, c := range []struct{ in, want []ma.Multiaddr }{
		{list("/ip4/10.1.2.3/tcp/1", "/ip4/100.64.1.1/tcp/1", "/ip4/127.0.0.1/tcp/1"), list("/ip4/10.1.2.3/tcp/1", "/ip4/100.64.1.1/tcp/1")},
		{list("/ip4/127.0.0.1/tcp/1"), list("/ip4/127.0.0.1/tcp/1")},
		{list("/ip4/0.0.0.0/tcp/1", "/ip4/224.0.0.1/tcp/1"), nil},
	} {
		got := dialable(c.in)
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v: %v", c.in, got)
		}
	}
}

func FuzzParsePeer(f *testing.F) {
	f.Add("/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust")
	f.Add("/p2p/x")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePeer(s)
		if err != nil {
			return
		}
		q, err := ParsePeer(p.AddrNames()[0])
		if err != nil || q.ID != p.ID {
			t.Errorf("%q: %v", s, err)
		}
	})
}

func FuzzParsePeerID(f *testing.F) {
	f.Add("12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParsePeerID(s); err == nil {
			if q, err := ParsePeerID(PeerName(p)); err != nil || q != p {
				t.Errorf("%q: %v", s, err)
			}
		}
	})
}
