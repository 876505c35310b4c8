package list

import (
	"bytes"
	"encoding/base32"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/wire"
)

// Kinds of an address, the low nibble of its first byte.
const (
	kindIP4   = 1
	kindIP6   = 2
	kindName  = 3
	kindOnion = 4
	kindRaw   = 5
)

// Transports of an address, the high nibble.
const (
	overTCP  = 1
	overQUIC = 2
	overWSS  = 4
)

const onionLen = 35 // key 32, checksum 2, version 1

// Addr is one place of a peer, with all transports that are served on its port. Make one with ReadAddrs.
type Addr struct {
	kind byte
	over byte
	body []byte
	port uint16
}

func (a Addr) append(b []byte) []byte {
	b = append(b, a.over<<4|a.kind)
	if a.kind == kindName || a.kind == kindRaw {
		b = append(b, byte(len(a.body)))
	}
	b = append(b, a.body...)
	if a.kind == kindRaw {
		return b
	}
	return binary.BigEndian.AppendUint16(b, a.port)
}

func readAddr(d *wire.Reader) Addr {
	first := d.Byte()
	a := Addr{kind: first & 15, over: first >> 4}
	switch a.kind {
	case kindIP4:
		a.body = d.Take(4)
	case kindIP6:
		a.body = d.Take(16)
	case kindOnion:
		a.body = d.Take(onionLen)
	case kindName, kindRaw:
		a.body = d.Take(int(d.Byte()))
	}
	if a.kind != kindRaw {
		a.port = d.Uint16()
	}
	if d.Err() == nil && !a.valid() {
		d.Fail(wire.Invalid("address of kind %d that is not well formed", a.kind))
	}
	return a
}

func (a Addr) valid() bool {
	if a.kind == kindRaw {
		return a.over == 0 && a.rawValid()
	}
	if a.port == 0 || a.over == 0 || a.over > 7 {
		return false
	}
	switch a.kind {
	case kindIP4:
		return true
	case kindIP6:
		return !a.ip().Is4In6()
	case kindName:
		return hostName(string(a.body))
	case kindOnion:
		return a.over == overTCP && a.body[34] == 3
	}
	return false
}

// rawValid wants a multiaddr that no other kind can say, without a peer id.
func (a Addr) rawValid() bool {
	m, err := ma.NewMultiaddrBytes(a.body)
	if err != nil || !bytes.Equal(m.Bytes(), a.body) {
		return false
	}
	for _, c := range m {
		if c.Protocol().Code == ma.P_P2P {
			return false
		}
	}
	again, err := ma.NewMultiaddr(m.String())
	if err != nil || !again.Equal(m) {
		return false
	}
	return len(m) > 1 && !shortForm(strings.Split(m.String(), "/"))
}

// shortForm is the shape that the other kinds have; of that shape, what they cannot say is wrong.
func shortForm(p []string) bool {
	return p[1] == "onion3" ||
		len(p) >= 5 && slices.Contains([]string{"ip4", "ip6", "dns"}, p[1]) && transport(p) != 0
}

// transport reads what follows the host in the parts of a multiaddr, or returns 0.
func transport(p []string) byte {
	switch strings.Join(append([]string{p[3]}, p[5:]...), "/") {
	case "tcp":
		return overTCP
	case "udp/quic-v1":
		return overQUIC
	case "tcp/tls/ws", "tcp/wss":
		return overWSS
	}
	return 0
}

func (a Addr) ip() netip.Addr {
	ip, _ := netip.AddrFromSlice(a.body) // 4 or 16 bytes by its kind
	return ip
}

// hostName is lower case labels of letters, digits and hyphens.
func hostName(s string) bool {
	if len(s) > 253 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

// Public reports whether the address can be one on the Internet: a name or an onion always, an IP address when it is not
// loopback, private, shared by a carrier, link-local, multicast or reserved.
func (a Addr) Public() bool {
	switch a.kind {
	case kindIP4, kindIP6:
		return publicIP(a.ip())
	case kindRaw:
		m, err := ma.NewMultiaddrBytes(a.body)
		if err != nil {
			return false
		}
		for _, c := range m {
			if code := c.Protocol().Code; code == ma.P_IP4 || code == ma.P_IP6 {
				ip, ok := netip.AddrFromSlice(c.RawValue())
				if !ok || !publicIP(ip) {
					return false
				}
			}
		}
	}
	return true
}

func publicIP(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is4In6() {
		return false
	}
	return !slices.ContainsFunc([]string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "64:ff9b:1::/48"},
		func(s string) bool { return netip.MustParsePrefix(s).Contains(ip) })
}

