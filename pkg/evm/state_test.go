package evm_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/wire"
)

// memory keeps files.
type memory map[string][]byte

func (m memory) ReadFile(name string) ([]byte, error) {
	if b, ok := m[name]; ok {
		return b, nil
	}
	return nil, fs.ErrNotExist
}

func (m memory) WriteAtomic(name string, b []byte) error { m[name] = b; return nil }

func ssz(k light.Kind, slot uint64, bend func(*light.Update)) []byte {
	u := chain().Update(slot, chain().All())
	if k != light.KindUpdate {
		clear(u.NextBranch)
	}
	if bend != nil {
		bend(u)
	}
	return u.Encode(chain().Spec, k)
}

// TestOffer: what comes unasked moves the head when it is news and true.
func TestOffer(t *testing.T) {
	l := newLab(t, 140)
	c := l.client(120)
	if fresh, err := c.Offer(light.KindFinality, ssz(light.KindFinality, 140, nil), "x"); fresh || !errors.Is(err, evm.ErrNoCheckpoint) || c.State() != evm.Empty {
		t.Errorf("before the start: %v %v %v", fresh, err, c.State())
	}
	l.beacon.Head = 130
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, _ := c.Head(); h.Slot != 130 || !strings.HasPrefix(c.From(), "http://127.0.0.1:") {
		t.Errorf("head %d by %q", h.Slot, c.From())
	}
	for _, x := range []struct {
		name  string
		b     []byte
		news  bool
		fresh bool
		bad   bool
	}{
		{"old", ssz(light.KindOptimistic, 129, nil), false, false, false},
		{"bent", ssz(light.KindOptimistic, 139, func(u *light.Update) { u.Signature[5] ^= 1 }), true, false, true},
		{"new", ssz(light.KindOptimistic, 139, nil), true, true, false},
		{"again", ssz(light.KindOptimistic, 139, nil), false, false, false},
		{"final", ssz(light.KindFinality, 140, nil), true, true, false},
		{"rubbish", []byte("no update"), false, false, true},
	} {
		k := light.KindOptimistic
		if x.name == "final" {
			k = light.KindFinality
		}
		if news, _ := c.News(k, x.b); news != x.news {
			t.Errorf("%s: news %v", x.name, news)
		}
		fresh, err := c.Offer(k, x.b, x.name)
		if fresh != x.fresh || errors.Is(err, wire.ErrInvalid) != x.bad || !x.bad && err != nil {
			t.Errorf("%s: fresh %v, %v", x.name, fresh, err)
		}
		if x.fresh && c.From() != x.name {
			t.Errorf("%s: head by %q", x.name, c.From())
		}
	}
	if c.State() != evm.Following {
		t.Errorf("state %v", c.State())
	}
	if l.now = l.now.Add(4 * time.Minute); c.State() != evm.Stale {
		t.Errorf("after four minutes: %v", c.State())
	}
	if l.now = l.now.Add(time.Hour); c.State() != evm.Syncing && c.State() != evm.Stalled {
		t.Errorf("after an hour: %v", c.State())
	}
}

// TestWrongClock: three who show well-signed blocks of the future say that the clock is wrong; liars say nothing.
func TestWrongClock(t *testing.T) {
	for name, forged := range map[string]bool{"true": false, "forged": true} {
		labs := []*lab{newLab(t, 130), newLab(t, 130), newLab(t, 130), newLab(t, 130)}
		c := labs[0].client(120, labs[1:]...)
		if err := c.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, l := range labs {
			l.beacon.Head = 145
			if forged {
				l.beacon.Bend = func(_ light.Kind, u *light.Update) { u.Signature[5+i] ^= 1 }
			}
		}
		for range 3 {
			_ = c.Sync(t.Context())
		}
		if got := c.State() == evm.WrongClock; got == forged {
			t.Errorf("%s: %v", name, c.State())
		}
		if h, _ := c.Head(); h.Slot != 130 {
			t.Errorf("%s: head %d", name, h.Slot)
		}
	}
}

// TestShelf: what one follower verified lets another begin and follow, over a change of the committee and a restart.
func TestShelf(t *testing.T) {
	l, files := newLab(t, 70), memory{}
	c := l.client(24)
	s := &evm.Shelf{Spec: c.Spec(), Files: files, Dir: "shelf"}
	c.Keep = s.Keep
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := &evm.Shelf{Spec: c.Spec(), Files: files, Dir: "shelf"}
	for _, from := range []*evm.Shelf{s, again} {
		other := l.client(24)
		other.Sources, other.RPCs = []evm.Source{evm.Chained{from}}, nil
		err := other.Sync(t.Context())
		if h, ok := other.Head(); from == s && (err != nil || h.Slot != 70) || !ok {
			t.Errorf("head %+v, %v", h, err)
		}
	}
	if _, err := again.Updates(t.Context(), 0, 4); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if _, err := again.Optimistic(t.Context()); !errors.Is(err, evm.ErrNone) {
		t.Errorf("newest after a restart: %v", err)
	}
	if n := len(s.All()); n < 3 {
		t.Errorf("%d for couriers", n)
	}
}

// TestSecretURL: an error names a server without the key that its URL may hold.
func TestSecretURL(t *testing.T) {
	c := newLab(t, 140).client(120)
	c.Sources, c.RPCs = nil, nil
	for _, u := range []string{"http://user:hush@127.0.0.1:1/", "http://127.0.0.1:1/v2/hush", "http://127.0.0.1:1/?key=hush"} {
		b, err := evm.NewBeacon(u, evm.NewHTTP(), c.Spec())
		if err != nil {
			t.Fatal(err)
		}
		r, err := evm.NewRPC(u, evm.NewHTTP())
		if err != nil {
			t.Fatal(err)
		}
		c.Sources, c.RPCs = append(c.Sources, b), append(c.RPCs, r)
	}
	err := errors.Join(c.Sync(t.Context()), c.Broadcast(context.Background(), chain().Blocks[1].Transactions()[0].Data()))
	if raw, e := chain().Blocks[1].Transactions()[0].MarshalBinary(); e == nil {
		err = errors.Join(err, c.Broadcast(t.Context(), raw))
	}
	if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "127.0.0.1:1/…") {
		t.Errorf("%v", err)
	}
}
