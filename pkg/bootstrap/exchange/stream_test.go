package exchange

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

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
