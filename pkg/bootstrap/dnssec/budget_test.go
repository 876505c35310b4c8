package dnssec

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Work is bounded whatever a zone holds.
func TestBudget(t *testing.T) {
	for what, spend := range map[string]func(*budget) error{"signatures": func(b *budget) error { return b.check(1) }, "hashes": (*budget).hash, "queries": (*budget).query} {
		b := &budget{}
		n := 0
		for ; n < 1000 && spend(b) == nil; n++ {
		}
		if want := map[string]int{"signatures": 64, "hashes": 256, "queries": 64}[what]; n != want {
			t.Errorf("%d %s", n, what)
		}
	}
	// KeyTrap: many keys of one tag, many signatures
	w := small(t, nil)
	z := w.zones["pars.test."]
	w.bend = func(q dns.Question, m *dns.Msg) {
		if q.Qtype == dns.TypeDNSKEY && q.Name == "pars.test." {
			for i := range 200 {
				k := dns.Copy(z.key).(*dns.DNSKEY)
				b, _ := base64.StdEncoding.DecodeString(k.PublicKey)
				b[0], b[2] = b[0]+byte(i), b[2]-byte(i) // the tag is a sum
				k.PublicKey = toBase64(b)
				m.Answer = append([]dns.RR{k}, m.Answer...)
			}
		}
		if q.Name == "a.pars.test." {
			for range 200 {
				m.Answer = append([]dns.RR{m.Answer[1]}, m.Answer...)
			}
			for i, rr := range m.Answer {
				if s, ok := rr.(*dns.RRSIG); ok {
					s = dns.Copy(s).(*dns.RRSIG)
					s.Expiration += uint32(i + 1)
					m.Answer[i] = s
				}
			}
		}
	}
	if a := w.lookup("a.pars.test.", dns.TypeTXT); a.Verdict >= Insecure || a.Checks > maxChecks+1 {
		t.Errorf("%s after %d checks: %s", a.Verdict, a.Checks, a.Why)
	}
	// an alias that leads on for ever
	w = small(t, nil)
	w.bend = func(q dns.Question, m *dns.Msg) {
		if !strings.HasPrefix(q.Name, "c") {
			return
		}
		m.Answer, m.Ns, m.Rcode = nil, nil, 0
		n := 0
		fmt.Sscanf(q.Name, "c%d.", &n)
		c := []dns.RR{w.rr("c%d.pars.test. 300 CNAME c%d.pars.test.", n, n+1)}
		m.Answer = append(c, w.zones["pars.test."].sig(w, c)...)
	}
	if a := w.lookup("c1.pars.test.", dns.TypeTXT); a.Verdict != Indeterminate || a.Queries > 20 || !strings.Contains(a.Why, "budget") {
		t.Errorf("aliases: %s, %d queries: %s", a.Verdict, a.Queries, a.Why)
	}
	// iterations: refused before any hash
	w = small(t, func(w *world) { w.zones["iter.test."].iterations = 2500 })
	w.want(Insecure, "nope.iter.test.", dns.TypeTXT)
	// names of 127 labels below an NSEC3 zone
	w = small(t, nil)
	if a := w.lookup(strings.Repeat("a.", 120)+"n3.test.", dns.TypeTXT); a.Verdict != Secure || a.Queries > maxQueries {
		t.Errorf("deep name: %s %s, %d queries", a.Verdict, a.Why, a.Queries)
	}
}

func TestRenamedTooLong(t *testing.T) {
	w := small(t, func(w *world) {
		z := w.zones["pars.test."]
		z.rrs = append(z.rrs, w.rr("s.pars.test. 300 DNAME %s.pars.test.", strings.Repeat("b", 60)))
	})
	long := strings.Repeat(strings.Repeat("a", 62)+".", 3) + "s.pars.test."
	if a := w.lookup(long, dns.TypeTXT); a.Verdict >= Insecure {
		t.Errorf("%s: %v", a.Verdict, a.Alias)
	}
}

