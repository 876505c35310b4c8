package exchange

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/wire"
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

// Forty queries at once travel on one connection, out of order; a connection that was closed is opened again.
func TestDoT(t *testing.T) {
	cert, pool := authority(t, "dot.lab")
	var n atomic.Int32
	l := tls.NewListener(listen(t, "127.0.0.1:0"), &tls.Config{Certificates: []tls.Certificate{cert}})
	size := map[int]bool{}
	var mu sync.Mutex
	tcp(t, l, &n, func(q []byte) []byte {
		mu.Lock()
		size[len(q)] = true
		mu.Unlock()
		if bytes.Contains(q, []byte("hangup")) && n.Load() < 2 {
			return nil
		}
		return reply(q, 100)
	})
	s := Server{Kind: DoT, Dial: l.Addr().String(), SNI: "dot.lab", Roots: pool}
	c := client(t, s)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if err := ask(t, c, strings.Repeat("a", i+1)+".test."); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n.Load() != 1 || !size[128] || len(size) != 1 {
		t.Errorf("%d connections, queries of %v bytes", n.Load(), size)
	}
	if err := ask(t, c, "hangup.test."); err != nil || n.Load() != 2 {
		t.Errorf("closed connection: %v, %d", err, n.Load())
	}
	s.SNI = "other.lab"
	if err := ask(t, client(t, s), "a.test."); err == nil {
		t.Error("another name is taken")
	}
	pin := sha256.Sum256(cert.Leaf.RawSubjectPublicKeyInfo)
	s.SPKI, s.Roots = pin[:], nil
	if err := ask(t, client(t, s), "a.test."); err != nil {
		t.Errorf("pinned: %v", err)
	}
	s.SPKI = make([]byte, 32)
	if err := ask(t, client(t, s), "a.test."); err == nil {
		t.Error("another pin is taken")
	}
}

func TestStreamEnds(t *testing.T) {
	var n atomic.Int32
	l := listen(t, "127.0.0.1:0")
	tcp(t, l, &n, func(q []byte) []byte {
		if bytes.Contains(q, []byte("other")) {
			return reply(query(t, "b.test."), 9)
		}
		time.Sleep(50 * time.Millisecond) // sleep: a server that is slow
		return reply(q, 9)
	})
	c := client(t, Server{Kind: TCP, Dial: l.Addr().String()})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := c.Exchange(ctx, query(t, "a.test.")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := ask(t, c, "a.test."); err != nil {
		t.Errorf("after a timeout: %v", err)
	}
	c.Close()
	if _, err := c.Exchange(t.Context(), query(t, "a.test.")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestDoH(t *testing.T) {
	cert, pool := authority(t, "front.lab")
	var conns atomic.Int32
	var hosts, snis sync.Map
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts.Store(r.Host, true)
		snis.Store(r.TLS.ServerName, true)
		var q []byte
		if r.Method == http.MethodPost {
			q, _ = io.ReadAll(r.Body)
		} else {
			q, _ = base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
		}
		if r.ProtoMajor != 2 || r.UserAgent() != "" || q[0] != 0 || q[1] != 0 {
			t.Errorf("%s by %q, id %x", r.Proto, r.UserAgent(), q[:2])
		}
		w.Header().Set("Content-Type", media)
		switch {
		case bytes.Contains(q, []byte("moved")):
			http.Redirect(w, r, "/other", http.StatusFound)
		case bytes.Contains(q, []byte("large")):
			w.Write(make([]byte, 70_000))
		case bytes.Contains(q, []byte("page")):
			w.Header().Set("Content-Type", "text/html")
			w.Write(reply(q, 9))
		default:
			w.Write(reply(q, 900))
		}
	}))
	h.EnableHTTP2 = true
	h.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	h.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	h.StartTLS()
	defer h.Close()
	s, err := ParseServer("https://real.lab/dns-query#sni=front.lab&dial=" + h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.Roots = pool
	c := client(t, s)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := ask(t, c, "a.test."); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if conns.Load() != 1 {
		t.Errorf("%d connections", conns.Load())
	}
	if _, ok := hosts.Load("real.lab"); !ok {
		t.Error("the host is not the one that is meant")
	}
	if _, ok := snis.Load("front.lab"); !ok {
		t.Error("the name in TLS is not the front's")
	}
	if err := ask(t, c, strings.Repeat(strings.Repeat("a", 60)+".", 4)+"a."); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"moved.test.", "large.test.", "page.test."} {
		if err := ask(t, c, name); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
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

// The name that is meant travels encrypted. A key that the server no longer has is replaced by the one it hands out.
func TestECH(t *testing.T) {
	cert, pool := authority(t, "secret.lab", "public.lab")
	key, list := echConfig(t, 1, "public.lab")
	_, old := echConfig(t, 2, "public.lab")
	for _, kind := range []string{DoT, DoH} {
		var accepted, n atomic.Int32
		conf := &tls.Config{Certificates: []tls.Certificate{cert}, EncryptedClientHelloKeys: []tls.EncryptedClientHelloKey{key}, MinVersion: tls.VersionTLS13}
		conf.VerifyConnection = func(s tls.ConnectionState) error {
			if s.ECHAccepted && s.ServerName == "secret.lab" {
				accepted.Add(1)
			}
			return nil
		}
		addr := ""
		if kind == DoT {
			l := tls.NewListener(listen(t, "127.0.0.1:0"), conf)
			tcp(t, l, &n, func(q []byte) []byte { return reply(q, 9) })
			addr = l.Addr().String()
		} else {
			h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q, _ := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
				w.Header().Set("Content-Type", media)
				w.Write(reply(q, 9))
			}))
			h.TLS = conf
			h.StartTLS()
			defer h.Close()
			addr = h.Listener.Addr().String()
		}
		for i, ech := range [][]byte{list, old} {
			c := client(t, Server{Kind: kind, Dial: addr, SNI: "secret.lab", Host: "secret.lab", Path: "/", ECH: ech, Roots: pool})
			if err := ask(t, c, "a.test."); err != nil || accepted.Load() != int32(i+1) {
				t.Errorf("%s %d: accepted %d, %v", kind, i, accepted.Load(), err)
			}
		}
	}
}

