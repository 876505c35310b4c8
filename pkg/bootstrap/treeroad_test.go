package bootstrap

import (
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/miekg/dns"
	"golang.org/x/crypto/sha3"

	"github.com/pars-network/pars/pkg/bootstrap/enrtree"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/list"
)

// serveTXT answers TXT questions from a map, over UDP.
func serveTXT(t *testing.T, texts map[string]string) *exchange.Client {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	srv := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.SetEdns0(1232, false)
		if text, ok := texts[dns.CanonicalName(q.Question[0].Name)]; ok {
			rr := &dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}}
			for ; len(text) > 250; text = text[250:] {
				rr.Txt = append(rr.Txt, text[:250])
			}
			rr.Txt = append(rr.Txt, text)
			m.Answer = []dns.RR{rr}
		} else {
			m.Rcode = dns.RcodeNameError
		}
		w.WriteMsg(m)
	})}
	wg.Go(func() { srv.ActivateAndServe() })
	t.Cleanup(func() { srv.Shutdown(); wg.Wait() })
	s, err := exchange.ParseServer(conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := exchange.New(s, nil)
	t.Cleanup(func() { c.Close() })
	return c
}

func keccak(b []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return h.Sum(nil)
}

// A tree with one good node and one forged record, over a real socket.
func TestTreeRoad(t *testing.T) {
	key := secp256k1.PrivKeyFromBytes([]byte{7})
	sign := func(msg []byte) []byte {
		c := ecdsa.SignCompact(key, keccak(msg), false)
		return append(c[1:], c[0]-27)
	}
	hash := func(s string) string {
		return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(keccak([]byte(s))[:16])
	}
	content := []byte("\x01\x82id\x82v4\x82ip\x84\x14\x01\x02\x03\x89secp256k1\xa1" + string(key.PubKey().SerializeCompressed()) + "\x83tcp\x82\x76\x5f")
	signed := append([]byte{0xf8, byte(len(content))}, content...)
	if len(content) <= 55 {
		signed = append([]byte{0xc0 + byte(len(content))}, content...)
	}
	body := append(append([]byte{0xb8, 64}, sign(signed)[:64]...), content...)
	node := "enr:" + base64.RawURLEncoding.EncodeToString(append([]byte{0xf8, byte(len(body))}, body...))
	branch := "enrtree-branch:" + hash(node) + "," + hash("something else")
	root := fmt.Sprintf("enrtree-root:v1 e=%s l=%s seq=3", hash(branch), hash("enrtree-branch:"))
	lower := func(h string) string { return dns.CanonicalName(h + ".nodes.test") }
	c := serveTXT(t, map[string]string{"nodes.test.": root + " sig=" + base64.RawURLEncoding.EncodeToString(sign([]byte(root))),
		lower(hash(branch)): branch, lower(hash(node)): node, lower(hash("something else")): "enrtree-branch:"})
	s, _ := holders(1, 1)
	race := newRace(t, s, TreeRoad(enrtree.Link{Key: key.PubKey().SerializeCompressed(), Domain: "nodes.test"}, c))
	res, err := race.Run(t.Context())
	if err != nil || len(res.Peers) != 1 || res.Peers[0].Class != Hinted || res.Peers[0].Addrs[0][:24] != "/ip4/20.1.2.3/tcp/30303/"[:24] {
		t.Errorf("%+v, %v", res, err)
	}
	other := secp256k1.PrivKeyFromBytes([]byte{8})
	race.Roads = []Road{TreeRoad(enrtree.Link{Key: other.PubKey().SerializeCompressed(), Domain: "nodes.test"}, c)}
	if res, err := race.Run(t.Context()); err == nil {
		t.Errorf("another key's tree: %+v", res.Peers)
	}
}

// The list, its first leaf, and an AutoConf file of the same peers.
func TestDNSRoad(t *testing.T) {
	s, keys := holders(1, 1)
	l := signedList(t, s, keys[:2], 5, uint64(time.Now().Unix()), listed(100, 100))
	texts := map[string]string{"_pars.pars.test.": list.TXT(l.Root.Encode()), "_pars.split.test.": list.TXT(l.Root.Encode())}
	for i, leaf := range l.Leaves {
		texts[l.Root.LeafName(i, "pars.test")+"."] = list.TXT(leaf.Encode())
	}
	c := serveTXT(t, texts)
	for _, all := range []bool{false, true} {
		race := newRace(t, s, DNS{Name: "pars.test", Client: c, Now: time.Now}.Road())
		race.All = all
		res, err := race.Run(t.Context())
		if err != nil || all && len(res.Peers) != 100 || !all && (len(res.Peers) >= 100 || res.Reports[0].Queries != 2) {
			t.Errorf("all %v: %d peers, %d queries, %v", all, len(res.Peers), res.Reports[0].Queries, err)
		}
	}
	// a true root whose leaves nobody serves
	res, err := newRace(t, s, DNS{Name: "split.test", Client: c, Now: time.Now}.Road()).Run(t.Context())
	if err == nil || len(res.Peers) != 0 || res.Root == nil {
		t.Errorf("no leaves: %+v, %v", res, err)
	}
	file, err := l.AutoConf("pars")
	if err != nil {
		t.Fatal(err)
	}
	res, err = newRace(t, s, FileRoad("file", "autoconf", func() ([]byte, error) { return file, nil })).Run(t.Context())
	if err != nil || len(res.Peers) != 100 || res.Peers[0].Class != Hinted {
		t.Errorf("AutoConf: %d peers, %v", len(res.Peers), err)
	}
}
