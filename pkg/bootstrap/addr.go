package bootstrap

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxAddr is what a TXT string holds after "dnsaddr=".
const maxAddr = 255 - len(txtKey)

// endpoint is a multiaddress of the few shapes a neighbour can be dialled at: an IP address, a port, one transport.
type endpoint struct {
	ip        netip.Addr
	port      uint16
	transport string // tcp, tcp/ws or udp/quic-v1
}

// readEndpoint reads /ip4/A/tcp/P and its like, with the peer id of a /p2p at the end, if any. It accepts one spelling only.
func readEndpoint(s string) (e endpoint, peer string, ok bool) {
	if len(s) > maxAddr {
		return e, "", false
	}
	parts := strings.Split(s, "/")
	if len(parts) < 5 || parts[0] != "" {
		return e, "", false
	}
	if n := len(parts); n >= 7 && parts[n-2] == "p2p" {
		peer, parts = parts[n-1], parts[:n-2]
	}
	ip, err := netip.ParseAddr(parts[2])
	port, err2 := strconv.ParseUint(parts[4], 10, 16)
	e = endpoint{ip: ip, port: uint16(port), transport: strings.Join(append(parts[3:4:4], parts[5:]...), "/")}
	if err != nil || err2 != nil || ip.Zone() != "" || port == 0 || !slices.Contains([]string{"tcp", "tcp/ws", "udp/quic-v1"}, e.transport) {
		return e, "", false
	}
	return e, peer, e.String() == strings.Join(parts, "/")
}

// String is the multiaddress, without a peer id.
func (e endpoint) String() string {
	family := "/ip4/"
	if e.ip.Is6() {
		family = "/ip6/"
	}
	first, rest, _ := strings.Cut(e.transport, "/")
	s := family + e.ip.String() + "/" + first + "/" + strconv.Itoa(int(e.port))
	if rest != "" {
		s += "/" + rest
	}
	return s
}

// on is the multiaddress as it can be dialled on the named link: a link-local IPv6 address needs the zone.
func (e endpoint) on(link string) string {
	if e.ip.Is6() && e.ip.IsLinkLocalUnicast() {
		return "/ip6zone/" + link + e.String()
	}
	return e.String()
}

// announced is what a link is told of the listen addresses: an unspecified address stands for each of the link's own, and
// an address of another link is left out. The order is that of local, so that the best come first.
func announced(addrs []string, iface Interface, local []netip.Prefix) []endpoint {
	var out []endpoint
	for _, p := range local {
		for _, s := range addrs {
			e, _, ok := readEndpoint(strings.TrimPrefix(s, "/ip6zone/"+iface.Name))
			if !ok || e.ip.Is4() != p.Addr().Is4() || !e.ip.IsUnspecified() && e.ip != p.Addr() {
				continue
			}
			e.ip = p.Addr()
			if len(out) < maxAddrs && !slices.Contains(out, e) {
				out = append(out, e)
			}
		}
	}
	return out
}

// plausiblePeer is the shape of a peer id; only the caller can tell a real one.
func plausiblePeer(s string) bool {
	return len(s) >= 8 && len(s) <= 96 && strings.Trim(s, alphanumeric) == ""
}

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
