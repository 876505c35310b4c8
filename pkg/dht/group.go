package dht

import (
	"net/netip"
)

// Class says why a peer is known. Those one has reason to trust stand first.
type Class uint8

// Classes of peers. Limits by address spare the first two: an attacker does not choose them.
const (
	Contact Class = iota
	Anchor
	Table
	Listed  // of a list, DNS or the command line
	Learned // named by another peer
)

// Peer is a node as somebody names it.
type Peer struct {
	ID    PeerID
	Addrs [][]byte // binary multiaddrs
	Class Class
}

const (
	perNarrow = 8  // peers per IPv4 /24 or IPv6 /48
	perWide   = 24 // per IPv4 /16 or IPv6 /32
)

// addrIP returns the address that a binary multiaddr begins with.
func addrIP(a []byte) (netip.Addr, bool) {
	if len(a) >= 2 && a[0] == 42 && len(a) >= 2+int(a[1]) { // the zone of a link-local address, by its length
		a = a[2+int(a[1]):]
	}
	switch {
	case len(a) >= 5 && a[0] == 4:
		return netip.AddrFrom4([4]byte(a[1:5])), true
	case len(a) >= 17 && a[0] == 41:
		return netip.AddrFrom16([16]byte(a[1:17])).Unmap(), true
	}
	return netip.Addr{}, false
}

// AddrGroups returns the narrow and the wide network of an address, "" for one that no limit applies to: those of a
// home, an island or a whole country behind one provider. What has no IP, as an onion service, is one group.
func AddrGroups(a []byte) (narrow, wide string) {
	ip, ok := addrIP(a)
	switch {
	case !ok:
		return "no-ip", "no-ip"
	case ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || sharedSpace().Contains(ip):
		return "", ""
	case ip.Is4():
		return prefix(ip, 24), prefix(ip, 16)
	}
	return prefix(ip, 48), prefix(ip, 32)
}

// sharedSpace is that of carriers, RFC 6598.
func sharedSpace() netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10) }

func prefix(ip netip.Addr, n int) string {
	p, err := ip.Prefix(n)
	if err != nil {
		return "no-ip"
	}
	return p.String()
}

// Crowd counts peers by network and says when one has its share. The zero value is empty.
type Crowd struct{ n map[string]int }

// Admit counts p, unless one of its networks is full.
func (c *Crowd) Admit(p Peer) bool {
	if p.Class <= Anchor {
		return true
	}
	if c.n == nil {
		c.n = map[string]int{}
	}
	limits := networks(p)
	for g, limit := range limits {
		if c.n[g] >= limit {
			return false
		}
	}
	for g := range limits {
		c.n[g]++
	}
	return true
}

// Leave takes back what Admit counted.
func (c *Crowd) Leave(p Peer) {
	if p.Class <= Anchor {
		return
	}
	for g := range networks(p) {
		if c.n[g]--; c.n[g] <= 0 {
			delete(c.n, g)
		}
	}
}

// networks returns the groups of all addresses of p with the limit of each.
func networks(p Peer) map[string]int {
	out := map[string]int{}
	for _, a := range p.Addrs {
		narrow, wide := AddrGroups(a)
		if wide != "" {
			out[wide] = perWide
		}
		if narrow != "" {
			out[narrow] = perNarrow
		}
	}
	return out
}

// Local reports whether a multiaddr is of a private or link-local network, or of this machine. The shared addresses of
// carriers (100.64/10) are not: behind them is a country.
func Local(addr []byte) bool {
	ip, ok := addrIP(addr)
	return ok && (ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsLoopback())
}
