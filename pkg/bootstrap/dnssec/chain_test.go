package dnssec

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/wire"
)

func prove(t *testing.T, w *world, name string, typ uint16) (*Resolver, *Chain, []byte) {
	t.Helper()
	r := w.resolver()
	a, err := r.Lookup(t.Context(), name, typ)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Prove(a, name, typ)
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return r, c, b
}

func TestChain(t *testing.T) {
	w := small(t, nil)
	for _, name := range []string{"a.pars.test.", "alias.pars.test.", "a.old.pars.test.", "a.n3.test."} {
		r, _, b := prove(t, w, name, dns.TypeTXT)
		c, err := DecodeChain(b)
		if err != nil {
			t.Fatal(err)
		}
		rrs, until, err := c.Verify(r.Anchors, t0)
		if err != nil || len(rrs) != 1 || rrs[0].(*dns.TXT).Txt[0] != "hello" || !until.Equal(t0.Add(10*24*time.Hour)) {
			t.Errorf("%s: %v until %v, %v", name, rrs, until, err)
		}
		for _, at := range []time.Time{t0.AddDate(0, 1, 0), t0.AddDate(-1, 0, 0)} {
			if _, _, err := c.Verify(r.Anchors, at); !errors.Is(err, wire.ErrInvalid) {
				t.Errorf("%s at %v: %v", name, at, err)
			}
		}
		other := []DS{{Zone: ".", Tag: 1, Algorithm: 15, Digest: 2, Sum: make([]byte, 32)}}
		if _, _, err := c.Verify(other, t0); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s by another anchor: %v", name, err)
		}
	}
}

// Every flipped bit of a chain is refused.
func TestChainFlips(t *testing.T) {
	w := small(t, nil)
	r, _, b := prove(t, w, "alias.pars.test.", dns.TypeTXT)
	for i := range b {
		for _, bit := range []int{0, 5, 7} {
			x := bytes.Clone(b)
			x[i] ^= 1 << bit
			c, err := DecodeChain(x)
			if err != nil {
				continue
			}
			if rrs, _, err := c.Verify(r.Anchors, t0); err == nil {
				t.Errorf("flip of bit %d of byte %d is taken: %v", bit, i, rrs)
			}
		}
	}
	c, err := DecodeChain(b)
	if err != nil {
		t.Fatal(err)
	}
	extra := []dns.RR{w.rr("a.n3.test. 300 TXT hello")}
	c.Records = append(c.Records, append(extra, w.zones["n3.test."].sig(w, extra)...)...)
	if _, _, err := c.Verify(r.Anchors, t0); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("records that prove nothing: %v", err)
	}
	if _, err := DecodeChain(append(bytes.Clone(b), b[len(b)-120:]...)); err == nil {
		t.Error("bytes at the end are taken")
	}
}

func TestNoChain(t *testing.T) {
	w := small(t, nil)
	for _, name := range []string{"x.wild.pars.test.", "nope.pars.test.", "www.plain.test.", "www.bogus.test."} {
		r := w.resolver()
		a, err := r.Lookup(t.Context(), name, dns.TypeTXT)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Prove(a, name, dns.TypeTXT); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseAnchors(t *testing.T) {
	real := "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n" +
		". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16 ; the next\n"
	got, err := ParseAnchors([]byte(real), t0)
	if err != nil || len(got) != 2 || got[0].Tag != 20326 || got[1].Zone != "." {
		t.Errorf("got %v, %v", got, err)
	}
	file := `<?xml version="1.0"?><TrustAnchor id="1" source="s"><Zone>.</Zone>
<KeyDigest id="a" validFrom="2010-07-15T00:00:00+00:00" validUntil="2019-01-11T00:00:00+00:00"><KeyTag>19036</KeyTag><Algorithm>8</Algorithm><DigestType>2</DigestType><Digest>49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5</Digest></KeyDigest>
<KeyDigest id="b" validFrom="2017-02-02T00:00:00+00:00"><KeyTag>20326</KeyTag><Algorithm>8</Algorithm><DigestType>2</DigestType><Digest>E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D</Digest></KeyDigest></TrustAnchor>`
	got, err = ParseAnchors([]byte(file), t0)
	if err != nil || len(got) != 1 || got[0].Tag != 20326 {
		t.Errorf("xml: got %v, %v", got, err)
	}
	// the root's real key, from which its DS follows
	key := ". IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU="
	if got, err := ParseAnchors([]byte(key), t0); err != nil || got[0].Tag != 20326 || got[0].Sum[0] != 0xE0 {
		t.Errorf("key: got %v, %v", got, err)
	}
	for _, s := range []string{"", "x", ". IN A 1.2.3.4", "1 8 1 00", "1 5 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D", "1 8 2 E0", "<a/>", "<"} {
		if got, err := ParseAnchors([]byte(s), t0); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
}

func FuzzDecodeChain(f *testing.F) {
	if b, err := os.ReadFile("testdata/chain.bin"); err == nil {
		f.Add(b)
	}
	f.Add([]byte("PDC1\x00\x00\x10"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeChain(b)
		if err != nil {
			return
		}
		if again, err := c.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x has another form", b)
		}
		if err := new(Chain).DecodeBody(b); err == nil {
			c.Verify(nil, t0)
		}
	})
}

func FuzzParseAnchors(f *testing.F) {
	f.Add([]byte("20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"))
	f.Add([]byte("<TrustAnchor><Zone>.</Zone></TrustAnchor>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseAnchors(b, t0)
		if (err == nil) != (len(got) > 0) {
			t.Errorf("%q: %v, %v", b, got, err)
		}
	})
}

// FuzzAnswer reads whatever a server may send.
func FuzzAnswer(f *testing.F) {
	q := dns.Question{Name: "a.", Qtype: dns.TypeTXT, Qclass: dns.ClassINET}
	m := new(dns.Msg)
	m.SetQuestion("a.", dns.TypeTXT)
	m.Response = true
	b, _ := m.Pack()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := read(b, q); err == nil {
			for _, s := range append(r.answer, r.authority...) {
				if s.signer(); len(s.rrs) == 0 {
					t.Error("a set of nothing")
				}
			}
		}
	})
}

func BenchmarkVerifyChain(b *testing.B) {
	t := &testing.T{}
	w := small(t, nil)
	r := w.resolver()
	a, _ := r.Lookup(b.Context(), "a.pars.test.", dns.TypeTXT)
	c, err := r.Prove(a, "a.pars.test.", dns.TypeTXT)
	if err != nil {
		b.Fatal(err)
	}
	enc, _ := c.Encode()
	b.ReportMetric(float64(len(enc)), "bytes")
	for b.Loop() {
		c, err := DecodeChain(enc)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := c.Verify(r.Anchors, t0); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParseType(f *testing.F) {
	f.Add("TXT")
	f.Add("type65")
	f.Fuzz(func(t *testing.T, s string) {
		if typ, err := ParseType(s); err == nil && typ == 0 && s != "TYPE0" && s != "type0" && s != "NONE" && s != "none" {
			t.Errorf("%q is type 0", s)
		}
	})
}

func TestParseType(t *testing.T) {
	for s, want := range map[string]uint16{"txt": dns.TypeTXT, "HTTPS": dns.TypeHTTPS, "TYPE65": 65, "type999": 999} {
		if got, err := ParseType(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "x", "TYPE", "TYPE70000", "TXT x"} {
		if got, err := ParseType(s); err == nil {
			t.Errorf("%q: %d", s, got)
		}
	}
}
