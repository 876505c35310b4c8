package peerbook

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Codes of binary multiaddrs that matter here.
const (
	codeIP4    = 4
	codeTCP    = 6
	codeIP6    = 41
	codeUDP    = 273
	codeUnix   = 400 // a radio link: /unix/link/ble/…
	codeOnion3 = 445
)

// Group is the network an address belongs to: as many addresses of one group as one likes cost an
// attacker next to nothing. For what has no IP it is one group each: onion, link.
type Group string

// perGroup is how many outbound connections one group may have. What has no IP cannot be told apart.
func (g Group) perGroup() int {
	if g == groupOnion || g == groupLink || g == groupNone {
		return 8
	}
	return 2
}

const (
	groupOnion Group = "onion"
	groupLink  Group = "link"
	groupNone  Group = "none"
)

// ASN returns the number of the network that announces an address, 0 when it is not known.
type ASN func(netip.Addr) uint32

// GroupOf returns the group of a binary multiaddr: the autonomous system where asn knows it, else IPv4 /16
// and IPv6 /32. Behind addresses that a home, an island or a carrier gives out (private ones, RFC 6598)
// there are many who have nothing to do with each other: those are told apart by /24 and range of ports.
func GroupOf(addr []byte, asn ASN) Group {
	code, rest := uvarint(addr)
	switch {
	case code == codeOnion3:
		return groupOnion
	case code == codeUnix:
		return groupLink
	case code == codeIP4 && len(rest) >= 4:
		return ipGroup(netip.AddrFrom4([4]byte(rest)), rest[4:], asn)
	case code == codeIP6 && len(rest) >= 16:
		return ipGroup(netip.AddrFrom16([16]byte(rest)).Unmap(), rest[16:], asn)
	}
	return groupNone
}

func ipGroup(ip netip.Addr, rest []byte, asn ASN) Group {
	if asn != nil {
		if n := asn(ip); n != 0 {
			return Group(fmt.Sprint("as", n))
		}
	}
	switch {
	case shared(ip) && ip.Is4():
		return Group(fmt.Sprint(prefix(ip, 24), ":", port(rest)>>10))
	case shared(ip):
		return prefix(ip, 64)
	case ip.Is4():
		return prefix(ip, 16)
	}
	return prefix(ip, 32)
}

// shared reports whether an address means something within one network alone.
func shared(ip netip.Addr) bool {
	carrier := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10) // RFC 6598
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || carrier.Contains(ip)
}

func prefix(ip netip.Addr, n int) Group {
	p, err := ip.Prefix(n)
	if err != nil {
		return groupNone
	}
	return Group(p.String())
}

// port reads the TCP or UDP port that follows an IP address, 0 for none.
func port(rest []byte) uint16 {
	code, rest := uvarint(rest)
	if (code == codeTCP || code == codeUDP) && len(rest) >= 2 {
		return binary.BigEndian.Uint16(rest)
	}
	return 0
}

// uvarint reads a code and returns what follows it; code 0 stands for none.
func uvarint(b []byte) (uint64, []byte) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil
	}
	return v, b[n:]
}
