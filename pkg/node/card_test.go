package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// codeOf returns the newest code of a home.
func codeOf(t *testing.T, a API) (line string) {
	t.Helper()
	err := a.Codes(t.Context(), func(c CodeInfo) error {
		if c.Ends == nil {
			line = c.Card
		}
		return nil
	})
	if err != nil || line == "" {
		t.Fatalf("code %q, %v", line, err)
	}
	return line
}

func kept(t *testing.T, a API) (out []CardInfo) {
	t.Helper()
	if err := a.Cards(t.Context(), "", func(c CardInfo) error { out = append(out, c); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCardOfStrangers: two nodes that know a seeder and nothing of each other; from 53 bytes on paper the one finds the
// other's device by the record of its code, asks it, and both hold the same card.
func TestCardOfStrangers(t *testing.T) {
	seed := seeder(t)
	known := func(n *Node) { n.Peers = []string{seed} }
	da, db := tempHome(t), tempHome(t)
	na := start(t, da, known)
	nb := start(t, db, known)
	a, b := api(t, da), api(t, db)
	until(t, "the code's record is told", func() bool {
		na.presence.mu.Lock()
		defer na.presence.mu.Unlock()
		return na.presence.told[codeKey(0)].acks > 0
	})
	short, err := identity.ParseShortCard(codeOf(t, a))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the record is found", func() bool {
		info, err := nb.presence.findCode(t.Context(), short)
		return err == nil && info.ID == na.host.ID() && len(info.Addrs) > 0
	})
	wrong := short
	wrong.Locator[0] ^= 1
	if info, err := nb.presence.findCode(t.Context(), wrong); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("with another locator: %v, %v", info, err)
	}
	var got CardInfo
	until(t, "card is fetched", func() (ok bool) {
		var err error
		got, err = b.FetchCard(t.Context(), CardQuery{Card: codeOf(t, a)})
		return err == nil
	})
	own, err := a.OwnCard(t.Context())
	if err != nil || !bytes.Equal(own.Card, got.Card) || got.From != na.host.ID().String() || len(got.Warnings) != 0 {
		t.Fatalf("%+v, own %+v, %v", got, own, err)
	}
	if list := kept(t, b); len(list) != 1 || !bytes.Equal(list[0].Card, own.Card) {
		t.Errorf("kept %+v", list)
	}
	if err := b.Cards(t.Context(), got.Account, func(CardInfo) error { return nil }); err != nil {
		t.Error(err)
	}
	if list := kept(t, a); len(list) != 0 {
		t.Errorf("who was asked keeps %+v", list)
	}
}

// carded is a node that answers and one that asks, connected.
func carded(t *testing.T) (na, nb *Node, a, b API) {
	da, db := tempHome(t), tempHome(t)
	quiet := func(n *Node) { n.NoDHT, n.NoMail = true, true }
	na = start(t, da, quiet)
	nb = start(t, db, func(n *Node) { quiet(n); n.Peers = na.Addrs()[:1] })
	until(t, "connection", func() bool { return nb.dialer.connected(na.host.ID()) })
	return na, nb, api(t, da), api(t, db)
}

// TestCardNearby: a connected peer is asked without the hash table; a new code makes the old one end.
func TestCardNearby(t *testing.T) {
	na, _, a, b := carded(t)
	old := codeOf(t, a)
	fetch := func(line string) (err error) {
		_, err = b.FetchCard(t.Context(), CardQuery{Card: line})
		return err
	}
	until(t, "peer is identified", func() bool { return fetch(old) == nil })
	if _, err := a.NewCode(t.Context()); err != nil {
		t.Fatal(err)
	}
	na.desk.clear()
	if fresh := codeOf(t, a); fresh == old || fetch(fresh) != nil || fetch(old) != nil {
		t.Error("both codes count for two days")
	}
	n := 0
	if a.Codes(t.Context(), func(CodeInfo) error { n++; return nil }); n != 2 {
		t.Errorf("%d codes", n)
	}
}

// clear lets everybody ask again.
func (d *desk) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.from)
}

