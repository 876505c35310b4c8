package bootstrap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// MDNS announces this node on the local network and finds others there. Set the fields, then Start, then Close.
//
// The functions are called one at a time from one goroutine and should return soon: while one runs nothing is answered.
// They may call Query, but not Close.
type MDNS struct {
	// PeerID is who is announced.
	PeerID string
	// Addrs returns the listen addresses as multiaddresses, such as /ip4/0.0.0.0/tcp/4001, with or without the
	// unspecified address spelt out. It is asked before each announcement. Nil or no address: browse only.
	Addrs func() []string
	// Found is told of a peer at its first announcement, at each change of its addresses, and at what it says after a
	// Query or an interface event; otherwise at most once in ten seconds a link, as often as it is heard. The addresses
	// are without the peer id. Nothing in them has been verified.
	Found func(peerID string, addrs []string, iface string)
	// Lost is told when a peer said goodbye or has not been heard for as long as it said, or its link is gone. Anybody
	// can say a peer's goodbye, so this is a hint too. It may be nil.
	Lost func(peerID, iface string)
	// Changed is told of each interface event, as that of a Watcher. It may be nil.
	Changed func()
	// Quiet is asked before anything is sent or read: while it says yes nothing is. Query, or an event, ends its time. It may
	// be nil.
	Quiet func() bool
	// Clock tells the time.
	Clock func() time.Time
	// Rand is for names and delays; nil is crypto/rand.
	Rand io.Reader
	// Interfaces lists the links; nil is SystemInterfaces.
	Interfaces func() ([]Interface, error)
	// Log is told what went wrong and did not stop it. It may be nil.
	Log func(string)

	open    func(ctx context.Context, network string) (socket, error) // nil is openSocket
	watcher Watcher
	core    *core
	sockets []family
	joined  map[membership]bool
	packets chan arrival
	events  chan struct{}
	queries chan struct{}

	mu     sync.Mutex // guards cancel and closed
	cancel context.CancelFunc
	closed bool
	wg     sync.WaitGroup
}

// family is the socket of IPv4 or IPv6.
type family struct {
	socket
	v6 bool
}

// membership says that a family listens to the group on a link.
type membership struct{ family, index int }

// arrival is a packet and how it came.
type arrival struct {
	from  netip.AddrPort
	index int
	data  []byte
}

// Start opens the sockets and begins to announce and to ask, until ctx is done or Close is called. It fails when the
// interfaces cannot be listed or no multicast socket be had.
func (m *MDNS) Start(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed || m.cancel != nil:
		return errors.New("start mdns: it was started or closed before")
	case m.Clock == nil || m.Found == nil:
		return errors.New("start mdns: no Clock or no Found")
	case !plausiblePeer(m.PeerID):
		return fmt.Errorf("start mdns: %q is not a peer id", m.PeerID)
	}
	if err := m.prepare(ctx); err != nil {
		return fmt.Errorf("start mdns: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	if err := m.watcher.Start(ctx); err != nil {
		cancel()
		m.closeSockets()
		return fmt.Errorf("start mdns: %w", err)
	}
	m.cancel = cancel
	for _, s := range m.sockets {
		m.wg.Go(func() { m.read(ctx, s) })
	}
	m.wg.Go(func() { m.run(ctx) })
	return nil
}

// prepare makes everything that needs no goroutine.
func (m *MDNS) prepare(ctx context.Context) error {
	addrs, random, open := m.Addrs, m.Rand, m.open
	if addrs == nil {
		addrs = func() []string { return nil }
	}
	if random == nil {
		random = rand.Reader
	}
	if open == nil {
		open = openSocket
	}
	m.packets = make(chan arrival, 64) // full: the packet is dropped, as any network may; it is asked for again
	m.joined = map[membership]bool{}
	m.events, m.queries = make(chan struct{}, 1), make(chan struct{}, 1)
	m.watcher.Interfaces, m.watcher.Log, m.watcher.Changed = m.Interfaces, m.Log, func() { notify(m.events) }
	var err error
	if m.core, err = newCore(m.Clock(), m.PeerID, addrs, random); err != nil {
		return err
	}
	var failed error
	for _, network := range []string{"udp4", "udp6"} {
		s, err := open(ctx, network)
		if err != nil { // one family is enough
			failed = errors.Join(failed, err)
			continue
		}
		m.sockets = append(m.sockets, family{s, network == "udp6"})
	}
	if len(m.sockets) == 0 {
		return failed
	}
	return nil
}

