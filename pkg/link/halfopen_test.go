package link

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// TestHalfOpen: callers who do not say who they are take so many places and no more; who said it, or went, frees one, and
// whom one calls oneself takes none.
func TestHalfOpen(t *testing.T) {
	rm, err := Machine.manager()
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	call := func(from string) (network.ConnManagementScope, bool) {
		c, err := rm.OpenConnection(network.DirInbound, false, ma.StringCast(from+"/tcp/1"))
		return c, err == nil
	}
	var open []network.ConnManagementScope
	one := "/ip4/203.0.113.7"
	for range 40 {
		if c, ok := call(one); ok {
			open = append(open, c)
		}
	}
	if len(open) != halfOpenEach {
		t.Fatalf("one address has %d handshakes under way, want %d", len(open), halfOpenEach)
	}
	if err := open[0].SetPeer(peer.ID("a")); err != nil {
		t.Fatal(err)
	}
	open[0].Done() // the place was freed before: not twice
	open[1].Done()
	for i := range 3 {
		if c, ok := call(one); ok != (i < 2) {
			t.Errorf("call %d after two places are free: %v", i, ok)
		} else if ok {
			open = append(open, c)
		}
	}
	for i := range 200 {
		if c, ok := call(fmt.Sprintf("/ip4/203.0.114.%d", i)); ok {
			open = append(open, c)
		}
	}
	if n := len(open) - 2; n != halfOpenAll {
		t.Errorf("%d handshakes under way, want %d", n, halfOpenAll)
	}
	if _, ok := call("/ip6/2001:db8::1"); ok {
		t.Error("one more was let in")
	}
	if _, ok := call("/ip4/127.0.0.1"); !ok {
		t.Error("a program of this machine was not")
	}
	c, err := rm.OpenConnection(network.DirOutbound, false, ma.StringCast("/ip4/203.0.113.9/tcp/1"))
	if err != nil {
		t.Fatal(err)
	}
	c.Done()
}

// TestSilentCaller: who opens a connection and says nothing is hung up on.
func TestSilentCaller(t *testing.T) {
	h, err := Host(Options{Seed: [32]byte{1}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Handshake: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	_, at, err := manet.DialArgs(h.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(8 * time.Second)) // below the library's 15 s
	var late net.Error
	if _, err := io.Copy(io.Discard, c); errors.As(err, &late) && late.Timeout() {
		t.Error("it was not hung up on")
	}
}

// TestStreamsOfOnePeer: a peer has so many streams open and no more.
func TestStreamsOfOnePeer(t *testing.T) {
	for _, l := range []Limits{Node, Phone, Machine} {
		rm, err := l.manager()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range 100 {
			s, err := rm.OpenStream(peer.ID("a"), network.DirInbound)
			if err != nil {
				break
			}
			if err := s.SetProtocol("/x/1"); err != nil {
				break
			}
			n++
		}
		if n != perPeer {
			t.Errorf("limits %d: %d streams, want %d", l, n, perPeer)
		}
		rm.Close()
	}
}
