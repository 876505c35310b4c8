package bootstrap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const (
	serviceLabel = "_pars-mesh"
	service      = serviceLabel + "._tcp.local."
	txtKey       = "dnsaddr="

	maxPacket  = 9000 // bytes, as RFC 6762 has it
	maxRecords = 128  // a packet: a name takes 2 bytes on the wire and up to 255 here
	maxAdverts = 8    // a packet
	maxAddrs   = 4    // an instance
	maxTTL     = 4500 // seconds
	maxKnown   = 32   // a query, so that it fits one frame

	serviceTTL = 900 // seconds: three rounds of questions
	hostTTL    = 120
	flush      = 1 << 15 // "this is all there is of that name", in the class of a unique record
	classMask  = flush - 1
)

var errPacket = errors.New("not a message for this service")

// packet is what one mDNS message means to us.
type packet struct {
	asks    []string // names asked for, in lower case
	known   []string // in a question: instances that need not be told, since the asker knows them for a while yet
	adverts []advert
}

// advert is one instance as its owner tells it; ttl 0 is its goodbye.
type advert struct {
	instance string
	ttl      uint32
	peer     string
	addrs    []endpoint
}

// mentions finds a label without unpacking: most of what is said on a LAN is not for us.
func mentions(b []byte, label string) bool {
	for i := 0; i+len(label) < len(b); i++ {
		if int(b[i]) == len(label) && bytes.EqualFold(b[i+1:i+1+len(label)], []byte(label)) {
			return true
		}
	}
	return false
}

// decodePacket reads a message from the network. Records that are not ours, or not well formed, are left out.
func decodePacket(b []byte) (packet, error) {
	if len(b) < 12 || len(b) > maxPacket {
		return packet{}, errPacket
	}
	records := 0
	for i := 4; i < 12; i += 2 {
		records += int(binary.BigEndian.Uint16(b[i:]))
	}
	var m dns.Msg
	if records > maxRecords || m.Unpack(b) != nil || m.Opcode != dns.OpcodeQuery || m.Rcode != dns.RcodeSuccess {
		return packet{}, errPacket
	}
	if m.Response {
		return packet{adverts: readAdverts(append(m.Answer, m.Extra...))}, nil
	}
	return packet{asks: readQuestions(m.Question), known: readKnown(m.Answer)}, nil
}

func readQuestions(questions []dns.Question) []string {
	var out []string
	for _, q := range questions {
		if class := q.Qclass & classMask; class == dns.ClassINET || class == dns.ClassANY&classMask {
			out = append(out, strings.ToLower(q.Name))
		}
	}
	return out
}

// readKnown leaves out what the asker will forget soon: that must be told again.
func readKnown(answers []dns.RR) []string {
	var out []string
	for _, rr := range answers {
		if ptr, ok := rr.(*dns.PTR); ok && strings.EqualFold(ptr.Hdr.Name, service) && ptr.Hdr.Ttl >= serviceTTL/2 {
			out = append(out, instanceOf(ptr.Ptr))
		}
	}
	return out
}

func readAdverts(records []dns.RR) []advert {
	var out []advert
	for _, rr := range records {
		h := rr.Header()
		if len(out) == maxAdverts || h.Class&classMask != dns.ClassINET || h.Ttl > maxTTL {
			continue
		}
		switch rr := rr.(type) {
		case *dns.PTR:
			if name := instanceOf(rr.Ptr); h.Ttl == 0 && name != "" && strings.EqualFold(h.Name, service) {
				out = append(out, advert{instance: name})
			}
		case *dns.TXT:
			if a, ok := readAdvert(rr); ok {
				out = append(out, a)
			}
		}
	}
	return out
}

// readAdvert wants one peer for all addresses of an instance.
func readAdvert(rr *dns.TXT) (advert, bool) {
	a := advert{instance: instanceOf(rr.Hdr.Name), ttl: rr.Hdr.Ttl}
	if a.instance == "" || a.ttl == 0 {
		return a, a.instance != ""
	}
	for _, s := range rr.Txt {
		value, ok := strings.CutPrefix(s, txtKey)
		if !ok || len(a.addrs) == maxAddrs {
			continue
		}
		e, peer, ok := readEndpoint(value)
		if !ok || !plausiblePeer(peer) {
			continue
		}
		if a.peer != "" && a.peer != peer {
			return a, false
		}
		a.peer = peer
		if !slices.Contains(a.addrs, e) {
			a.addrs = append(a.addrs, e)
		}
	}
	return a, a.peer != ""
}

// instanceOf returns the first label of a name of the service, in lower case, or "".
func instanceOf(name string) string {
	label, ok := strings.CutSuffix(strings.ToLower(name), "."+service)
	if !ok || len(label) > 64 || strings.Trim(label, strings.ToLower(alphanumeric)+"-") != "" {
		return ""
	}
	return label
}

// encodeAdvert writes an advert as its owner tells it, or says goodbye when its ttl is 0.
func encodeAdvert(a advert) ([]byte, error) {
	ttl := func(t uint32) uint32 { return min(t, a.ttl) }
	name, host := a.instance+"."+service, hostOf(a.instance)
	head := func(name string, typ, class uint16, t uint32) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: typ, Class: class, Ttl: ttl(t)}
	}
	const unique = dns.ClassINET | flush
	txt := &dns.TXT{Hdr: head(name, dns.TypeTXT, unique, serviceTTL)}
	m := dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}, Compress: true}
	m.Answer = []dns.RR{
		&dns.PTR{Hdr: head(service, dns.TypePTR, dns.ClassINET, serviceTTL), Ptr: name},
		&dns.SRV{Hdr: head(name, dns.TypeSRV, unique, hostTTL), Port: a.addrs[0].port, Target: host},
		txt,
	}
	var seen []netip.Addr
	for _, e := range a.addrs {
		txt.Txt = append(txt.Txt, txtKey+e.String()+"/p2p/"+a.peer)
		if slices.Contains(seen, e.ip) {
			continue
		}
		seen = append(seen, e.ip)
		if e.ip.Is4() {
			m.Answer = append(m.Answer, &dns.A{Hdr: head(host, dns.TypeA, unique, hostTTL), A: e.ip.AsSlice()})
		} else {
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: head(host, dns.TypeAAAA, unique, hostTTL), AAAA: e.ip.AsSlice()})
		}
	}
	return m.Pack()
}

func hostOf(instance string) string { return instance + ".local." }

// encodeQuestion asks for all instances but those named in known.
func encodeQuestion(known []advert) ([]byte, error) {
	m := dns.Msg{Compress: true, Question: []dns.Question{{Name: service, Qtype: dns.TypePTR, Qclass: dns.ClassINET}}}
	for _, a := range known[:min(len(known), maxKnown)] {
		h := dns.RR_Header{Name: service, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: a.ttl}
		m.Answer = append(m.Answer, &dns.PTR{Hdr: h, Ptr: a.instance + "." + service})
	}
	return m.Pack()
}