// Query asks and announces anew, and shows each peer that answers. It does not wait, and does nothing before Start.
func (m *MDNS) Query() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cancel != nil {
		notify(m.queries)
	}
}

// Close says goodbye, closes the sockets and waits for everything to end.
func (m *MDNS) Close() error {
	m.mu.Lock()
	m.closed = true
	if m.cancel != nil {
		m.cancel()
	}
	m.mu.Unlock()
	m.wg.Wait()
	return m.watcher.Close()
}

func (m *MDNS) run(ctx context.Context) {
	defer m.closeSockets()
	m.relist()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		m.act()
		timer.Reset(m.untilNext())
		select {
		case <-ctx.Done():
			m.core.close()
			m.act()
			return
		case p := <-m.packets:
			if m.quiet() {
				continue
			}
			m.core.receive(m.Clock(), p.from, p.index, p.data)
		case <-m.events:
			m.relist()
			if m.Changed != nil {
				m.Changed()
			}
		case <-m.queries:
			m.core.renew(m.Clock())
		case <-timer.C:
			if m.quiet() {
				continue
			}
			m.core.tick(m.Clock())
		}
	}
}

func (m *MDNS) quiet() bool { return m.Quiet != nil && m.Quiet() }

func (m *MDNS) untilNext() time.Duration {
	at := m.core.next()
	if at.IsZero() || m.quiet() {
		return time.Hour // no link: an event will come first
	}
	return max(0, at.Sub(m.Clock()))
}

// relist listens on the links that are there now, and no longer on others.
func (m *MDNS) relist() {
	list, err := m.watcher.list()
	if err != nil {
		m.log("%v", err)
		return
	}
	now := usable(list)
	for at := range m.joined {
		if !slices.ContainsFunc(now, func(i Interface) bool { return i.Index == at.index }) {
			m.sockets[at.family].leave(Interface{Index: at.index})
			delete(m.joined, at)
		}
	}
	for _, i := range now {
		m.join(i)
	}
	m.core.interfaces(m.Clock(), list)
}

func (m *MDNS) join(i Interface) {
	for n, s := range m.sockets {
		at := membership{n, i.Index}
		if m.joined[at] || !i.has(s.v6) {
			continue
		}
		if err := s.join(i); err != nil {
			m.log("join the group on %s: %v", i.Name, err)
			continue
		}
		m.joined[at] = true
	}
}

// act does what the core wants done.
func (m *MDNS) act() {
	for _, a := range m.core.take() {
		switch {
		case a.packet != nil:
			if !m.quiet() {
				m.write(a)
			}
		case a.lost && m.Lost != nil:
			m.Lost(a.peer, a.iface.Name)
		case !a.lost:
			m.Found(a.peer, a.addrs, a.iface.Name)
		}
	}
}

// write sends by each family of which the link has an address: the system would take another link's.
func (m *MDNS) write(a action) {
	for _, s := range m.sockets {
		if !a.iface.has(s.v6) {
			continue
		}
		if err := s.write(a.packet, a.iface); err != nil {
			m.log("send on %s: %v", a.iface.Name, err)
		}
	}
}

// read ends when the socket is closed. Other failures pass, some only after a link is back.
func (m *MDNS) read(ctx context.Context, s socket) {
	b := make([]byte, maxPacket+1)
	for {
		n, from, index, err := s.read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if !wait(ctx, settle) {
				return
			}
			continue
		}
		select {
		case m.packets <- arrival{from, index, append([]byte(nil), b[:n]...)}:
		default:
		}
	}
}

func (m *MDNS) closeSockets() {
	for _, s := range m.sockets {
		s.Close()
	}
}

func (m *MDNS) log(format string, args ...any) {
	if m.Log != nil {
		m.Log(fmt.Sprintf(format, args...))
	}
}
