package dnssec

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func toBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// small is a root, a TLD and leaf zones of every kind. change may bend the zones first.
func small(t *testing.T, change func(w *world)) *world {
	w := newWorld(t)
	root, test := w.zone("."), w.zone("test.")
	pars := w.zone("pars.test.", "a.pars.test. 300 TXT hello", "alias.pars.test. 300 CNAME a.pars.test.", "*.wild.pars.test. 300 TXT star",
		"b.wild.pars.test. 300 A 192.0.2.1", "x.deep.pars.test. 300 TXT deep", "old.pars.test. 300 DNAME pars.test.", "out.pars.test. 300 CNAME www.plain.test.",
		"bad.pars.test. 300 CNAME www.bogus.test.", "l1.pars.test. 300 CNAME l2.pars.test.", "l2.pars.test. 300 CNAME l1.pars.test.",
		"gone.pars.test. 300 CNAME nope.pars.test.")
	n3 := w.zone("n3.test.", "a.n3.test. 300 TXT hello", "*.wild.n3.test. 300 TXT star", "x.deep.n3.test. 300 TXT deep")
	n3.nsec3 = true
	opt := w.zone("opt.test.", "a.opt.test. 300 TXT hello", "*.wild.opt.test. 300 TXT star")
	opt.nsec3, opt.optOut = true, true
	iter := w.zone("iter.test.", "a.iter.test. 300 TXT hello")
	iter.nsec3, iter.iterations = true, 51
	plain := w.zone("plain.test.", "www.plain.test. 300 TXT plain")
	plain.unsigned = true
	sub := w.zone("sub.opt.test.", "www.sub.opt.test. 300 TXT sub")
	sub.unsigned = true
	bogus := w.zone("bogus.test.", "www.bogus.test. 300 TXT bogus")
	bogus.key.Flags = 256 // after its DS was made
	expired := w.zone("expired.test.", "www.expired.test. 300 TXT old")
	expired.from, expired.till = t0.Add(-60*24*time.Hour), t0.Add(-time.Second)
	w.delegate(root, test, true)
	for _, z := range []*tzone{pars, n3, opt, iter, expired} {
		w.delegate(test, z, true)
	}
	w.delegate(test, bogus, true)
	bogus.key.Flags = 257
	w.delegate(test, plain, false)
	w.delegate(opt, sub, false)
	if change != nil {
		change(w)
	}
	return w
}

