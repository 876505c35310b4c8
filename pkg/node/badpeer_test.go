package node

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/link"
)

// badPeer is a host that takes sync streams and treats them in its own way.
func badPeer(t *testing.T, seed byte, proto string, treat func(network.Stream)) string {
	t.Helper()
	h, err := link.Host(link.Options{Seed: [32]byte{seed}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	h.SetStreamHandler(protocol.ID(proto), treat)
	return fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID())
}

// TestBadPeers: among peers that hang, talk garbage, hang up or never read, a good one is still synced.
func TestBadPeers(t *testing.T) {
	da, db := tempHome(t), tempHome(t)
	proto := testProfile(t, "devnet").Protocol("sync/1")
	hang := badPeer(t, 1, proto, func(s network.Stream) { io.Copy(io.Discard, s) })
	garbage := badPeer(t, 2, proto, func(s network.Stream) {
		for range 100 {
			s.Write([]byte{5, 3, 0xff, 0xff, 0xff, 0xff})
		}
	})
	hangup := badPeer(t, 3, proto, func(s network.Stream) { s.Reset() })
	endless := badPeer(t, 4, proto, func(s network.Stream) {
		for {
			if _, err := s.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	na := start(t, da, func(n *Node) { n.Peers = []string{hang, garbage, hangup, endless} })
	start(t, db, func(n *Node) { n.Peers = []string{hang, garbage, hangup, endless, na.Addrs()[0]} })
	a, b := api(t, da), api(t, db)
	inv, err := a.Invite(t.Context(), InviteQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := a.Send(t.Context(), SendQuery{Session: inv.Session, Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		until(t, "a message beside bad peers", func() bool { return len(readAll(t, b, inv.Session)) == i+1 })
		t.Logf("message %d after %v", i, time.Since(began).Round(time.Millisecond))
	}
}
