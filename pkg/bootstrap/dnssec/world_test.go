package dnssec

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var t0 = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// world is a signed hierarchy behind one server that recurses. bend may change each answer on its way.
type world struct {
	t     *testing.T
	zones map[string]*tzone
	bend  func(q dns.Question, m *dns.Msg)
	asked []dns.Question
}

// tzone is one zone. Its fields are set before the first question.
type tzone struct {
	name       string
	key        *dns.DNSKEY
	sign       crypto.Signer
	rrs        []dns.RR
	unsigned   bool
	nsec3      bool
	iterations uint16
	optOut     bool
	from, till time.Time
}

func newWorld(t *testing.T) *world { return &world{t: t, zones: map[string]*tzone{}} }

func (w *world) rr(format string, args ...any) dns.RR {
	w.t.Helper()
	rr, err := dns.NewRR(fmt.Sprintf(format, args...))
	if err != nil {
		w.t.Fatal(err)
	}
	return rr
}

// zone makes a zone, signed with an Ed25519 key that follows from its name.
func (w *world) zone(name string, records ...string) *tzone {
	w.t.Helper()
	z := &tzone{name: name, from: t0.Add(-24 * time.Hour), till: t0.Add(10 * 24 * time.Hour)}
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	z.sign = key
	z.key = &dns.DNSKEY{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300}, Flags: 257, Protocol: 3, Algorithm: dns.ED25519}
	z.key.PublicKey = toBase64(key.Public().(ed25519.PublicKey))
	z.rrs = []dns.RR{w.rr("%s 300 SOA ns. host. 1 1 1 1 60", name), w.rr("%s 300 NS ns.", name), z.key}
	for _, r := range records {
		z.rrs = append(z.rrs, w.rr("%s", r))
	}
	w.zones[name] = z
	return z
}

// delegate adds the NS of a child, and its DS.
func (w *world) delegate(z *tzone, child *tzone, signed bool) {
	z.rrs = append(z.rrs, w.rr("%s 300 NS ns.", child.name))
	if signed {
		z.rrs = append(z.rrs, child.key.ToDS(dns.SHA256))
	}
}

func (w *world) anchors() []DS {
	d, err := fromRR(w.zones["."].key.ToDS(dns.SHA256))
	if err != nil {
		w.t.Fatal(err)
	}
	return []DS{d}
}

func (w *world) resolver() *Resolver {
	return &Resolver{Server: w, Anchors: w.anchors(), Now: func() time.Time { return t0 }}
}

// lookup asks a fresh resolver.
func (w *world) lookup(name string, typ uint16) *Answer {
	w.t.Helper()
	a, err := w.resolver().Lookup(w.t.Context(), name, typ)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) want(v Verdict, name string, typ uint16) *Answer {
	w.t.Helper()
	a := w.lookup(name, typ)
	if a.Verdict != v {
		w.t.Errorf("%s %s: %s, want %s (%s)", name, dns.Type(typ), a.Verdict, v, a.Why)
	}
	return a
}

func (w *world) Exchange(_ context.Context, query []byte) ([]byte, error) {
	var q dns.Msg
	if err := q.Unpack(query); err != nil {
		return nil, err
	}
	w.asked = append(w.asked, q.Question[0])
	m := new(dns.Msg).SetReply(&q)
	w.answer(m, q.Question[0].Name, q.Question[0].Qtype, 0)
	if w.bend != nil {
		w.bend(q.Question[0], m)
	}
	return m.Pack()
}

// of finds the zone that answers; the DS of a zone stands in the one above.
func (w *world) of(name string, typ uint16) *tzone {
	var best *tzone
	for _, z := range w.zones {
		if under(z.name, name) && (typ != dns.TypeDS || z.name != name || name == ".") && (best == nil || under(best.name, z.name)) {
			best = z
		}
	}
	return best
}

func (z *tzone) at(name string, typ uint16) []dns.RR {
	var out []dns.RR
	for _, rr := range z.rrs {
		if h := rr.Header(); dns.CanonicalName(h.Name) == name && h.Rrtype == typ {
			out = append(out, dns.Copy(rr))
		}
	}
	return out
}

// exists tells whether there is anything at name or below.
func (z *tzone) exists(name string) bool {
	return slices.ContainsFunc(z.rrs, func(rr dns.RR) bool { return under(name, rr.Header().Name) })
}

func (z *tzone) sig(w *world, rrs []dns.RR) []dns.RR {
	if z.unsigned {
		return nil
	}
	h := rrs[0].Header()
	s := &dns.RRSIG{Hdr: dns.RR_Header{Name: h.Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: h.Ttl}, TypeCovered: h.Rrtype, Algorithm: dns.ED25519,
		Labels: uint8(ownLabels(h.Name)), OrigTtl: h.Ttl, Inception: uint32(z.from.Unix()), Expiration: uint32(z.till.Unix()), KeyTag: z.key.KeyTag(), SignerName: z.name}
	if err := s.Sign(z.sign, rrs); err != nil {
		w.t.Error(err)
	}
	return []dns.RR{s}
}