func TestVerdicts(t *testing.T) {
	w := small(t, nil)
	for _, c := range []struct {
		name  string
		typ   uint16
		want  Verdict
		rcode int
	}{
		{"a.pars.test.", dns.TypeTXT, Secure, 0}, {"A.PARS.Test", dns.TypeTXT, Secure, 0}, {"a.pars.test.", dns.TypeA, Secure, 0},
		{"alias.pars.test.", dns.TypeTXT, Secure, 0}, {"alias.pars.test.", dns.TypeCNAME, Secure, 0}, {"x.wild.pars.test.", dns.TypeTXT, Secure, 0},
		{"x.y.wild.pars.test.", dns.TypeTXT, Secure, 0}, {"x.wild.pars.test.", dns.TypeA, Secure, 0}, {"b.wild.pars.test.", dns.TypeTXT, Secure, 0},
		{"x.b.wild.pars.test.", dns.TypeTXT, Secure, 3}, {"deep.pars.test.", dns.TypeTXT, Secure, 0}, {"nope.pars.test.", dns.TypeTXT, Secure, 3},
		{"nope.", dns.TypeTXT, Secure, 3}, {".", dns.TypeSOA, Secure, 0}, {".", dns.TypeDS, Secure, 0}, {"pars.test.", dns.TypeDS, Secure, 0},
		{"plain.test.", dns.TypeDS, Secure, 0}, {"pars.test.", dns.TypeDNSKEY, Secure, 0}, {"a.old.pars.test.", dns.TypeTXT, Secure, 0},
		{"a.old.pars.test.", dns.TypeCNAME, Secure, 0}, {"old.pars.test.", dns.TypeDNAME, Secure, 0}, {"gone.pars.test.", dns.TypeTXT, Secure, 3},
		{"out.pars.test.", dns.TypeTXT, Insecure, 0}, {"bad.pars.test.", dns.TypeTXT, Bogus, 0}, {"l1.pars.test.", dns.TypeTXT, Indeterminate, 0},
		{"a.n3.test.", dns.TypeTXT, Secure, 0}, {"nope.n3.test.", dns.TypeTXT, Secure, 3}, {"x.nope.n3.test.", dns.TypeTXT, Secure, 3},
		{"x.wild.n3.test.", dns.TypeTXT, Secure, 0}, {"x.wild.n3.test.", dns.TypeA, Secure, 0}, {"deep.n3.test.", dns.TypeTXT, Secure, 0},
		{"a.opt.test.", dns.TypeTXT, Secure, 0}, {"www.sub.opt.test.", dns.TypeTXT, Insecure, 0}, {"nope.opt.test.", dns.TypeTXT, Insecure, 3},
		{"x.wild.opt.test.", dns.TypeTXT, Insecure, 0}, {"sub.opt.test.", dns.TypeDS, Insecure, 0},
		{"a.iter.test.", dns.TypeTXT, Secure, 0}, {"nope.iter.test.", dns.TypeTXT, Insecure, 3},
		{"www.plain.test.", dns.TypeTXT, Insecure, 0}, {"nope.plain.test.", dns.TypeTXT, Insecure, 3},
		{"www.bogus.test.", dns.TypeTXT, Bogus, 0}, {"www.expired.test.", dns.TypeTXT, Bogus, 0}, {"nope.expired.test.", dns.TypeTXT, Bogus, 0},
	} {
		if a := w.want(c.want, c.name, c.typ); a.Verdict >= Insecure && a.Rcode != c.rcode {
			t.Errorf("%s %s: rcode %d", c.name, dns.Type(c.typ), a.Rcode)
		}
	}
	if a := w.lookup("www.expired.test.", dns.TypeTXT); !a.Clock {
		t.Errorf("expired: the clock is not named: %+v", a)
	}
	if a := w.lookup("a.old.pars.test.", dns.TypeTXT); len(a.Records) != 1 || len(a.Alias) != 1 {
		t.Errorf("renamed: %v %v", a.Alias, a.Records)
	}
	if _, err := w.resolver().Lookup(t.Context(), "a.", dns.TypeANY); err == nil {
		t.Error("ANY has a verdict")
	}
}

