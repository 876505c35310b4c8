package bootstrap

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	p2p "github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// A real libp2p host is greeted; a byte changed on the way, another key or another program is not.
func TestGreet(t *testing.T) {
	h, err := p2p.Host(p2p.Options{Seed: [32]byte{7}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: p2p.Machine, Low: 16})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	at, id := h.Addrs()[0].String(), "/p2p/"+h.ID().String()
	if err := Greet(t.Context(), nil, at+id); err != nil {
		t.Error(err)
	}
	other := "/p2p/" + list.PeerID(sig.FromSeed([32]byte{8}).Public())
	if err := Greet(t.Context(), nil, at+other); !errors.Is(err, sig.ErrVerify) {
		t.Errorf("another key: %v", err)
	}
	_, port, _ := net.SplitHostPort(strings.ReplaceAll(strings.TrimPrefix(at, "/ip4/"), "/tcp/", ":"))
	for _, flip := range []int{5, 25, 40, 70, 120, 200} { // of what the peer sends: greeting, ephemeral key, static key, payload
		l := bentTCP(t, "127.0.0.1:"+port, flip)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := Greet(ctx, nil, "/ip4/127.0.0.1/tcp/"+l+id); !errors.Is(err, sig.ErrVerify) && !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("byte %d changed: %v", flip, err)
		}
		cancel()
	}
	for _, addr := range []string{"", at, "/ip4/127.0.0.1/udp/1" + id, "/ip4/127.0.0.1/tcp/1/quic-v1" + id, "/ip4/127.0.0.1/tcp/x" + id} {
		if err := Greet(t.Context(), nil, addr); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: %v", addr, err)
		}
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, quiet, _ := net.SplitHostPort(silent.Addr().String())
	if err := Greet(ctx, nil, "/ip4/127.0.0.1/tcp/"+quiet+id); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
}

// bentTCP passes one connection on and changes one byte of what comes back. It returns its port.
func bentTCP(t *testing.T, to string, at int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		in, err := l.Accept()
		if err != nil {
			return
		}
		defer in.Close()
		out, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer out.Close()
		go io.Copy(out, in)
		b := make([]byte, 1)
		for i := 0; ; i++ {
			if _, err := out.Read(b); err != nil {
				return
			}
			if i == at {
				b[0] ^= 1
			}
			if _, err := in.Write(b); err != nil {
				return
			}
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