// TestCardRefused: what does not verify is told with its reason, and nothing of it is kept.
func TestCardRefused(t *testing.T) {
	_, nb, a, b := carded(t)
	own, err := a.OwnCard(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	right, err := identity.ParseShortCard(codeOf(t, a))
	if err != nil {
		t.Fatal(err)
	}
	wrong := right
	wrong.Locator[0] ^= 1
	foreign, ended := right, right
	foreign.Network[0] ^= 1
	ended.NotAfter = 1
	forged := bytes.Clone(own.Card)
	forged[len(forged)-1] ^= 1
	other, _, err := nb.home.Cards.Own(nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 1<<20)
	for name, x := range map[string]struct {
		line   identity.ShortCard
		answer []byte // of a liar; nil: the true one is asked
		want   error
		text   string
	}{
		"wrong locator":   {wrong, nil, store.ErrNotFound, "without an answer"},
		"other network":   {foreign, nil, store.ErrNotFound, "another network"},
		"ended":           {ended, nil, errCodeEnded, "ended"},
		"forged":          {right, forged, identity.ErrVerify, "signature"},
		"cut":             {right, own.Card[:500], wire.ErrInvalid, ""},
		"oversized":       {right, long, wire.ErrInvalid, "more than"},
		"another account": {right, other.Encode(), identity.ErrVerify, "another account"},
		"silence":         {right, []byte{}, store.ErrNotFound, "without an answer"},
	} {
		at := ""
		if x.answer != nil {
			at = liar(t, nb, name, x.answer)
		} else if name == "wrong locator" {
			at = nb.Peers[0]
		}
		l := &local{h: nb.home, n: nb}
		_, err := l.FetchCard(t.Context(), CardQuery{Card: x.line.Line(), Addr: at})
		if !errors.Is(err, x.want) || !strings.Contains(err.Error(), x.text) {
			t.Errorf("%s: %v", name, err)
		}
		if list := kept(t, b); len(list) != 0 {
			t.Fatalf("%s: %+v is kept", name, list)
		}
	}
	if _, err := b.FetchCard(t.Context(), CardQuery{Card: right.Line(), Addr: nb.Peers[0]}); err != nil {
		t.Errorf("the true one: %v", err)
	}
	if _, err := (&local{h: nb.home, n: nb}).FetchCard(t.Context(), CardQuery{Card: codeOf(t, b)}); !errors.Is(err, errOwnCode) {
		t.Errorf("own code: %v", err)
	}
	if _, err := b.FetchCard(t.Context(), CardQuery{Card: "pars:card/xyz"}); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("no card: %v", err)
	}
}

// TestCardHeld: a second card of one number and an older one leave the held one where it is, and are told; one that is
// past its time is refused.
func TestCardHeld(t *testing.T) {
	na, nb, a, b := carded(t)
	line := codeOf(t, a)
	l := &local{h: nb.home, n: nb}
	first, err := l.FetchCard(t.Context(), CardQuery{Card: line, Addr: nb.Peers[0]})
	if err != nil {
		t.Fatal(err)
	}
	altered := func(f func(c *identity.Card)) []byte {
		c, err := identity.DecodeCard(first.Card)
		if err != nil {
			t.Fatal(err)
		}
		f(c)
		c.SignWith(c.Signer, sig.FromSeed(na.home.keys.Keys.DeviceSign))
		return c.Encode()
	}
	for name, x := range map[string]struct {
		answer []byte
		warns  string
		err    error
	}{
		"twin":  {altered(func(c *identity.Card) { c.Name = "other" }), "two cards", nil},
		"older": {altered(func(c *identity.Card) { c.Seq-- }), "newer card", nil},
		"past":  {altered(func(c *identity.Card) { c.Seq++; c.Issued = 1000; c.Expires = 2000 }), "", identity.ErrCardExpired},
	} {
		got, err := l.FetchCard(t.Context(), CardQuery{Card: line, Addr: liar(t, nb, name, x.answer)})
		if !errors.Is(err, x.err) || x.err == nil && (len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], x.warns) || !bytes.Equal(got.Card, first.Card)) {
			t.Errorf("%s: %v, %v", name, got.Warnings, err)
		}
		if list := kept(t, b); len(list) != 1 || !bytes.Equal(list[0].Card, first.Card) {
			t.Errorf("%s: %+v is kept", name, list)
		}
	}
	ahead := altered(func(c *identity.Card) { c.Seq++; c.Issued += 3 * 86400; c.Expires = c.Issued + identity.CardLife })
	got, err := l.FetchCard(t.Context(), CardQuery{Card: line, Addr: liar(t, nb, "ahead", ahead)})
	if err != nil || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "clocks") {
		t.Errorf("ahead: %v, %v", got.Warnings, err)
	}
}