// Each trap changes the answers of a server, and none may end better than said.
func TestTraps(t *testing.T) {
	dropSigs := func(rrs []dns.RR) []dns.RR {
		return slices.DeleteFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG })
	}
	only := func(name string, f func(m *dns.Msg)) func(dns.Question, *dns.Msg) {
		return func(q dns.Question, m *dns.Msg) {
			if q.Name == name {
				f(m)
			}
		}
	}
	for _, c := range []struct {
		what, name string
		typ        uint16
		want       Verdict
		bend       func(dns.Question, *dns.Msg)
	}{
		{"signature dropped", "a.pars.test.", dns.TypeTXT, Bogus, only("a.pars.test.", func(m *dns.Msg) { m.Answer = dropSigs(m.Answer) })},
		{"all signatures dropped", "a.pars.test.", dns.TypeTXT, Bogus, func(_ dns.Question, m *dns.Msg) { m.Answer, m.Ns = dropSigs(m.Answer), dropSigs(m.Ns) }},
		{"text changed", "a.pars.test.", dns.TypeTXT, Bogus, only("a.pars.test.", func(m *dns.Msg) { m.Answer[0].(*dns.TXT).Txt[0] = "hellp" })},
		{"record added", "a.pars.test.", dns.TypeTXT, Bogus, only("a.pars.test.", func(m *dns.Msg) {
			x := dns.Copy(m.Answer[0]).(*dns.TXT)
			x.Txt = []string{"more"}
			m.Answer = append(m.Answer, x)
		})},
		{"denial dropped", "nope.pars.test.", dns.TypeTXT, Bogus, only("nope.pars.test.", func(m *dns.Msg) { m.Ns = m.Ns[:2] })},
		{"denied without a proof", "a.pars.test.", dns.TypeTXT, Bogus, only("a.pars.test.", func(m *dns.Msg) { m.Answer, m.Rcode = nil, dns.RcodeNameError })},
		{"no DS, unsigned answer", "a.pars.test.", dns.TypeTXT, Bogus, func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeDS && q.Name == "pars.test." {
				m.Answer = nil
			}
			if q.Name == "a.pars.test." {
				m.Answer = dropSigs(m.Answer)
			}
		}},
		{"header says it is not there", "a.pars.test.", dns.TypeTXT, Secure, only("a.pars.test.", func(m *dns.Msg) { m.Rcode = dns.RcodeNameError })},
		{"SERVFAIL", "a.pars.test.", dns.TypeTXT, Indeterminate, only("a.pars.test.", func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure })},
		{"answer to another question", "a.pars.test.", dns.TypeTXT, Indeterminate, only("a.pars.test.", func(m *dns.Msg) { m.Question[0].Name = "b." })},
		{"truncated", "a.pars.test.", dns.TypeTXT, Indeterminate, only("a.pars.test.", func(m *dns.Msg) { m.Truncated = true })},
		{"other class", "a.pars.test.", dns.TypeTXT, Bogus, only("a.pars.test.", func(m *dns.Msg) {
			for _, rr := range m.Answer {
				rr.Header().Class = dns.ClassCHAOS
			}
		})},
		{"key flag", "a.pars.test.", dns.TypeTXT, Bogus, func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeDNSKEY && q.Name == "pars.test." {
				m.Answer[0].(*dns.DNSKEY).Flags |= dns.REVOKE
			}
		}},
	} {
		w := small(t, nil)
		w.bend = c.bend
		t.Run(c.what, func(t *testing.T) { w.t = t; w.want(c.want, c.name, c.typ) })
	}
}

// RRSIG.Verify of the library takes a signer whose name is only a suffix of letters.
func TestSignerIsAZone(t *testing.T) {
	w := newWorld(t)
	root, evil, pars := w.zone("."), w.zone("evilpars."), w.zone("pars.")
	w.delegate(root, evil, true)
	w.delegate(root, pars, true)
	evil.rrs = append(evil.rrs, w.rr("evilpars. 300 TXT bad"))
	w.bend = func(q dns.Question, m *dns.Msg) {
		if q.Name == "evilpars." && q.Qtype == dns.TypeTXT {
			m.Answer = []dns.RR{w.rr("evilpars. 300 TXT bad")}
			m.Answer = append(m.Answer, pars.sig(w, m.Answer)...)
		}
	}
	s := sets(append([]dns.RR{w.rr("evilpars. 300 TXT bad")}, pars.sig(w, []dns.RR{w.rr("evilpars. 300 TXT bad")})...))[0]
	if s.sigs[0].Verify(pars.key, s.rrs) != nil {
		t.Fatal("the library has closed this trap; the test shows nothing any more")
	}
	if z := (&zone{"pars.", []*dns.DNSKEY{pars.key}}); z.verify(s, t0, &budget{}) == nil {
		t.Error("a zone signs what is not below it")
	}
	if got := s.signer(); got != "" {
		t.Errorf("%s counts as the signer", got)
	}
	w.want(Bogus, "evilpars.", dns.TypeTXT)
}

