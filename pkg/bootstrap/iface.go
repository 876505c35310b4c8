package bootstrap

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Interface is one link of this machine that is up and has a carrier. Where the system refuses to list them (Android 11
// and later), the application fills them in from what its framework tells.
type Interface struct {
	Index     int
	Name      string
	Multicast bool           // a link with neighbours, not a tunnel
	Prefixes  []netip.Prefix // own addresses, each with the length of its prefix
}

// SystemInterfaces lists the links that are up and running, the loopback left out, as the operating system tells them.
func SystemInterfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	const need = net.FlagUp | net.FlagRunning
	var out []Interface
	for _, i := range all {
		if i.Flags&need != need || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		out = append(out, Interface{
			Index: i.Index, Name: i.Name, Prefixes: prefixes(i),
			Multicast: i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagPointToPoint == 0,
		})
	}
	return out, nil
}

// prefixes are in a fixed order, so that two lists can be compared. A link that went away meanwhile has none.
func prefixes(i net.Interface) []netip.Prefix {
	addrs, err := i.Addrs()
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, comparePrefix)
	return out
}

func (i Interface) equal(j Interface) bool {
	return i.Index == j.Index && i.Name == j.Name && i.Multicast == j.Multicast && slices.Equal(i.Prefixes, j.Prefixes)
}

// local returns the addresses that only this link can use, the most useful first: private IPv4, unique local IPv6,
// link-local. It returns none for a link that also carries a public IPv4 address, or public IPv6 and nothing private: a
// hosting centre's segment is full of strangers, and every interface has an fe80 address.
func (i Interface) local() []netip.Prefix {
	if !i.Multicast {
		return nil
	}
	var out []netip.Prefix
	public6, private := false, false
	for _, p := range i.Prefixes {
		rank := localRank(p)
		switch {
		case rank < 0 && p.Addr().Is4():
			return nil
		case rank < 0:
			public6 = true
			continue
		}
		private = private || rank < rankLinkLocal6
		out = append(out, netip.PrefixFrom(p.Addr().WithZone(""), p.Bits()))
	}
	if public6 && !private {
		return nil
	}
	slices.SortStableFunc(out, func(a, b netip.Prefix) int { return cmp.Compare(localRank(a), localRank(b)) })
	return out
}

// has reports whether the link has an address of the family that may be used.
func (i Interface) has(v6 bool) bool {
	return slices.ContainsFunc(i.local(), func(p netip.Prefix) bool { return p.Addr().Is6() == v6 })
}

const rankLinkLocal6 = 3

// localRank orders the ranges of addresses that do not leave a site; -1 is any other. The whole prefix must lie inside.
func localRank(p netip.Prefix) int {
	for _, r := range []struct {
		first netip.Addr
		bits  int
		rank  int
	}{
		{netip.AddrFrom4([4]byte{10}), 8, 0},
		{netip.AddrFrom4([4]byte{172, 16}), 12, 0},
		{netip.AddrFrom4([4]byte{192, 168}), 16, 0},
		{netip.AddrFrom16([16]byte{0xfc}), 7, 1},
		{netip.AddrFrom4([4]byte{169, 254}), 16, 2},
		{netip.AddrFrom16([16]byte{0xfe, 0x80}), 10, rankLinkLocal6},
	} {
		if p.Bits() >= r.bits && netip.PrefixFrom(r.first, r.bits).Contains(p.Addr().WithZone("")) {
			return r.rank
		}
	}
	return -1
}

// reachable reports whether a neighbour may claim ip on a link with these prefixes.
func reachable(local []netip.Prefix, ip netip.Addr) bool {
	return within(local, ip) || ip.IsLinkLocalUnicast()
}

func within(local []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(local, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func comparePrefix(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}
