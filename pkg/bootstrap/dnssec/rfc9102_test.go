package dnssec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/wire"
)

var vectorTime = time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC) // the vectors are good from 2018-11-28 to 2020-12-02

// vectors returns appendix A.1 as an extension, the records of A.2 to A.5, and the anchor of both.
func vectors(t testing.TB) (a1 []byte, records []dns.RR, anchors []DS) {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc9102-a1.hex")
	if err != nil {
		t.Fatal(err)
	}
	body, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("testdata/rfc9102.zone")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := dns.NewZoneParser(f, ".", "")
	for rr, ok := z.Next(); ok; rr, ok = z.Next() {
		records = append(records, rr)
		if k, ok := rr.(*dns.DNSKEY); ok && k.Hdr.Name == "." && k.Flags == 257 {
			d, err := fromRR(k.ToDS(dns.SHA256))
			if err != nil {
				t.Fatal(err)
			}
			anchors = append(anchors, d)
		}
	}
	if err := z.Err(); err != nil || len(anchors) != 1 {
		t.Fatal(len(anchors), err)
	}
	return append([]byte{0, 0}, body...), records, anchors
}

// extension packs records as the extension does.
func extension(t testing.TB, records []dns.RR) []byte {
	t.Helper()
	b, err := (&Chain{Records: records}).RFC9102(24)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The published chains verify, and become chains of ours that do; those of a wildcard are refused.
func TestRFC9102(t *testing.T) {
	a1, records, anchors := vectors(t)
	all := extension(t, records)
	slices.Reverse(records) // in any order
	for _, c := range []struct {
		what, name string
		in         []byte
		typ        uint16
		sets       int // of the chain in its one form; 0: refused
	}{
		{"A.1", "_443._tcp.www.example.com.", a1, dns.TypeTLSA, 6},
		{"A.3", "_25._tcp.example.org.", all, dns.TypeTLSA, 0},
		{"A.4", "_443._tcp.www.example.org.", all, dns.TypeTLSA, 7},
		{"A.4 itself", "_443._tcp.www.example.org.", all, dns.TypeCNAME, 6},
		{"A.5", "_443._tcp.www.example.net.", all, dns.TypeTLSA, 11},
		{"A.5 backwards", "_443._tcp.www.Example.NET", extension(t, records), dns.TypeTLSA, 11},
		{"keys", "com.", a1, dns.TypeDNSKEY, 3},
		{"DS", "com.", a1, dns.TypeDS, 2},
		{"another name", "_444._tcp.www.example.com.", a1, dns.TypeTLSA, 0},
		{"another type", "_443._tcp.www.example.com.", a1, dns.TypeA, 0},
	} {
		x, err := FromRFC9102(c.in, c.name, c.typ, anchors, vectorTime)
		if (err == nil) != (c.sets > 0) || err != nil && !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if err != nil {
			continue
		}
		if got := len(sets(copyAll(x.Records))); got != c.sets {
			t.Errorf("%s: %d sets", c.what, got)
		}
		b, err := x.Encode()
		if err != nil {
			t.Fatal(err)
		}
		y, err := DecodeChain(b)
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		rrs, until, err := y.Verify(anchors, vectorTime)
		if err != nil || len(rrs) == 0 || !until.Equal(time.Date(2020, 12, 2, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: %v until %v, %v", c.what, rrs, until, err)
		}
		if tlsa, ok := rrs[0].(*dns.TLSA); c.typ == dns.TypeTLSA && (!ok || tlsa.Certificate != "8bd1da95272f7fa4ffb24137fc0ed03aae67e5c4d8b3c50734e1050a7920b922") {
			t.Errorf("%s: %v", c.what, rrs)
		}
		again, err := FromRFC9102(extension(t, x.Records), c.name, c.typ, anchors, vectorTime)
		if err != nil || !slices.Equal(extension(t, again.Records), extension(t, x.Records)) {
			t.Errorf("%s: read again: %v", c.what, err)
		}
	}
}

// A chain of another time or anchor, or one that was changed, is refused; what a changed one proves is never anything else.
func TestRFC9102Refused(t *testing.T) {
	a1, _, anchors := vectors(t)
	const name = "_443._tcp.www.example.com."
	want, err := FromRFC9102(a1, name, dns.TypeTLSA, anchors, vectorTime)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{vectorTime.AddDate(3, 0, 0), vectorTime.AddDate(-1, 0, 0)} {
		if _, err := FromRFC9102(a1, name, dns.TypeTLSA, anchors, at); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("at %v: %v", at, err)
		}
	}
	other := []DS{{Zone: ".", Tag: anchors[0].Tag, Algorithm: 13, Digest: 2, Sum: make([]byte, 32)}}
	if _, err := FromRFC9102(a1, name, dns.TypeTLSA, other, vectorTime); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("another anchor: %v", err)
	}
	for _, b := range [][]byte{nil, {0}, a1[:len(a1)-1], append(slices.Clone(a1), 0), make([]byte, MaxChain+1)} {
		if _, err := FromRFC9102(b, name, dns.TypeTLSA, anchors, vectorTime); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
	taken := 0
	for i := 2; i < len(a1); i += 3 {
		b := slices.Clone(a1)
		b[i] ^= 1
		got, err := FromRFC9102(b, name, dns.TypeTLSA, anchors, vectorTime)
		if err != nil {
			continue
		}
		taken++ // a time to live, or the second signature of com., which is not needed
		x, y := find(sets(got.Records), name, dns.TypeTLSA), find(sets(want.Records), name, dns.TypeTLSA)
		if x == nil || x.rrs[0].String() != y.rrs[0].String() {
			t.Fatalf("byte %d changed: it proves %v", i, got.Records)
		}
	}
	if taken == 0 || taken > 120 {
		t.Errorf("%d changed chains are taken", taken)
	}
}

func FuzzFromRFC9102(f *testing.F) {
	a1, _, anchors := vectors(f)
	f.Add(a1)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := FromRFC9102(b, "_443._tcp.www.example.com.", dns.TypeTLSA, anchors, vectorTime)
		if err != nil {
			return
		}
		enc, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if d, err := DecodeChain(enc); err != nil {
			t.Error(err)
		} else if again, err := d.Encode(); err != nil || !bytes.Equal(again, enc) {
			t.Error("another form")
		}
	})
}
