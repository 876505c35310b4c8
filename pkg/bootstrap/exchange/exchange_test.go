package exchange

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func query(t testing.TB, name string) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, dns.TypeTXT)
	m.SetEdns0(1232, true)
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reply answers with one TXT of n bytes.
func reply(q []byte, n int) []byte {
	var m dns.Msg
	if m.Unpack(q) != nil {
		return nil
	}
	r := new(dns.Msg)
	r.SetReply(&m)
	r.SetEdns0(1232, true)
	txt := &dns.TXT{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 1}}
	for ; n > 0; n -= 250 {
		txt.Txt = append(txt.Txt, strings.Repeat("x", min(n, 250)))
	}
	r.Answer = []dns.RR{txt}
	b, _ := r.Pack()
	return b
}

// udp answers each packet with what f returns.
func udp(t *testing.T, f func(q []byte) [][]byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, out := range f(buf[:n]) {
				conn.WriteTo(out, from)
			}
		}
	})
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	return conn.LocalAddr().String()
}

// tcp serves a listener; each connection answers what f returns, and counts.
func tcp(t *testing.T, l net.Listener, count *atomic.Int32, f func(q []byte) []byte) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			wg.Go(func() {
				defer conn.Close()
				for {
					q, err := readMessage(conn)
					if err != nil {
						return
					}
					out := f(q)
					if out == nil {
						return
					}
					writeMessage(conn, out)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func client(t *testing.T, s Server) *Client {
	t.Helper()
	c := New(s, nil)
	t.Cleanup(func() { c.Close() })
	return c
}

// ask wants the answer to name.
func ask(t *testing.T, c *Client, name string) error {
	t.Helper()
	q := query(t, name)
	out, err := c.Exchange(t.Context(), q)
	if err != nil {
		return err
	}
	var m dns.Msg
	if err := m.Unpack(out); err != nil {
		return err
	}
	if !bytes.Equal(out[:2], q[:2]) || m.Question[0].Name != name || len(m.Answer) != 1 {
		t.Errorf("%s: another answer: %v", name, m.String())
	}
	return nil
}

func TestUDP(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	c := client(t, Server{Kind: Do53, Dial: udp(t, func(q []byte) [][]byte {
		mu.Lock()
		seen = append(seen, string(question(q)))
		mu.Unlock()
		wrongID, wrongName, wrongCase := reply(q, 9), reply(q, 9), reply(q, 9)
		wrongID[0] ^= 1
		wrongName[14] ^= 1
		for i := 12; i < 30; i++ {
			wrongCase[i] = bytes.ToLower(wrongCase[i : i+1])[0]
		}
		return [][]byte{nil, {1, 2}, wrongID, wrongName, wrongCase, reply(q, 20)}
	})})
	for range 3 {
		if err := ask(t, c, "averylongnametomask.pars.test."); err != nil {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if seen[0] == seen[1] && seen[1] == seen[2] {
		t.Error("the letters are the same each time")
	}
	if _, _, injected := c.Stats(); injected {
		t.Error("a forger who guessed wrong is taken for an injector")
	}
}

// A censor answers first, in the server's name; the server's own answer, which has EDNS, comes later.
func TestInjected(t *testing.T) {
	c := client(t, Server{Kind: Do53, Dial: udp(t, func(q []byte) [][]byte {
		var m dns.Msg
		m.Unpack(q)
		r := new(dns.Msg).SetReply(&m)
		r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: 1}, A: net.IPv4(10, 10, 34, 34)}}
		forged, _ := r.Pack()
		return [][]byte{forged, reply(q, 20)}
	})})
	out, err := c.Exchange(t.Context(), query(t, "a.test."))
	var m dns.Msg
	if err != nil || m.Unpack(out) != nil || m.Answer[0].Header().Rrtype != dns.TypeTXT {
		t.Errorf("got %v, %v", &m, err)
	}
	if _, _, injected := c.Stats(); !injected {
		t.Error("nobody noticed")
	}
}

// What is truncated or too long for UDP, and what UDP never answers, is asked over TCP.
func TestFallback(t *testing.T) {
	for name, f := range map[string]func(q []byte) [][]byte{
		"truncated": func(q []byte) [][]byte { out := reply(q, 5); out[2] |= 2; return [][]byte{out} },
		"long":      func(q []byte) [][]byte { return [][]byte{reply(q, 1300)} },
		"silent":    func(q []byte) [][]byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := udp(t, f)
			var n atomic.Int32
			tcp(t, listen(t, addr), &n, func(q []byte) []byte { return reply(q, 3000) })
			c := client(t, Server{Kind: Do53, Dial: addr})
			if err := ask(t, c, "a.test."); err != nil || n.Load() != 1 {
				t.Errorf("%d connections, %v", n.Load(), err)
			}
		})
	}
}

// authority makes a certificate for names, and a pool that trusts it.
func authority(t *testing.T, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, x, x, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	x, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(x)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: x}, pool
}

// echConfig makes a key and the configuration that names it (RFC 9849 section 4).
func echConfig(t *testing.T, id byte, public string) (tls.EncryptedClientHelloKey, []byte) {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub := key.PublicKey().Bytes()
	c := []byte{id, 0, 0x20}                                               // config id, KEM X25519
	c = append(binary.BigEndian.AppendUint16(c, uint16(len(pub))), pub...) // public key
	c = append(c, 0, 4, 0, 1, 0, 1)                                        // HKDF-SHA256, AES-128-GCM
	c = append(append(c, 32, byte(len(public))), public...)                // longest name, public name
	c = append(c, 0, 0)                                                    // no extensions
	conf := append(binary.BigEndian.AppendUint16([]byte{0xfe, 0x0d}, uint16(len(c))), c...)
	list := append(binary.BigEndian.AppendUint16(nil, uint16(len(conf))), conf...)
	return tls.EncryptedClientHelloKey{Config: conf, PrivateKey: key.Bytes(), SendAsRetry: true}, list
}

func Example() {
	s, err := ParseServer("tls://9.9.9.9#sni=dns.quad9.net")
	if err != nil {
		return
	}
	c := New(s, nil)
	defer c.Close()
	// answer, err := c.Exchange(ctx, query)
}
