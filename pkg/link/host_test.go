package link

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/wire"
)

func TestHostsConnect(t *testing.T) {
	a, err := Host(Options{Seed: [32]byte{1}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Host(Options{Seed: [32]byte{2}, Limits: Dialer})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Connect(t.Context(), peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()}); err != nil {
		t.Fatal(err)
	}
	if v, err := b.Peerstore().Get(a.ID(), "AgentVersion"); err != nil || v != "pars" {
		t.Errorf("identify tells %v, %v", v, err)
	}
	taken := a.Addrs()[0].String()
	if _, err := Host(Options{Seed: [32]byte{3}, Listen: []string{taken}}); err == nil {
		t.Error("two hosts share a port")
	}
	c, err := Host(Options{Seed: [32]byte{3}, Listen: []string{taken, "/ip4/127.0.0.1/tcp/0"}, Some: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := Host(Options{Seed: [32]byte{4}, Listen: []string{"nonsense"}, Some: true}); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// open tries n inbound connections, the i-th from the address that from gives, and returns how many were let in.
func open(t *testing.T, l Limits, n int, from func(i int) string) (ok int) {
	rm, err := l.manager()
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	for i := range n {
		c, err := rm.OpenConnection(network.DirInbound, false, ma.StringCast(from(i)))
		if err != nil {
			continue
		}
		ok++
		if err := c.SetPeer(peer.ID(fmt.Sprint("peer", i))); err != nil {
			c.Done()
			ok--
		}
	}
	return ok
}

func TestAddressesShareAndDoNotFill(t *testing.T) {
	one := func(int) string { return "/ip4/100.64.7.7/tcp/1" }
	if n := open(t, Machine, 200, one); n != perAddress {
		t.Errorf("one address holds %d connections, want %d", n, perAddress)
	}
	if n := open(t, Machine, 200, func(i int) string { return fmt.Sprintf("/ip6/2001:db8:0:%x::1/tcp/1", i) }); n != perHome {
		t.Errorf("one home holds %d", n)
	}
	if n := open(t, Machine, 250, func(i int) string { return fmt.Sprintf("/ip6/2001:db8:0:%x::1/tcp/1", i<<8) }); n != perSite {
		t.Errorf("one site holds %d", n)
	}
	if n := open(t, Machine, 120, func(int) string { return "/ip4/127.0.0.1/tcp/1" }); n != 120 {
		t.Errorf("loopback holds %d", n)
	}
	if n := open(t, Machine, 120, func(i int) string { return fmt.Sprintf("/ip4/10.0.%d.1/tcp/1", i) }); n != 120 {
		t.Errorf("%d addresses of 120 got in", n)
	}
	if n := open(t, Phone, 300, func(i int) string { return fmt.Sprintf("/ip4/10.%d.0.1/tcp/1", i%250) }); n >= 300 || n < 32 {
		t.Errorf("a phone holds %d", n)
	}
	if n := open(t, Dialer, 300, one); n != 300 {
		t.Errorf("a dialer holds %d", n)
	}
}

// TestClosedHost: while it is closed a host neither calls nor answers, and what streams carry is counted.
func TestClosedHost(t *testing.T) {
	var open atomic.Bool
	var bytes atomic.Int64
	count := func(sent, received int) { bytes.Add(int64(sent + received)) }
	a, err := Host(Options{Seed: [32]byte{5}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Open: open.Load, Count: count})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Host(Options{Seed: [32]byte{6}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	to := func(h host.Host) peer.AddrInfo { return peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()} }
	if b.Connect(t.Context(), to(a)) == nil || a.Connect(t.Context(), to(b)) == nil {
		t.Error("a closed host speaks")
	}
	if n := bytes.Load(); n != 0 {
		t.Errorf("%d bytes while closed", n)
	}
	open.Store(true)
	if err := a.Connect(t.Context(), to(b)); err != nil || bytes.Load() == 0 {
		t.Errorf("open: %v, %d bytes", err, bytes.Load())
	}
}