// What the types at a name say of one that is not among them.
func TestAbsent(t *testing.T) {
	ns, soa, a, cname, ds := dns.TypeNS, dns.TypeSOA, dns.TypeA, dns.TypeCNAME, dns.TypeDS
	for _, c := range []struct {
		bits []uint16
		name string
		typ  uint16
		want absence
	}{
		{[]uint16{a}, "x.", dns.TypeTXT, noData}, {[]uint16{a}, "x.", a, unproven}, {[]uint16{cname}, "x.", a, unproven},
		{[]uint16{ns}, "x.", a, unproven}, {[]uint16{ns}, "x.", ds, delegated}, {[]uint16{ns, ds}, "x.", ds, unproven},
		{[]uint16{ns, soa}, "x.", a, noData}, {[]uint16{ns, soa}, "x.", ds, unproven}, {[]uint16{ns, soa}, ".", ds, noData}, {[]uint16{a}, "x.", ds, noData},
	} {
		if got := absent(c.bits, c.name, c.typ); got != c.want {
			t.Errorf("%v at %s for %s: %d", c.bits, c.name, dns.Type(c.typ), got)
		}
	}
}

// NSEC3.Cover of the library is true for an exact match.
func TestCoverIsNoMatch(t *testing.T) {
	for _, c := range []struct {
		owner, h, next string
		want           bool
	}{{"A", "A", "C", false}, {"A", "C", "C", false}, {"A", "B", "C", true}, {"C", "D", "A", true}, {"C", "0", "A", true}, {"C", "B", "A", false},
		{"A", "A", "A", false}, {"A", "B", "A", true}, {"A", "D", "C", false}} {
		if got := between(c.owner, c.h, c.next); got != c.want {
			t.Errorf("%v: %v", c, got)
		}
	}
	// a record that matches a name cannot deny it
	w := small(t, nil)
	w.bend = func(q dns.Question, m *dns.Msg) {
		if q.Name == "a.n3.test." {
			m.Answer, m.Rcode = nil, dns.RcodeNameError
			w.deny(m, w.zones["n3.test."], "a.n3.test.", dns.TypeTXT, "*.n3.test.")
		}
	}
	w.want(Bogus, "a.n3.test.", dns.TypeTXT)
}

