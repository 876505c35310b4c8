package dnssec

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/wire"
)

// Types that others ask for.
const (
	TypeTXT   = dns.TypeTXT
	TypeA     = dns.TypeA
	TypeHTTPS = dns.TypeHTTPS
)

// Record is a record in words, for who does not know the library.
type Record struct {
	Name string `json:"name"`
	TTL  uint32 `json:"ttl"`
	Type string `json:"type"`
	Data string `json:"data"`
}

// Text is the record as a line of a zone file.
func (r Record) Text() string {
	return fmt.Sprintf("%s\t%d\tIN\t%s\t%s", r.Name, r.TTL, r.Type, r.Data)
}

// ParseType reads the name of a record type, such as TXT or TYPE65. Errors wrap wire.ErrInvalid.
func ParseType(s string) (uint16, error) {
	if t, ok := dns.StringToType[strings.ToUpper(s)]; ok {
		return t, nil
	}
	rr, err := dns.NewRR(". 0 CLASS1 " + strings.ToUpper(s) + ` \# 0`)
	if err != nil || rr == nil || !strings.HasPrefix(strings.ToUpper(s), "TYPE") {
		return 0, wire.Invalid("%q is no type of record", s)
	}
	return rr.Header().Rrtype, nil
}

// Lines returns the aliases and the records of an answer.
func (a *Answer) Lines() []Record { return Lines(append(append([]dns.RR{}, a.Alias...), a.Records...)) }

// Lines writes records in words.
func Lines(rrs []dns.RR) []Record {
	var out []Record
	for _, rr := range rrs {
		h := rr.Header()
		data := strings.TrimPrefix(rr.String(), h.String())
		out = append(out, Record{h.Name, h.Ttl, dns.Type(h.Rrtype).String(), data})
	}
	return out
}

// Texts returns each TXT record of an answer with its strings joined, as bytes that were sent.
func (a *Answer) Texts() []string {
	var out []string
	for _, rr := range a.Records {
		if txt, ok := rr.(*dns.TXT); ok {
			out = append(out, unescape(strings.Join(txt.Txt, "")))
		}
	}
	return out
}

// unescape undoes the library's \DDD and \" of a string.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if i+3 < len(s) && digit(s[i+1]) && digit(s[i+2]) && digit(s[i+3]) {
			b.WriteByte((s[i+1]-'0')*100 + (s[i+2]-'0')*10 + s[i+3] - '0')
			i += 3
			continue
		}
		i++
		b.WriteByte(s[i])
	}
	return b.String()
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// ECH returns the configuration for encrypted names that the HTTPS or SVCB records of a secure answer carry, or nil.
func (a *Answer) ECH() []byte {
	if a.Verdict != Secure {
		return nil
	}
	for _, rr := range a.Records {
		var pairs []dns.SVCBKeyValue
		switch x := rr.(type) {
		case *dns.HTTPS:
			pairs = x.Value
		case *dns.SVCB:
			pairs = x.Value
		}
		for _, p := range pairs {
			if e, ok := p.(*dns.SVCBECHConfig); ok && len(e.ECH) > 0 {
				return e.ECH
			}
		}
	}
	return nil
}

// ReadAnswer judges nothing: it reads a message as it came, for roads whose records carry their own signatures.
func ReadAnswer(b []byte, name string, typ uint16) (*Answer, error) {
	name, ok := canonical(name)
	if !ok {
		return nil, wire.Invalid("%q is no name", name)
	}
	r, err := read(b, dns.Question{Name: name, Qtype: typ, Qclass: dns.ClassINET})
	if err != nil {
		return nil, err
	}
	a := &Answer{Verdict: Indeterminate, Rcode: r.rcode}
	for range maxHops {
		if s := find(r.answer, name, typ); s != nil {
			a.Records = s.rrs
			break
		}
		s := find(r.answer, name, dns.TypeCNAME)
		if s == nil {
			break
		}
		if name, ok = canonical(s.rrs[0].(*dns.CNAME).Target); !ok {
			break
		}
	}
	return a, nil
}

// Question packs a query for one name and type, without asking for signatures: for records that carry their own.
func Question(name string, typ uint16) ([]byte, error) {
	name, ok := canonical(name)
	if !ok {
		return nil, wire.Invalid("%q is no name", name)
	}
	m := dns.Msg{MsgHdr: dns.MsgHdr{RecursionDesired: true}, Question: []dns.Question{{Name: name, Qtype: typ, Qclass: dns.ClassINET}}}
	m.SetEdns0(1232, false)
	return m.Pack()
}

// RcodeName is the name of a response code, such as NXDOMAIN.
func RcodeName(rcode int) string { return dns.RcodeToString[rcode] }