// What a zone can make a look-up cost: these are numbers to read, with the limits of work asserted by TestBudget.
func BenchmarkHostile(b *testing.B) {
	t := &testing.T{}
	for name, bend := range map[string]func(w *world, q dns.Question, m *dns.Msg){
		"KeyTrap": func(w *world, q dns.Question, m *dns.Msg) {
			z := w.zones["pars.test."]
			if q.Qtype == dns.TypeDNSKEY && q.Name == "pars.test." {
				for i := range 14 {
					k := dns.Copy(z.key).(*dns.DNSKEY)
					raw, _ := base64.StdEncoding.DecodeString(k.PublicKey)
					raw[0], raw[2] = raw[0]+byte(i+1), raw[2]-byte(i+1)
					k.PublicKey = toBase64(raw)
					m.Answer = append([]dns.RR{k}, m.Answer...)
				}
			}
			if q.Name == "a.pars.test." {
				for i := range 60 {
					s := dns.Copy(m.Answer[len(m.Answer)-1]).(*dns.RRSIG)
					s.Expiration += uint32(i + 1)
					m.Answer = append([]dns.RR{s}, m.Answer...)
				}
			}
		},
		"500 records in a set": func(w *world, q dns.Question, m *dns.Msg) {
			if q.Name == "a.pars.test." {
				for i := range 500 {
					m.Answer = append(m.Answer, w.rr("a.pars.test. 300 TXT %d", i))
				}
			}
		},
		"NSEC3 and a deep name": func(w *world, q dns.Question, m *dns.Msg) {},
	} {
		b.Run(name, func(b *testing.B) {
			w := small(t, nil)
			answers := map[dns.Question][]byte{} // signing is the server's work
			w.bend = func(q dns.Question, m *dns.Msg) { bend(w, q, m) }
			ask := "a.pars.test."
			if strings.HasPrefix(name, "NSEC3") {
				ask = strings.Repeat("a.", 120) + "n3.test."
			}
			for b.Loop() {
				r := w.resolver()
				r.Server = replay{w, answers}
				if a, err := r.Lookup(b.Context(), ask, dns.TypeTXT); err != nil || a.Checks > maxChecks+1 {
					b.Fatal(a, err)
				}
			}
		})
	}
}

// replay answers a question the second time from memory.
type replay struct {
	w     *world
	known map[dns.Question][]byte
}

func (r replay) Exchange(ctx context.Context, query []byte) ([]byte, error) {
	var m dns.Msg
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	q := m.Question[0]
	if r.known[q] == nil {
		out, err := r.w.Exchange(ctx, query)
		if err != nil {
			return nil, err
		}
		r.known[q] = out
	}
	return r.known[q], nil
}

// What a server may send is bounded: by sets in a message, by bytes of all messages, and a signature over many records costs as much
// as several.
func TestLargeAnswers(t *testing.T) {
	flood := func(m *dns.Msg, n int, name string) {
		m.Compress = true
		for i := range n {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: strings.ReplaceAll(name, "#", strconv.Itoa(i)), Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300},
				A: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i))})
		}
	}
	for _, c := range []struct {
		what, words string
		typ         uint16
		want        Verdict
		bend        func(w *world, q dns.Question, m *dns.Msg)
	}{
		{"too many sets", "sets of records", dns.TypeTXT, Indeterminate, func(_ *world, q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeTXT {
				flood(m, maxSets, "x#.pars.test.")
			}
		}},
		{"as many as may be", "", dns.TypeTXT, Secure, func(_ *world, q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeTXT {
				flood(m, maxSets-2, "x#.pars.test.")
			}
		}},
		{"too many bytes", "bytes of answers", dns.TypeTXT, Indeterminate, func(_ *world, q dns.Question, m *dns.Msg) { flood(m, 4000, "x.") }},
		{"a set of 4,000", "budget", dns.TypeA, Indeterminate, func(w *world, q dns.Question, m *dns.Msg) {
			if q.Qtype != dns.TypeA {
				return
			}
			m.Answer, m.Ns = nil, nil
			flood(m, 3900, "a.pars.test.")
			m.Answer = append(m.Answer, &dns.RRSIG{Hdr: dns.RR_Header{Name: "a.pars.test.", Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: 300}, TypeCovered: dns.TypeA, Algorithm: dns.ED25519,
				Labels: 3, OrigTtl: 300, Inception: uint32(t0.Unix()), Expiration: uint32(t0.Unix()) + 100, KeyTag: w.zones["pars.test."].key.KeyTag(), SignerName: "pars.test.", Signature: toBase64(make([]byte, 64))})
		}},
	} {
		w := small(t, nil)
		w.bend = func(q dns.Question, m *dns.Msg) { c.bend(w, q, m) }
		if a := w.lookup("a.pars.test.", c.typ); a.Verdict != c.want || !strings.Contains(a.Why, c.words) {
			t.Errorf("%s: %s after %d queries: %s", c.what, a.Verdict, a.Queries, a.Why)
		}
	}
}