// The hashes of RFC 5155 appendix A.
func TestHash(t *testing.T) {
	d := &denial{nsec3: []*dns.NSEC3{{Hash: dns.SHA1, Iterations: 12, Salt: "AABBCCDD"}}, spent: &budget{}, known: map[string]string{}}
	for name, want := range map[string]string{
		"example.": "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "a.example.": "35mthgpgcu1qg68fab165klnsnk3dpvl", "ai.example.": "gjeqe526plbf1g8mklp59enfd789njgi",
		"ns1.example.": "2t7b4g4vsa5smi47k61mv5bv1a22bojr", "ns2.example.": "q04jkcevqvmu85r014c7dkba38o0ji5r", "w.example.": "k8udemvp1j2f7eg6jebps17vp3n8i58h",
		"*.w.example.": "r53bq7cc2uvmubfu5ocmm6pers9tk9en", "x.w.example.": "b4um86eghhds6nea196smvmlo4ors995", "y.w.example.": "ji6neoaepv8b5o6k4ev33abha8ht9fgc",
		"x.y.w.example.": "2vptu5timamqttgl4luu9kg21e0aor3s", "xx.example.": "t644ebqk9bibcna874givr6joj62mlhv"} {
		if got, err := d.hash(name); err != nil || !strings.EqualFold(got, want) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// Canonical order is by labels from the right, in lower case, by bytes (RFC 4034 section 6.1).
func TestOrder(t *testing.T) {
	want := []string{"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.", `\001.z.example.`, "*.z.example.", `\200.z.example.`}
	for i := range want {
		for j := range want {
			if got := compare(want[i], want[j]); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%s against %s: %d", want[i], want[j], got)
			}
		}
	}
}

// A wildcard's signature must not make a record of a name that has its own, or stands below one that has.
func TestWildcardReplay(t *testing.T) {
	for _, c := range []struct{ zone, name string }{{"pars.test.", "b.wild.pars.test."}, {"pars.test.", "c.b.wild.pars.test."}, {"n3.test.", "a.n3.test."}} {
		w := small(t, nil)
		z := w.zones[c.zone]
		w.zones["n3.test."].rrs = append(w.zones["n3.test."].rrs, w.rr("*.n3.test. 300 TXT star"))
		w.bend = func(q dns.Question, m *dns.Msg) {
			if q.Name != c.name || q.Qtype != dns.TypeTXT {
				return
			}
			star := z.at("*.wild.pars.test.", dns.TypeTXT)
			if c.zone == "n3.test." {
				star = z.at("*.n3.test.", dns.TypeTXT)
			}
			m.Answer, m.Ns, m.Rcode = append(star, z.sig(w, star)...), nil, 0
			for _, rr := range m.Answer {
				rr.Header().Name = q.Name
			}
			w.deny(m, z, q.Name, q.Qtype, "")
		}
		w.want(Bogus, c.name, dns.TypeTXT)
	}
}

// The parent's NSEC at a delegation says nothing of the child's names, and the child's nothing of its own DS.
func TestWrongSideOfCut(t *testing.T) {
	w := small(t, nil)
	test, pars := w.zones["test."], w.zones["pars.test."]
	w.bend = func(q dns.Question, m *dns.Msg) {
		if q.Name == "a.pars.test." || q.Name == "pars.test." && q.Qtype == dns.TypeMX {
			m.Answer, m.Ns = nil, nil
			w.deny(m, test, q.Name, q.Qtype, "*.test.")
		}
		if q.Name == "pars.test." && q.Qtype == dns.TypeDS {
			m.Answer, m.Ns = nil, nil
			w.deny(m, pars, q.Name, q.Qtype, "")
		}
	}
	w.want(Bogus, "pars.test.", dns.TypeMX)
	w.want(Bogus, "pars.test.", dns.TypeDS)
	w.want(Bogus, "a.pars.test.", dns.TypeTXT)
}

// The verdict of a time is that of the time.
func TestClock(t *testing.T) {
	w := small(t, nil)
	for _, c := range []struct {
		at   time.Time
		want Verdict
	}{{t0, Secure}, {t0.Add(10 * 24 * time.Hour), Secure}, {t0.Add(10*24*time.Hour + time.Second), Bogus}, {t0.Add(-24*time.Hour - time.Second), Bogus},
		{t0.AddDate(0, 3, 0), Bogus}, {t0.AddDate(-1, 0, 0), Bogus}} {
		r := w.resolver()
		r.Now = func() time.Time { return c.at }
		a, err := r.Lookup(t.Context(), "a.pars.test.", dns.TypeTXT)
		if err != nil || a.Verdict != c.want || a.Clock != (c.want == Bogus) {
			t.Errorf("%v: %+v %v", c.at, a, err)
		}
	}
}

func TestTTL(t *testing.T) {
	w := small(t, func(w *world) {
		w.zones["pars.test."].rrs = append(w.zones["pars.test."].rrs, w.rr("long.pars.test. 200000 TXT x"))
		w.zones["pars.test."].till = t0.Add(100 * time.Second)
	})
	w.bend = func(q dns.Question, m *dns.Msg) {
		if q.Name == "a.pars.test." {
			m.Answer[0].Header().Ttl = 1 << 30
		}
	}
	for _, name := range []string{"long.pars.test.", "a.pars.test."} {
		if a := w.want(Secure, name, dns.TypeTXT); a.TTL != 100*time.Second {
			t.Errorf("%s may be kept %v", name, a.TTL)
		}
	}
	bend := w.bend
	w = small(t, nil)
	w.bend = bend
	if a := w.want(Secure, "a.pars.test.", dns.TypeTXT); a.TTL != 300*time.Second {
		t.Errorf("may be kept %v", a.TTL)
	}
}

// A second look-up asks for nothing but the name: the keys are kept, and forgotten in time.
func TestCache(t *testing.T) {
	w := small(t, nil)
	r := w.resolver()
	now := t0
	r.Now = func() time.Time { return now }
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 6}, {0, 1}, {299 * time.Second, 1}, {time.Second, 6}} {
		now = now.Add(c.after)
		a, err := r.Lookup(t.Context(), "a.pars.test.", dns.TypeTXT)
		if err != nil || a.Verdict != Secure || a.Queries != c.want {
			t.Errorf("after %v: %d queries, %s %s", c.after, a.Queries, a.Verdict, a.Why)
		}
	}
}

