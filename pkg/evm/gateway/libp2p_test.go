package gateway_test

import (
	"context"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/gateway"
	"github.com/pars-network/pars/pkg/evm/gateway/libp2p"
	"github.com/pars-network/pars/pkg/link"
)

func newHost(t *testing.T, seed byte) host.Host {
	t.Helper()
	h, err := link.Host(link.Options{Seed: [32]byte{seed}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// Two hosts on loopback: one has servers behind it, the other has nobody but the first.
func TestOverStreams(t *testing.T) {
	l := newLab(t, evmtest.New(150))
	a, b := newHost(t, 1), newHost(t, 2)
	name := func(s string) string { return "/pars/01020304/" + s }
	ctx, stop := context.WithCancel(t.Context())
	libp2p.Serve(ctx, l.srv, a, name, gateway.Protocols()...)
	if err := b.Connect(t.Context(), peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()}); err != nil {
		t.Fatal(err)
	}
	cl := l.client(t, &gateway.Peer{ID: a.ID().String(), Spec: l.chain.Spec, Do: libp2p.Over(b, a.ID(), name)})
	if err := cl.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if acc, m, err := cl.Account(t.Context(), evm.Address(evmtest.Payee()), ""); err != nil || m.Block != head || acc.Balance.Sign() == 0 {
		t.Errorf("%+v %+v %v", acc, m, err)
	}
	stop()
	if _, _, err := cl.Account(t.Context(), evm.Address(evmtest.Payee()), ""); err == nil {
		t.Error("answered after its end")
	}
	libp2p.Unserve(a, name, gateway.Protocols()...)
}
