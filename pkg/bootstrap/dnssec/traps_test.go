package dnssec

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

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

// The DS of a zone is its parent's to sign, also when the way down is remembered and need not be asked for.
func TestDSOfItself(t *testing.T) {
	w := small(t, nil)
	r := w.resolver()
	if a, err := r.Lookup(t.Context(), "a.pars.test.", dns.TypeTXT); err != nil || a.Verdict != Secure {
		t.Fatal(a, err)
	}
	w.bend = func(q dns.Question, m *dns.Msg) {
		ds := []dns.RR{w.rr("pars.test. 300 DS 1 15 2 %s", strings.Repeat("00", 32))}
		m.Answer = append(ds, w.zones["pars.test."].sig(w, ds)...)
	}
	if a, err := r.Lookup(t.Context(), "pars.test.", dns.TypeDS); err != nil || a.Verdict != Bogus {
		t.Errorf("%v, %v", a, err)
	}
}

// An alias that a wildcard makes, to a name that a wildcard of another zone makes: the proofs of both stand in one message.
func TestAliasAcrossWildcards(t *testing.T) {
	far := func(w *world) {
		z := w.zones["pars.test."]
		z.rrs = append(z.rrs, w.rr("*.far.pars.test. 300 CNAME y.wild.n3.test."))
	}
	w := small(t, far)
	if a := w.want(Secure, "x.far.pars.test.", dns.TypeTXT); len(a.Records) != 1 || len(a.Alias) != 1 {
		t.Errorf("%v %v", a.Alias, a.Records)
	}
	for what, drop := range map[string]uint16{"of the alias": dns.TypeNSEC, "of its target": dns.TypeNSEC3} {
		w = small(t, far)
		w.bend = func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeTXT {
				m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == drop })
			}
		}
		if a := w.lookup("x.far.pars.test.", dns.TypeTXT); a.Verdict != Bogus {
			t.Errorf("without the proof %s: %s", what, a.Verdict)
		}
	}
}

// A key that is not a zone's, is revoked or of another protocol signs nothing, nor does an algorithm that is too weak or not known.
func TestUsable(t *testing.T) {
	for what, k := range map[string]*dns.DNSKEY{"no zone key": {Flags: 1, Protocol: 3, Algorithm: 13}, "revoked": {Flags: 257 | dns.REVOKE, Protocol: 3, Algorithm: 13},
		"protocol": {Flags: 257, Protocol: 2, Algorithm: 13}, "a large RSA key": {Flags: 257, Protocol: 3, Algorithm: 8, PublicKey: toBase64(make([]byte, maxRSA/8+17))}} {
		if usable(k) {
			t.Errorf("%s may sign", what)
		}
	}
	for alg := range uint8(20) {
		k := &dns.DNSKEY{Flags: 257, Protocol: 3, Algorithm: alg}
		if want := alg == 8 || alg == 10 || alg >= 13 && alg <= 15; usable(k) != want {
			t.Errorf("algorithm %d: %v", alg, !want)
		}
	}
	for digest := range uint8(6) {
		if want := digest == 2 || digest == 4; supported(&dns.DS{Algorithm: 13, DigestType: digest}) != want {
			t.Errorf("digest %d: %v", digest, !want)
		}
	}
}

// A signature of fewer labels than its zone has is that of a wildcard above it, good as it is.
func TestLabels(t *testing.T) {
	w := newWorld(t)
	z := w.zone("pars.test.")
	for star, want := range map[string]bool{"*.test.": false, "*.pars.test.": true} {
		rrs := []dns.RR{w.rr("%s 300 TXT x", star)}
		all := append(rrs, z.sig(w, rrs)...)
		for _, rr := range all {
			rr.Header().Name = "a.pars.test."
		}
		s := sets(all)[0]
		if err := s.sigs[0].Verify(z.key, s.rrs); err != nil {
			t.Fatal("the signature is no good in itself: ", err)
		}
		if err := (&zone{z.name, []*dns.DNSKEY{z.key}}).verify(s, t0, &budget{}); (err == nil) != want {
			t.Errorf("%s: %v", star, err)
		}
	}
}
