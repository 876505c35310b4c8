package hns

import (
	"encoding/base32"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// Record types of a resource.
const (
	typeDS = iota
	typeNS
	typeGlue4
	typeGlue6
	typeSynth4
	typeSynth6
	typeTXT
)

const (
	maxHops     = 127 // compression pointers of one name
	maxNameWire = 255
)

// Resource is what the owner of a name publishes under it.
type Resource struct {
	DS      []DS
	NS      []Server
	TXT     [][]string // the strings of each record, as bytes
	Unknown bool       // a record of a type not known ended the reading; what stands after it is lost
}

// DS is a key of the zone by its hash, the fields of RFC 4034 section 5.
type DS struct {
	Tag       uint16
	Algorithm uint8
	Digest    uint8
	Sum       []byte
}

// Server is a name server. Addr is not valid where the name must be looked up.
type Server struct {
	Name string // in small letters with its dot; what is no letter, digit, hyphen or underscore as \DDD
	Addr netip.Addr
}

// DecodeResource reads version u8 (0) ‖ records of type u8 and body, the integers of a DS big endian. As full nodes do it stops without
// a fault at a type that it does not know. Errors wrap wire.ErrInvalid.
func DecodeResource(b []byte) (*Resource, error) {
	if len(b) > maxResource {
		return nil, wire.Invalid("resource of %d bytes, at most %d", len(b), maxResource)
	}
	d := wire.NewReader(b)
	if v := d.Byte(); d.Err() != nil || v != 0 {
		return nil, wire.Invalid("resource of version %d", v)
	}
	r := &Resource{}
	for d.Len() > 0 && d.Err() == nil && !r.Unknown {
		r.record(d, b)
	}
	return r, d.Err()
}

func (r *Resource) record(d *wire.Reader, all []byte) {
	switch typ := d.Byte(); typ {
	case typeDS:
		ds := DS{Tag: d.Uint16(), Algorithm: d.Byte(), Digest: d.Byte()}
		ds.Sum = d.Take(int(d.Byte()))
		r.DS = append(r.DS, ds)
	case typeNS:
		r.NS = append(r.NS, Server{Name: readName(d, all)})
	case typeGlue4, typeGlue6:
		name := readName(d, all)
		r.NS = append(r.NS, Server{name, readAddr(d, typ == typeGlue6)})
	case typeSynth4, typeSynth6:
		addr := readAddr(d, typ == typeSynth6)
		r.NS = append(r.NS, Server{synth(addr), addr})
	case typeTXT:
		list := make([]string, 0, 4)
		for range d.Byte() {
			list = append(list, string(d.Take(int(d.Byte()))))
			if d.Err() != nil {
				return
			}
		}
		r.TXT = append(r.TXT, list)
	default:
		r.Unknown = true
	}
}

func readAddr(d *wire.Reader, six bool) netip.Addr {
	n := 4
	if six {
		n = 16
	}
	addr, _ := netip.AddrFromSlice(d.Take(n)) // a length that is not there is d's error
	return addr
}

// synth is the name of a server that has none of its own: its address in base32hex.
func synth(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return "_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(a.AsSlice())) + "._synth."
}

// readName reads a domain name whose end may stand earlier in all. A pointer must go back, so that no name is endless.
func readName(d *wire.Reader, all []byte) string {
	var out strings.Builder
	size := 1
	at, limit := d, d.Offset()
	for hops := 0; ; {
		switch n := at.Byte(); {
		case at.Err() != nil:
			d.Fail(at.Err())
			return ""
		case n == 0:
			if out.Len() == 0 {
				return "."
			}
			return out.String()
		case n >= 0xc0:
			to := int(n&0x3f)<<8 | int(at.Byte())
			if hops++; at.Err() != nil || to >= limit || hops > maxHops {
				d.Fail(wire.Invalid("name with a pointer that leads nowhere"))
				return ""
			}
			at, limit = wire.NewReader(all), to
			at.Take(to)
		case n > 63:
			d.Fail(wire.Invalid("name with a label of kind %#x", n))
			return ""
		default:
			if size += int(n) + 1; size > maxNameWire {
				d.Fail(wire.Invalid("name longer than %d bytes", maxNameWire))
				return ""
			}
			writeLabel(&out, at.Take(int(n)))
		}
	}
}

func writeLabel(out *strings.Builder, label []byte) {
	for _, c := range label {
		switch {
		case c >= 'A' && c <= 'Z':
			out.WriteByte(c + 'a' - 'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			out.WriteByte(c)
		default:
			fmt.Fprintf(out, "\\%03d", c)
		}
	}
	out.WriteByte('.')
}
