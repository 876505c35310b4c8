package enrtree

import (
	"net/netip"
	"strconv"

	"github.com/pars-network/pars/pkg/wire"
)

// maxNode is the largest node record in bytes (EIP-778).
const maxNode = 300

// Node is a node record whose signature is good.
type Node struct {
	Seq  uint64
	Key  []byte // compressed secp256k1 key, 33 bytes
	IP4  netip.Addr
	IP6  netip.Addr
	TCP  uint16
	TCP6 uint16
	UDP  uint16
}

// item reads one RLP string or list head: its content, and whether it is a list. One form only.
func item(r *wire.Reader) (content []byte, list bool) {
	first := r.Byte()
	size := func(base byte) int {
		n := int(first - base)
		if n <= 55 {
			return n
		}
		if n != 56 { // records are at most 300 bytes: one byte of length, or two
			if n != 57 {
				r.Fail(wire.Invalid("RLP of %d bytes of length", n-55))
				return 0
			}
			v := int(r.Uint16())
			if v < 256 {
				r.Fail(wire.Invalid("RLP length that is not the shortest"))
			}
			return v
		}
		v := int(r.Byte())
		if v <= 55 {
			r.Fail(wire.Invalid("RLP length that is not the shortest"))
		}
		return v
	}
	switch {
	case r.Err() != nil:
		return nil, false
	case first < 0x80:
		return []byte{first}, false
	case first < 0xc0:
		content = r.Take(size(0x80))
		if len(content) == 1 && content[0] < 0x80 {
			r.Fail(wire.Invalid("RLP byte that is not the shortest"))
		}
		return content, false
	}
	return r.Take(size(0xc0)), true
}

// DecodeNode reads a node record and checks its signature. Errors wrap wire.ErrInvalid.
func DecodeNode(b []byte) (*Node, error) {
	if len(b) > maxNode {
		return nil, wire.Invalid("node record of %d bytes, at most %d", len(b), maxNode)
	}
	outer := wire.NewReader(b)
	body, list := item(outer)
	if err := outer.End(); err != nil || !list {
		return nil, wire.Invalid("this is no node record")
	}
	r := wire.NewReader(body)
	sig, list := item(r)
	signed := body[r.Offset():]
	seq, list2 := item(r)
	if r.Err() != nil || list || list2 || len(sig) != 64 || len(seq) > 8 {
		return nil, wire.Invalid("node record without a signature and number")
	}
	n := &Node{Seq: number(seq)}
	scheme, last := "", ""
	for r.Len() > 0 && r.Err() == nil {
		k, _ := item(r)
		v, isList := item(r)
		name := string(k)
		if last != "" && name <= last {
			return nil, wire.Invalid("fields of a node record do not ascend")
		}
		if last = name; isList {
			continue
		}
		if name == "id" {
			scheme = string(v)
		}
		n.field(name, v)
	}
	if r.Err() != nil || scheme != "v4" || len(n.Key) != 33 || !verify(n.Key, listOf(signed), sig) {
		return nil, wire.Invalid("the signature of a node record is wrong")
	}
	return n, nil
}

func (n *Node) field(name string, v []byte) {
	switch name {
	case "secp256k1":
		n.Key = v
	case "ip":
		if len(v) == 4 {
			n.IP4 = netip.AddrFrom4([4]byte(v))
		}
	case "ip6":
		if len(v) == 16 {
			n.IP6 = netip.AddrFrom16([16]byte(v))
		}
	case "tcp":
		n.TCP = uint16(number(v))
	case "tcp6":
		n.TCP6 = uint16(number(v))
	case "udp":
		n.UDP = uint16(number(v))
	}
}

func number(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// listOf puts the head of an RLP list before its content.
func listOf(content []byte) []byte {
	switch n := len(content); {
	case n <= 55:
		return append([]byte{0xc0 + byte(n)}, content...)
	case n < 256:
		return append([]byte{0xf8, byte(n)}, content...)
	default:
		return append([]byte{0xf9, byte(n >> 8), byte(n)}, content...)
	}
}

// ID returns the libp2p peer id of the node's key: identity multihash of protobuf {type 2, 33 bytes}.
func (n *Node) ID() string {
	return string(wire.AppendBase58(nil, append([]byte("\x00\x25\x08\x02\x12\x21"), n.Key...)))
}

// Multiaddrs returns where the node serves TCP, with its peer id.
func (n *Node) Multiaddrs() []string {
	var out []string
	if n.IP4.IsValid() && n.TCP != 0 {
		out = append(out, "/ip4/"+n.IP4.String()+"/tcp/"+strconv.Itoa(int(n.TCP))+"/p2p/"+n.ID())
	}
	port := n.TCP6
	if port == 0 {
		port = n.TCP
	}
	if n.IP6.IsValid() && !n.IP6.Is4In6() && port != 0 {
		out = append(out, "/ip6/"+n.IP6.String()+"/tcp/"+strconv.Itoa(int(port))+"/p2p/"+n.ID())
	}
	return out
}