func (w *world) answer(m *dns.Msg, name string, typ uint16, depth int) {
	z := w.of(name, typ)
	if depth > 20 || z == nil {
		return
	}
	put := func(rrs []dns.RR) { m.Answer = append(append(m.Answer, rrs...), z.sig(w, rrs)...) }
	for up := name; under(z.name, up) && up != "."; up = parent(up) {
		if d := z.at(up, dns.TypeDNAME); len(d) > 0 && up != name {
			put(d)
			target := strings.TrimSuffix(name, up) + d[0].(*dns.DNAME).Target
			if _, ok := dns.IsDomainName(target); !ok {
				return
			}
			m.Answer = append(m.Answer, w.rr("%s 300 CNAME %s", name, target))
			if typ != dns.TypeCNAME {
				w.answer(m, dns.CanonicalName(target), typ, depth+1)
			}
			return
		}
	}
	found, star := name, ""
	if !z.exists(name) {
		for up := parent(name); under(z.name, up); up = parent(up) {
			if z.exists(up) {
				star = wildcard(up)
				break
			}
		}
		if found = star; !z.exists(star) {
			w.deny(m, z, name, typ, star)
			return
		}
	}
	rrs := z.at(found, typ)
	alias := z.at(found, dns.TypeCNAME)
	if len(rrs) == 0 && len(alias) > 0 {
		rrs = alias
	}
	if len(rrs) == 0 {
		w.deny(m, z, name, typ, star)
		return
	}
	sigs := z.sig(w, rrs)
	for _, rr := range append(rrs, sigs...) {
		rr.Header().Name = name
		m.Answer = append(m.Answer, rr)
	}
	if star != "" {
		w.deny(m, z, name, typ, "")
	}
	if c, ok := rrs[0].(*dns.CNAME); ok && typ != dns.TypeCNAME {
		w.answer(m, dns.CanonicalName(c.Target), typ, depth+1)
	}
}

// deny puts every NSEC or NSEC3 that may matter into the authority section.
func (w *world) deny(m *dns.Msg, z *tzone, name string, typ uint16, star string) {
	if star != "" && !z.exists(name) && !z.exists(star) {
		m.Rcode = dns.RcodeNameError
	}
	put := func(rr dns.RR) {
		for _, have := range m.Ns {
			if have.Header().Name == rr.Header().Name && have.Header().Rrtype == rr.Header().Rrtype {
				return
			}
		}
		m.Ns = append(append(m.Ns, rr), z.sig(w, []dns.RR{rr})...)
	}
	put(z.at(z.name, dns.TypeSOA)[0])
	if z.unsigned {
		return
	}
	asked := []string{name}
	if star != "" {
		asked = append(asked, star)
	}
	for _, n := range asked {
		if z.nsec3 {
			for up := n; under(z.name, up); up = parent(up) {
				put(z.nsec3For(w, up))
				if up == z.name {
					break
				}
			}
		} else {
			put(z.nsecFor(w, n))
		}
	}
}

func (z *tzone) names() []string {
	var out []string
	for _, rr := range z.rrs {
		if n := dns.CanonicalName(rr.Header().Name); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, compare)
	return out
}

func (z *tzone) types(name string) []uint16 {
	var out []uint16
	for _, rr := range z.rrs {
		if h := rr.Header(); dns.CanonicalName(h.Name) == name && !slices.Contains(out, h.Rrtype) {
			out = append(out, h.Rrtype)
		}
	}
	slices.Sort(out)
	return out
}

func (z *tzone) nsecFor(w *world, name string) dns.RR {
	all := z.names()
	i := len(all) - 1
	for i > 0 && compare(all[i], name) > 0 {
		i--
	}
	bits := append(z.types(all[i]), dns.TypeRRSIG, dns.TypeNSEC)
	slices.Sort(bits)
	return &dns.NSEC{Hdr: dns.RR_Header{Name: all[i], Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 60}, NextDomain: all[(i+1)%len(all)], TypeBitMap: bits}
}

func (z *tzone) nsec3For(w *world, name string) dns.RR {
	const salt = "AB"
	hash := func(n string) string { return dns.HashName(n, dns.SHA1, z.iterations, salt) }
	byHash := map[string]string{}
	for _, n := range z.names() {
		if z.optOut && n != z.name && len(z.at(n, dns.TypeNS)) > 0 && len(z.at(n, dns.TypeDS)) == 0 {
			continue
		}
		for up := n; under(z.name, up); up = parent(up) {
			byHash[hash(up)] = up
			if up == z.name {
				break
			}
		}
	}
	var all []string
	for h := range byHash {
		all = append(all, h)
	}
	slices.Sort(all)
	i := len(all) - 1
	for j, h := range all {
		if h <= hash(name) {
			i = j
		}
	}
	flags := uint8(0)
	if z.optOut {
		flags = 1
	}
	return &dns.NSEC3{Hdr: dns.RR_Header{Name: strings.ToLower(all[i]) + "." + strings.TrimPrefix(z.name, "."), Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: 60},
		Hash: dns.SHA1, Flags: flags, Iterations: z.iterations, SaltLength: 1, Salt: salt, HashLength: 20, NextDomain: all[(i+1)%len(all)], TypeBitMap: z.types(byHash[all[i]])}
}