// Two algorithms or two keys in the middle of a rollover: one good path is enough.
func TestRollover(t *testing.T) {
	w := small(t, nil)
	z := w.zones["pars.test."]
	w.bend = func(q dns.Question, m *dns.Msg) {
		var out []dns.RR
		for _, rr := range m.Answer {
			if s, ok := rr.(*dns.RRSIG); ok && s.SignerName == z.name {
				other := dns.Copy(s).(*dns.RRSIG)
				other.Algorithm, other.KeyTag = dns.ECDSAP256SHA256, 1
				strange := dns.Copy(s).(*dns.RRSIG)
				strange.Algorithm = 253
				out = append(out, other, strange)
			}
			out = append(out, rr)
		}
		m.Answer = out
	}
	w.want(Secure, "a.pars.test.", dns.TypeTXT)
	// a DS set that nobody can follow is no secure delegation
	w = small(t, func(w *world) {
		test := w.zones["test."]
		test.rrs = slices.DeleteFunc(test.rrs, func(rr dns.RR) bool { return rr.Header().Name == "pars.test." && rr.Header().Rrtype == dns.TypeDS })
		test.rrs = append(test.rrs, w.rr("pars.test. 300 DS 1 253 2 %s", strings.Repeat("00", 32)), w.rr("pars.test. 300 DS 1 15 1 %s", strings.Repeat("00", 20)))
	})
	w.want(Insecure, "a.pars.test.", dns.TypeTXT)
	// new anchors beside the old
	w = small(t, nil)
	r := w.resolver()
	r.Anchors = append([]DS{{Zone: ".", Tag: 1, Algorithm: 15, Digest: 2, Sum: make([]byte, 32)}}, r.Anchors...)
	if a, _ := r.Lookup(t.Context(), "a.pars.test.", dns.TypeTXT); a.Verdict != Secure {
		t.Errorf("two anchors: %s", a.Why)
	}
	if r.Anchors = r.Anchors[:1]; true {
		r.cache = nil
		if a, _ := r.Lookup(t.Context(), "a.pars.test.", dns.TypeTXT); a.Verdict != Bogus {
			t.Errorf("a wrong anchor: %s", a.Verdict)
		}
	}
}

// A source of anchors for a top-level domain, as a chain of another kind proves them.
func TestTLD(t *testing.T) {
	w := small(t, nil)
	hns := w.zone("hns.", "a.hns. 300 TXT hello")
	ds, err := fromRR(hns.key.ToDS(dns.SHA256))
	if err != nil {
		t.Fatal(err)
	}
	r := w.resolver()
	r.TLD = func(_ context.Context, tld string) ([]DS, bool, error) {
		if tld == "broken." {
			return nil, false, errors.New("no proof")
		}
		return []DS{ds}, tld == "hns.", nil
	}
	for name, want := range map[string]Verdict{"a.hns.": Secure, "a.pars.test.": Secure, "a.broken.": Indeterminate} {
		if a, _ := r.Lookup(t.Context(), name, dns.TypeTXT); a.Verdict != want {
			t.Errorf("%s: %s %s", name, a.Verdict, a.Why)
		}
	}
}

// Work is bounded whatever a zone holds.
func TestBudget(t *testing.T) {
	for what, spend := range map[string]func(*budget) error{"signatures": (*budget).check, "hashes": (*budget).hash, "queries": (*budget).query} {
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
