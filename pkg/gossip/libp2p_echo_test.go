package gossip

import (
	"bufio"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/wire"
)

// TestEcho: a relay that keeps mail passes and keeps nothing of it; one that is full, one that forgets and one that gives
// something else do not.
func TestEcho(t *testing.T) {
	box := newBox(t, newDisk(), nil)
	rules := box.Rules
	rules.Genesis = time.Now().Unix() - 100*hour
	box.Rules = rules
	host := func(seed byte) *Node {
		h, err := link.Host(link.Options{Seed: [32]byte{seed}, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		return &Node{Host: h, Rules: rules, Cut: Cut{"07000000", 0}, Now: time.Now, Rand: rand.Reader}
	}
	keeper, asker := host(1), host(2)
	keeper.Mail = box
	if err := keeper.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keeper.Close() })
	if err := asker.Host.Connect(t.Context(), peer.AddrInfo{ID: keeper.Host.ID(), Addrs: keeper.Host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	at := PeerID(keeper.Host.ID())
	if err := asker.Echo(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if len(box.letters) != 0 {
		t.Errorf("%d letters left behind", len(box.letters))
	}
	box.TakeStrangers(false)
	if err := asker.Echo(t.Context(), at); !errors.Is(err, ErrLater) {
		t.Errorf("a relay that takes nothing: %v", err)
	}
	other := stamped(rules, 0, 20)
	for _, give := range [][]byte{nil, other} {
		keeper.Host.SetStreamHandler(keeper.protocol("mail/1"), func(s network.Stream) { forgetful(s, give) })
		if err := asker.Echo(t.Context(), at); !errors.Is(err, ErrNoEcho) && !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("a relay that gives %d bytes: %v", len(give), err)
		}
	}
}

// forgetful takes every letter and gives what it likes.
func forgetful(s network.Stream, give []byte) {
	defer s.Close()
	for r := bufio.NewReader(s); ; {
		typ, body, err := wire.ReadFrame(r)
		if err != nil {
			return
		}
		switch typ {
		case framePut:
			p, err := DecodePut(body)
			if err != nil {
				return
			}
			id := envelope.EnvelopeID(p.Envelope)
			s.Write(wire.AppendFrame(nil, frameOK, id[:]))
		case frameGet:
			var out [][]byte
			if give != nil {
				out = append(out, give)
			}
			s.Write(appendMail(out, false))
		default:
			s.Write(wire.AppendFrame(nil, frameEnd, []byte{0}))
		}
	}
}