// TestEndlessAnswer: of an answer without end no more is taken than a card may have, and what lies in windows.
func TestEndlessAnswer(t *testing.T) {
	_, nb, a, _ := carded(t)
	h, sent := plain(t, "endless"), make(chan int, 1)
	h.SetStreamHandler(nb.cardProtocol(), func(s network.Stream) {
		s.Write(make([]byte, identity.AskNonceSize))
		total := 0
		for b := make([]byte, 64<<10); total < 64<<20; {
			n, err := s.Write(b)
			if total += n; err != nil {
				break
			}
		}
		sent <- total
	})
	l := &local{h: nb.home, n: nb}
	_, err := l.FetchCard(t.Context(), CardQuery{Card: codeOf(t, a), Addr: h.Addrs()[0].String() + "/p2p/" + h.ID().String()})
	if !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if n := <-sent; n > 8<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

// plain is a host that speaks the protocol by hand.
func plain(t *testing.T, name string) host.Host {
	t.Helper()
	h, err := link.Host(link.Options{Seed: sha256.Sum256([]byte(name)), Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// liar answers every ask with the same bytes and returns where it is.
func liar(t *testing.T, n *Node, name string, answer []byte) string {
	h := plain(t, name)
	h.SetStreamHandler(n.cardProtocol(), func(s network.Stream) {
		defer s.Close()
		s.Write(make([]byte, identity.AskNonceSize))
		io.ReadFull(s, make([]byte, 32))
		s.Write(answer)
	})
	t.Cleanup(func() { n.host.Network().ClosePeer(h.ID()) })
	return h.Addrs()[0].String() + "/p2p/" + h.ID().String()
}

// hand is a stranger with a code who asks by hand.
type hand struct {
	t  *testing.T
	h  host.Host
	to *Node
}

func (x hand) open() (s network.Stream, nonce [identity.AskNonceSize]byte, err error) {
	ctx, stop := context.WithTimeout(x.t.Context(), 10*time.Second)
	defer stop()
	x.h.Peerstore().AddAddrs(x.to.host.ID(), x.to.host.Addrs(), peerstore.TempAddrTTL)
	if s, err = x.h.NewStream(ctx, x.to.host.ID(), x.to.cardProtocol()); err != nil {
		return nil, nonce, err
	}
	s.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = io.ReadFull(s, nonce[:])
	return s, nonce, err
}

// ask sends a proof and returns the answer.
func (x hand) ask(proof func(nonce [identity.AskNonceSize]byte) [32]byte) []byte {
	s, nonce, err := x.open()
	if err != nil {
		return nil
	}
	defer s.Reset()
	p := proof(nonce)
	s.Write(p[:])
	b, _ := io.ReadAll(s)
	return b
}

// TestAskIsBound: a proof serves once, by one asker, towards one answerer.
func TestAskIsBound(t *testing.T) {
	na, _, a, _ := carded(t)
	c, err := identity.ParseShortCard(codeOf(t, a))
	if err != nil {
		t.Fatal(err)
	}
	x := hand{t, plain(t, "asker"), na}
	me, it := string(x.h.ID()), string(na.host.ID())
	var heard [32]byte
	for i, step := range []struct {
		name  string
		proof func(n [identity.AskNonceSize]byte) [32]byte
		want  bool
	}{
		{"right", func(n [identity.AskNonceSize]byte) [32]byte { heard = c.Ask(n, me, it); return heard }, true},
		{"replayed", func([identity.AskNonceSize]byte) [32]byte { return heard }, false},
		{"of another asker", func(n [identity.AskNonceSize]byte) [32]byte { return c.Ask(n, string(peer.ID("other")), it) }, false},
		{"towards another", func(n [identity.AskNonceSize]byte) [32]byte { return c.Ask(n, me, me) }, false},
		{"empty", func([identity.AskNonceSize]byte) [32]byte { return [32]byte{} }, false},
	} {
		na.desk.clear()
		if got := x.ask(step.proof); (len(got) > 0) != step.want {
			t.Errorf("%d %s: %d bytes", i, step.name, len(got))
		}
	}
}

// TestAskFlood: who asks without end gets a few answers, one at a time; others are answered all the same.
func TestAskFlood(t *testing.T) {
	na, _, a, b := carded(t)
	line := codeOf(t, a)
	c, err := identity.ParseShortCard(line)
	if err != nil {
		t.Fatal(err)
	}
	x := hand{t, plain(t, "asker"), na}
	right := func(n [identity.AskNonceSize]byte) [32]byte { return c.Ask(n, string(x.h.ID()), string(na.host.ID())) }
	held, _, err := x.open()
	if err != nil {
		t.Fatal(err)
	}
	if len(x.ask(right)) > 0 {
		t.Error("two asks of one peer at a time")
	}
	held.Reset()
	until(t, "the first is over", func() bool { na.desk.mu.Lock(); defer na.desk.mu.Unlock(); return na.desk.open == 0 })
	answers := 0
	for range 40 {
		if len(x.ask(right)) > 0 {
			answers++
		}
	}
	if answers == 0 || answers >= askBurst {
		t.Errorf("%d answers", answers)
	}
	if _, err := b.FetchCard(t.Context(), CardQuery{Card: line, Addr: na.Addrs()[0]}); err != nil {
		t.Errorf("another asks: %v", err)
	}
}

// TestTokens: what is spent comes back with time, and no more.
func TestTokens(t *testing.T) {
	var k tokens
	now := noon
	spend := func() (n int) {
		for k.spend(now, 4, time.Second) {
			n++
		}
		return n
	}
	for after, want := range []int{4, 1, 2, 3, 4, 4} {
		now = now.Add(time.Duration(after) * time.Second)
		if got := spend(); got != want {
			t.Errorf("after %d s: %d", after, got)
		}
	}
}