// A name that is to be hidden is not sent in the clear.
func TestHideName(t *testing.T) {
	s, err := ParseServer("tls://127.0.0.1:1#sni=secret.lab&ech=auto")
	if err != nil || !s.HideName {
		t.Fatal(err)
	}
	if err := ask(t, client(t, s), "a.test."); err == nil || !strings.Contains(err.Error(), "no key to hide") {
		t.Errorf("got %v", err)
	}
}

func TestProxy(t *testing.T) {
	var n atomic.Int32
	l := listen(t, "127.0.0.1:0")
	tcp(t, l, &n, func(q []byte) []byte { return reply(q, 9) })
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host == "127.0.0.1:1" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		up, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		down, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		down.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		go func() { io.Copy(up, down); up.Close() }()
		io.Copy(down, up)
		down.Close()
	}))
	defer p.Close()
	d, err := Proxy(p.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Server{Kind: TCP, Dial: l.Addr().String()}, d)
	if err := ask(t, c, "a.test."); err != nil || n.Load() != 1 {
		t.Errorf("%v, %d", err, n.Load())
	}
	c.Close()
	for _, s := range []Server{{Kind: TCP, Dial: "127.0.0.1:1"}, {Kind: Do53, Dial: l.Addr().String()}} {
		c := New(s, d)
		if err := ask(t, c, "a.test."); err == nil {
			t.Errorf("%v went through", s)
		}
		c.Close()
	}
	for _, s := range []string{"", "x", "ftp://a:1", "socks5://"} {
		if _, err := Proxy(s, nil); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestParseServer(t *testing.T) {
	for text, want := range map[string]Server{
		"9.9.9.9":                            {Kind: Do53, Dial: "9.9.9.9:53", SNI: "9.9.9.9"},
		"127.0.0.1:5300":                     {Kind: Do53, Dial: "127.0.0.1:5300", SNI: "127.0.0.1"},
		"2620:fe::fe":                        {Kind: Do53, Dial: "[2620:fe::fe]:53", SNI: "2620:fe::fe"},
		"[2620:fe::fe]:53":                   {Kind: Do53, Dial: "[2620:fe::fe]:53", SNI: "2620:fe::fe"},
		"tcp://9.9.9.9":                      {Kind: TCP, Dial: "9.9.9.9:53", SNI: "9.9.9.9"},
		"tls://9.9.9.9#sni=dns.quad9.net":    {Kind: DoT, Dial: "9.9.9.9:853", SNI: "dns.quad9.net"},
		"https://dns.example/q#dial=9.9.9.9": {Kind: DoH, Dial: "9.9.9.9:443", SNI: "dns.example", Host: "dns.example", Path: "/q"},
	} {
		got, err := ParseServer(text)
		if err != nil || got.Kind != want.Kind || got.Dial != want.Dial || got.SNI != want.SNI || got.Host != want.Host || got.Path != want.Path {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, s := range []string{"", "a.example", "ftp://9.9.9.9", "https://", "https://u@a/b", "https://a/b?c", "9.9.9.9:", "9.9.9.9#x=1", "tls://9.9.9.9#spki=AAAA",
		"tls://9.9.9.9#ech=", "tls://a b"} {
		if got, err := ParseServer(s); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	f.Add("https://dns.example/q#dial=9.9.9.9&sni=a")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseServer(s); err == nil && (got.Dial == "" || got.Kind == "") {
			t.Errorf("%q: %+v", s, got)
		}
	})
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