// Group is what counts as one place when peers are to be spread: the /16 of IPv4, the /32 of IPv6, else the address itself.
func (a Addr) Group() string {
	switch a.kind {
	case kindIP4, kindIP6:
		return GroupOf(a.ip())
	case kindName, kindOnion:
		return string(a.body)
	}
	return a.Multiaddrs()[0]
}

// GroupOf is Group of an IP address.
func GroupOf(ip netip.Addr) string {
	ip = ip.Unmap()
	n := 32
	if ip.Is4() {
		n = 16
	}
	p, err := ip.WithZone("").Prefix(n)
	if err != nil {
		return ip.String()
	}
	return p.String()
}

// Multiaddrs returns the address as one multiaddr for each transport, without a peer id.
func (a Addr) Multiaddrs() []string {
	port := strconv.Itoa(int(a.port))
	host := ""
	switch a.kind {
	case kindRaw:
		m, err := ma.NewMultiaddrBytes(a.body)
		if err != nil {
			return nil
		}
		return []string{m.String()}
	case kindIP4:
		host = "/ip4/" + a.ip().String()
	case kindIP6:
		host = "/ip6/" + a.ip().String()
	case kindName:
		host = "/dns/" + string(a.body)
	case kindOnion:
		return []string{"/onion3/" + onionText().EncodeToString(a.body) + ":" + port}
	}
	var out []string
	if a.over&overTCP != 0 {
		out = append(out, host+"/tcp/"+port)
	}
	if a.over&overQUIC != 0 {
		out = append(out, host+"/udp/"+port+"/quic-v1")
	}
	if a.over&overWSS != 0 {
		out = append(out, host+"/tcp/"+port+"/tls/ws")
	}
	return out
}

func onionText() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

// ReadAddrs makes addresses of multiaddrs without peer ids. Transports on one port become one address; what no short form
// can say is kept as it is. Of more than four the first four are taken.
func ReadAddrs(texts []string) ([]Addr, error) {
	var out []Addr
	for _, s := range texts {
		a, ok := plain(s)
		if !ok {
			m, err := ma.NewMultiaddr(s)
			if err != nil || len(m.Bytes()) > 255 {
				return nil, wire.Invalid("address %q is no multiaddr", s)
			}
			a = Addr{kind: kindRaw, body: m.Bytes()}
		}
		if !a.valid() {
			return nil, wire.Invalid("address %q cannot stand in a list", s)
		}
		out = merge(out, a)
	}
	if len(out) == 0 {
		return nil, wire.Invalid("no address")
	}
	return out[:min(len(out), maxAddrs)], nil
}

// merge adds the transports of a to the same place, if it stands there.
func merge(list []Addr, a Addr) []Addr {
	for i, b := range list {
		if b.kind == a.kind && b.port == a.port && bytes.Equal(b.body, a.body) {
			list[i].over |= a.over
			return list
		}
	}
	return append(list, a)
}

// plain reads the multiaddrs that have a short form.
func plain(s string) (Addr, bool) {
	p := strings.Split(s, "/")
	if len(p) < 3 || p[0] != "" {
		return Addr{}, false
	}
	if p[1] == "onion3" && len(p) == 3 {
		return onion(p[2])
	}
	if len(p) < 5 {
		return Addr{}, false
	}
	a := Addr{}
	switch p[1] {
	case "ip4", "ip6":
		ip, err := netip.ParseAddr(p[2])
		if err != nil || ip.Zone() != "" || ip.Is4() != (p[1] == "ip4") {
			return a, false
		}
		a.kind, a.body = kindIP6, ip.AsSlice()
		if ip.Is4() {
			a.kind = kindIP4
		}
	case "dns":
		a.kind, a.body = kindName, []byte(p[2])
	default:
		return a, false
	}
	port, err := strconv.ParseUint(p[4], 10, 16)
	a.over, a.port = transport(p), uint16(port)
	return a, err == nil && a.valid()
}

func onion(s string) (Addr, bool) {
	host, port, _ := strings.Cut(s, ":")
	key, err := onionText().DecodeString(host)
	n, err2 := strconv.ParseUint(port, 10, 16)
	a := Addr{kind: kindOnion, over: overTCP, body: key, port: uint16(n)}
	return a, err == nil && err2 == nil && len(key) == onionLen && a.valid()
}
