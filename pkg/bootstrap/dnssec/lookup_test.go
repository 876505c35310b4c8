package dnssec

import (
	"context"
	"encoding/base64"
	"errors"
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
