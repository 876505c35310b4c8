package exchange

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

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
