package publish

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

func someList(t testing.TB, n int) *list.List {
	t.Helper()
	holder := sig.FromSeed([32]byte{1})
	set := &list.Set{K: 1, Keys: []sig.Public{holder.Public()}}
	d := list.Draft{Set: set, Seq: 3, Issued: 1_800_000_000, Room: list.LeafRoom("pars.test")}
	for i := range n {
		var seed [32]byte
		binary.BigEndian.PutUint32(seed[:], uint32(i+9))
		a, err := list.ReadAddrs([]string{fmt.Sprintf("/ip4/20.%d.%d.1/tcp/4001", i/200, i%200), fmt.Sprintf("/ip4/20.%d.%d.1/udp/4001/quic-v1", i/200, i%200)})
		if err != nil {
			t.Fatal(err)
		}
		d.Entries = append(d.Entries, list.Entry{Key: sig.FromSeed(seed).Public(), Addrs: a})
	}
	l, err := d.Build()
	if err != nil || l.Root.SignWith(set, holder) != nil {
		t.Fatal(err)
	}
	return l
}

// A zone file reads back into the same list, and every answer fits a datagram.
func TestZoneFile(t *testing.T) {
	l := someList(t, 1000)
	text, err := Draft{Name: "pars.test", List: l, Addrs: 8}.ZoneFile()
	if err != nil {
		t.Fatal(err)
	}
	if text2, err := (Draft{Name: "pars.test.", List: l, Addrs: 8}).ZoneFile(); err != nil || text2 != text {
		t.Error("the same draft gives another file")
	}
	z := dns.NewZoneParser(strings.NewReader(text), "", "")
	got := &list.List{}
	addrs, leaves := 0, 0
	for rr, ok := z.Next(); ok; rr, ok = z.Next() {
		x := rr.(*dns.TXT)
		m := new(dns.Msg)
		m.SetQuestion(x.Hdr.Name, dns.TypeTXT)
		m.SetEdns0(1232, false)
		m.Answer, m.Compress = []dns.RR{x}, true
		joined := strings.Join(x.Txt, "")
		b, ours, err := list.ParseTXT(joined)
		switch {
		case err != nil:
			t.Fatal(err)
		case !ours && strings.HasPrefix(joined, "dnsaddr="):
			addrs++
			continue
		case x.Hdr.Name == "_pars.pars.test.":
			if got.Root, err = list.DecodeRoot(b); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if m.Len() > list.MaxAnswer {
			t.Errorf("%s: answer of %d bytes", x.Hdr.Name, m.Len())
		}
		leaf, err := list.DecodeLeaf(b)
		if err != nil || got.Add(leaf, false) != nil || x.Hdr.Name != got.Root.LeafName(leaf.Index, "pars.test.") {
			t.Fatalf("%s: %v", x.Hdr.Name, err)
		}
		leaves++
	}
	if z.Err() != nil || addrs != 8*3 || leaves != l.Root.Leaves || got.Root.Hash() != l.Root.Hash() || got.Complete() != nil {
		t.Errorf("%d addresses, %d leaves, %v", addrs, leaves, z.Err())
	}
}

func TestMessages(t *testing.T) {
	d := Draft{Name: "pars.test", List: someList(t, 3000), Addrs: 8}
	put, err := d.records()
	if err != nil {
		t.Fatal(err)
	}
	p := &Plan{Zone: "pars.test.", put: put}
	n := 0
	for _, m := range p.leafMessages() {
		if b, err := m.Pack(); err != nil || len(b) > 64<<10-1000 {
			t.Errorf("message of %d bytes, %v", len(b), err)
		}
		for _, rr := range m.Ns {
			if rr.Header().Class == dns.ClassINET {
				n++
			}
		}
	}
	if n != len(put.leaves)+len(put.addrs) {
		t.Errorf("%d records of %d", n, len(put.leaves)+len(put.addrs))
	}
	if m := p.rootMessage(); len(m.Answer) != 1 || m.Answer[0].Header().Class != dns.ClassNONE {
		t.Errorf("first root: %v", m)
	}
	p.OldText = []string{"v=spf1 -all", list.TXT([]byte{1})}
	if m := p.rootMessage(); len(m.Answer) != 2 || len(m.Ns) != 2 {
		t.Errorf("next root: %v", m)
	}
}

func TestIncomplete(t *testing.T) {
	l := someList(t, 100)
	l.Leaves[1] = nil
	if _, err := (Draft{Name: "pars.test", List: l}).ZoneFile(); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestParseKey(t *testing.T) {
	const secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for _, s := range []string{"hmac-sha256:pars-update:" + secret, "key \"pars-update\" {\n\talgorithm hmac-sha256;\n\tsecret \"" + secret + "\";\n};\n"} {
		k, err := ParseKey([]byte(s))
		if err != nil || k.Name != "pars-update." || k.Algorithm != dns.HmacSHA256 || k.secret != secret || strings.Contains(k.String(), "AAAA") {
			t.Errorf("%q: %v, %v", s, k, err)
		}
	}
	for _, s := range []string{"", "a:b", "hmac-md5:a:" + secret, "hmac-sha256:a:AAAA", "hmac-sha256::" + secret + "x"} {
		if _, err := ParseKey([]byte(s)); !errors.Is(err, wire.ErrInvalid) || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add([]byte(`key "a" { algorithm hmac-sha256; secret "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; };`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := ParseKey(b); err == nil && (k.Name == "" || k.secret == "") {
			t.Errorf("%q: %v", b, k)
		}
	})
}

func ExampleParseKey() {
	k, err := ParseKey([]byte("hmac-sha256:pars-update:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))
	fmt.Println(k.Name, err)
	// Output: pars-update. <nil>
}
