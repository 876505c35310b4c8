package dnssec

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/internal/evil"
)

func TestMutated(t *testing.T) { mutated(t, 1, 20_000) }

// mutated reads n changed messages and chains. What holds after a change is what stood there before.
func mutated(t *testing.T, seed uint64, n int) {
	w := small(t, nil)
	var seeds [][]byte
	var asked []dns.Question
	for _, q := range []dns.Question{{Name: "a.pars.test.", Qtype: dns.TypeTXT, Qclass: dns.ClassINET}, {Name: "pars.test.", Qtype: dns.TypeDNSKEY, Qclass: dns.ClassINET},
		{Name: "nope.pars.test.", Qtype: dns.TypeA, Qclass: dns.ClassINET}, {Name: "test.", Qtype: dns.TypeDS, Qclass: dns.ClassINET}} {
		var m dns.Msg
		m.SetQuestion(q.Name, q.Qtype)
		m.SetEdns0(1232, true)
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if b, err = w.Exchange(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		seeds, asked = append(seeds, b), append(asked, q)
	}
	r, _, chain := prove(t, w, "a.pars.test.", dns.TypeTXT)
	evil.Mutated(t, seed, n, 64<<10, append(seeds, chain), func(b []byte) {
		for _, q := range asked {
			r, err := read(b, q)
			if err != nil {
				continue
			}
			for _, s := range append(r.answer, r.authority...) {
				if s.signer(); len(s.rrs) == 0 {
					t.Errorf("%x: a set of nothing", b)
				}
			}
		}
		if a, err := ReadAnswer(b, asked[0].Name, asked[0].Qtype); err == nil {
			a.Texts()
			a.Lines()
		}
		c, err := DecodeChain(b)
		if err != nil {
			return
		}
		if again, err := c.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("chain %x has another form", b)
		}
		if rrs, _, err := c.Verify(r.Anchors, t0); err == nil && (len(rrs) != 1 || rrs[0].(*dns.TXT).Txt[0] != "hello") {
			t.Errorf("chain %x says %v", b, rrs)
		}
	})
}
