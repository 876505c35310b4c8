package link

import (
	"errors"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// errHalfOpen is shown to nobody: the caller sees a closed connection.
var errHalfOpen = errors.New("too many handshakes under way")

// halfOpen is a resource manager that bounds the calls which have not yet shown who they are: a socket that says nothing
// costs its caller less than the place it takes.
type halfOpen struct {
	network.ResourceManager

	mu   sync.Mutex // guards below
	all  int
	from map[netip.Prefix]int
}

// OpenConnection is of network.ResourceManager.
func (h *halfOpen) OpenConnection(dir network.Direction, usefd bool, at ma.Multiaddr) (network.ConnManagementScope, error) {
	from, free := caller(at)
	if dir != network.DirInbound || free {
		return h.ResourceManager.OpenConnection(dir, usefd, at)
	}
	if !h.enter(from) {
		return nil, errHalfOpen
	}
	c, err := h.ResourceManager.OpenConnection(dir, usefd, at)
	if err != nil {
		h.leave(from)
		return nil, err
	}
	return &greeted{ConnManagementScope: c, known: sync.OnceFunc(func() { h.leave(from) })}, nil
}

func (h *halfOpen) enter(from netip.Prefix) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all >= halfOpenAll || h.from[from] >= halfOpenEach {
		return false
	}
	h.all++
	h.from[from]++
	return true
}

func (h *halfOpen) leave(from netip.Prefix) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	if h.from[from]--; h.from[from] == 0 {
		delete(h.from, from)
	}
}

// caller returns the address, or of IPv6 the home, that a call comes from. Programs of this machine are free.
func caller(at ma.Multiaddr) (from netip.Prefix, free bool) {
	ip, err := manet.ToIP(at)
	if err != nil {
		return netip.Prefix{}, false // all that have none share a place
	}
	a, _ := netip.AddrFromSlice(ip)
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 56
	}
	from, _ = a.Prefix(bits)
	return from, a.IsLoopback()
}

// greeted is a call until its handshake has told who it is, or its end.
type greeted struct {
	network.ConnManagementScope
	known func()
}

// SetPeer is of network.ConnManagementScope.
func (g *greeted) SetPeer(p peer.ID) error {
	g.known()
	return g.ConnManagementScope.SetPeer(p)
}

// Done is of network.ResourceScopeSpan.
func (g *greeted) Done() {
	g.known()
	g.ConnManagementScope.Done()
}
