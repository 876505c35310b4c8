package bootstrap

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// air carries the packets of fake sockets to one another.
type air struct {
	mu  sync.Mutex // guards all
	all []*fakeSocket
}

// fakeSocket is a socket of one host with one interface.
type fakeSocket struct {
	air    *air
	from   netip.AddrPort
	in     chan []byte
	joined []int
	down   atomic.Bool // write fails
	closed chan struct{}
}

func (a *air) open(from string) func(context.Context, string) (socket, error) {
	return func(_ context.Context, network string) (socket, error) {
		if network == "udp6" {
			return nil, errors.New("no IPv6 here")
		}
		s := &fakeSocket{air: a, from: netip.MustParseAddrPort(from), in: make(chan []byte, 16), closed: make(chan struct{})}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all = append(a.all, s)
		return s, nil
	}
}

func (s *fakeSocket) join(i Interface) error { s.joined = append(s.joined, i.Index); return nil }

func (s *fakeSocket) leave(i Interface) {
	s.joined = slices.DeleteFunc(s.joined, func(j int) bool { return i.Index == j })
}

func (s *fakeSocket) read(b []byte) (int, netip.AddrPort, int, error) {
	select {
	case p := <-s.in:
		if p == nil {
			return 0, netip.AddrPort{}, 0, errors.New("a passing failure")
		}
		n := copy(b, p[1:])
		return n, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, p[0]}), mdnsPort), 1, nil
	case <-s.closed:
		return 0, netip.AddrPort{}, 0, net.ErrClosed
	}
}

func (s *fakeSocket) write(b []byte, _ Interface) error {
	if s.down.Load() {
		return errors.New("network is down")
	}
	s.air.mu.Lock()
	defer s.air.mu.Unlock()
	from := s.from.Addr().As4()
	for _, to := range s.air.all {
		select {
		case to.in <- append([]byte{from[3]}, b...):
		default:
		}
	}
	return nil
}

func (s *fakeSocket) Close() error { close(s.closed); return nil }

// diary is what the callbacks were told.
type diary struct {
	mu    sync.Mutex // guards lines
	lines []string
	list  atomic.Pointer[[]Interface] // what the system tells
}

func (d *diary) add(s string) { d.mu.Lock(); d.lines = append(d.lines, s); d.mu.Unlock() }

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.lines
	d.lines = nil
	return out
}

func fakeNode(a *air, peer, addr string) (*MDNS, *diary) {
	d := &diary{}
	d.list.Store(&[]Interface{eth(1, addr+"/24")})
	m := &MDNS{
		PeerID: peer, Clock: time.Now, Rand: &dice{peer[20]},
		Addrs: func() []string { return []string{"/ip4/0.0.0.0/tcp/4001"} },
		Found: func(p string, addrs []string, iface string) {
			d.add("found " + p[20:21] + " " + addrs[0] + " " + iface)
		},
		Lost:       func(p, iface string) { d.add("lost " + p[20:21]) },
		Changed:    func() { d.add("changed") },
		Interfaces: func() ([]Interface, error) { return *d.list.Load(), nil },
		Log:        func(s string) { d.add("log " + s) },
		open:       a.open(addr + ":5353"),
	}
	m.watcher.source = func() (*events, error) { return nil, errors.New("no events in virtual time") }
	return m, d
}

func start(t *testing.T, m *MDNS) {
	t.Helper()
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestMDNSOverFakeSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		m1, d1 := fakeNode(a, peerA, "10.0.0.1")
		m2, d2 := fakeNode(a, peerB, "10.0.0.2")
		start(t, m1)
		start(t, m2)
		time.Sleep(2 * time.Second) // sleep: virtual time
		wantLines(t, found(d1), "found B /ip4/10.0.0.2/tcp/4001 eth1")
		wantLines(t, found(d2), "found A /ip4/10.0.0.1/tcp/4001 eth1")
		a.all[0].in <- nil           // a failing read is not the end
		time.Sleep(20 * time.Second) // sleep: virtual time
		found(d1)
		m1.Query()
		time.Sleep(time.Second) // sleep: virtual time
		wantLines(t, found(d1), "found B /ip4/10.0.0.2/tcp/4001 eth1")
		if err := m2.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		wantLines(t, found(d1), "lost B")
		m1.Close()
		m1.Close()
		if err := m1.Start(t.Context()); err == nil {
			t.Error("started after Close")
		}
	})
}

