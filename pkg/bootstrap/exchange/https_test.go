package exchange

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

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
	bare := query(t, "a.test.")
	bare = append([]byte{7, 9}, bare[2:len(bare)-11]...) // without EDNS, which is not padded
	bare[11] = 0
	if out, err := c.Exchange(t.Context(), bare); err != nil || bare[0] != 7 || out[0] != 7 || out[1] != 9 {
		t.Errorf("the id of the question is lost: %x, %x, %v", bare[:2], out, err)
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
			accepted.Store(0)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if err := ask(t, c, "a.test."); err != nil {
						t.Errorf("%s %d: %v", kind, i, err)
					}
				})
			}
			if wg.Wait(); accepted.Load() == 0 {
				t.Errorf("%s %d: the name did not travel encrypted", kind, i)
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