// A quiet one neither sends nor answers, and is there again at once when it is asked to be.
func TestMDNSQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		var quiet atomic.Bool
		var sent atomic.Int64
		m1, d1 := fakeNode(a, peerA, "10.0.0.1")
		m1.Quiet = quiet.Load
		open := m1.open
		m1.open = func(ctx context.Context, network string) (socket, error) {
			s, err := open(ctx, network)
			return counted{s, &sent}, err
		}
		m2, d2 := fakeNode(a, peerB, "10.0.0.2")
		start(t, m1)
		start(t, m2)
		time.Sleep(2 * time.Second) // sleep: virtual time
		wantLines(t, found(d2), "found A /ip4/10.0.0.1/tcp/4001 eth1")
		quiet.Store(true)
		synctest.Wait()
		before := sent.Load()
		for range 60 {
			m1.Query()
			m2.Query()
			time.Sleep(time.Minute) // sleep: virtual time
		}
		if n := sent.Load() - before; n != 0 || before == 0 {
			t.Errorf("%d packets while quiet, %d before", n, before)
		}
		found(d1)
		found(d2)
		quiet.Store(false)
		m1.Query()
		time.Sleep(5 * time.Second) // sleep: virtual time
		if d1, d2 := found(d1), found(d2); len(d1) == 0 || len(d2) == 0 {
			t.Errorf("afterwards %q and %q", d1, d2)
		}
		m1.Close()
		m2.Close()
	})
}

// counted counts what is sent.
type counted struct {
	socket
	n *atomic.Int64
}

func (c counted) write(b []byte, to Interface) error {
	c.n.Add(1)
	return c.socket.write(b, to)
}

// found leaves out what the log says of the system's own events, which differ from machine to machine.
func found(d *diary) []string {
	return slices.DeleteFunc(d.take(), func(s string) bool { return s[:3] == "log" })
}

func TestMDNSFollowsInterfaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		m, d := fakeNode(a, peerA, "10.0.0.1")
		start(t, m)
		synctest.Wait()
		if got := a.all[0].joined; !slices.Equal(got, []int{1}) {
			t.Errorf("joined %v", got)
		}
		a.all[0].down.Store(true)
		for _, list := range [][]Interface{{eth(2, "10.0.1.1/24")}, {eth(2, "203.0.113.1/24")}} {
			d.list.Store(&list)
			notify(m.events)
			time.Sleep(2 * time.Second) // sleep: virtual time
		}
		if lines := d.take(); !slices.Contains(lines, "changed") || !slices.Contains(lines, "log send on eth2: network is down") {
			t.Errorf("told %q", lines)
		}
		m.Close()
		if got := a.all[0].joined; len(got) != 0 {
			t.Errorf("still joined %v, though the only link is public", got)
		}
	})
}

func TestMDNSEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &air{}
		m, _ := fakeNode(a, peerA, "10.0.0.1")
		ctx, cancel := context.WithCancel(t.Context())
		if err := m.Start(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-a.all[0].closed
		m.Close()
	})
}

func TestMDNSRefusesToStart(t *testing.T) {
	for name, spoil := range map[string]func(*MDNS){
		"no clock":      func(m *MDNS) { m.Clock = nil },
		"no found":      func(m *MDNS) { m.Found = nil },
		"no peer":       func(m *MDNS) { m.PeerID = "a b" },
		"no chance":     func(m *MDNS) { m.Rand = noChance{} },
		"no interfaces": func(m *MDNS) { m.Interfaces = func() ([]Interface, error) { return nil, errors.New("refused") } },
		"no socket": func(m *MDNS) {
			m.open = func(context.Context, string) (socket, error) { return nil, errors.New("in use") }
		},
	} {
		m, _ := fakeNode(&air{}, peerA, "10.0.0.1")
		spoil(m)
		if err := m.Start(t.Context()); err == nil {
			t.Errorf("%s: started", name)
		}
		m.Query() // has nobody to ask, and says nothing
		m.Close()
	}
}

// A shared port on the loopback, chosen by the system: two sockets listen on it at once.
func TestSharedPort(t *testing.T) {
	conf := net.ListenConfig{Control: share}
	one, err := conf.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := conf.ListenPacket(t.Context(), "udp4", one.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
}
