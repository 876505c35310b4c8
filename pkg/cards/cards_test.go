package cards

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

var noon = time.Unix(1_800_000_000, 0)

// keep makes an engine outlive the Store that is closed over it.
type keep struct{ store.Engine }

func (keep) Close() error { return nil }

// newShelf returns the shelf of the device that id draws, on an engine.
func newShelf(t testing.TB, id byte, e store.Engine) *Shelf {
	t.Helper()
	rnd := rand.NewChaCha8([32]byte{id})
	st, err := store.New(keep{e}, store.Options{Key: store.Key{id}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	root, err := identity.NewRoot([64]byte{id})
	if err != nil {
		t.Fatal(err)
	}
	var dh [32]byte
	rnd.Read(dh[:])
	agree, err := ecdh.X25519().NewPrivateKey(dh[:])
	if err != nil {
		t.Fatal(err)
	}
	key := sig.FromSeed([32]byte{id})
	cert := &identity.Cert{Sign: key.Public(), Flags: identity.Grant, Made: uint64(noon.Unix()), Expires: uint64(noon.Unix()) + identity.MaxCertLife}
	copy(cert.Agree[:], agree.PublicKey().Bytes())
	root.Certify(cert)
	return New(Config{Store: st, DEK: store.Key{id}, State: store.Key{id, 1}, Root: root.Public(), Cert: cert, Key: key, Rand: rnd})
}

func own(t testing.TB, s *Shelf, roads [][]byte, at time.Time) (*identity.Card, []byte) {
	t.Helper()
	c, b, err := s.Own(roads, at)
	if err != nil {
		t.Fatal(err)
	}
	return c, b
}

var home, away = [][]byte{{1}, {2}}, [][]byte{{3}}

// TestOwn: one encoding for a week, over restarts; another week, other keys; other roads, other bytes and the same keys.
func TestOwn(t *testing.T) {
	e := store.NewMemory()
	s := newShelf(t, 1, e)
	first, b := own(t, s, home, noon)
	if err := first.Verify(s.Account(), never); err != nil {
		t.Fatal(err)
	}
	for i, x := range []*Shelf{s, newShelf(t, 1, e)} {
		for _, roads := range [][][]byte{home, {{2}, {1}}, nil} {
			if _, again := own(t, x, roads, noon.Add(6*24*time.Hour)); !bytes.Equal(again, b) {
				t.Errorf("shelf %d: other bytes in the same week", i)
			}
		}
	}
	if _, again := own(t, s, away, noon.Add(time.Minute)); !bytes.Equal(again, b) {
		t.Error("roads that flap make a card a minute")
	}
	moved, _ := own(t, s, away, noon.Add(time.Hour))
	if moved.Seq <= first.Seq || moved.Devices[0].Prekeys.ID != first.Devices[0].Prekeys.ID || !slices.EqualFunc(moved.Roads, away, bytes.Equal) {
		t.Errorf("moved: %+v", moved)
	}
	next, _ := own(t, s, nil, noon.Add(7*24*time.Hour))
	if next.Devices[0].Prekeys.ID == first.Devices[0].Prekeys.ID || next.Seq <= moved.Seq || next.Inbox != first.Inbox || len(next.Roads) != 1 {
		t.Errorf("next week: %+v", next)
	}
	if list, err := s.Openers(); err != nil || len(list) != 3 || !bytes.Equal(list[2].Card, b) {
		t.Errorf("%d openers, %v", len(list), err)
	}
}

// TestFlapping: however often the roads change, what is kept of a week is bounded.
func TestFlapping(t *testing.T) {
	s := newShelf(t, 1, store.NewMemory())
	for i := range 100 {
		own(t, s, [][]byte{{byte(i)}}, noon.Add(time.Duration(i)*roadsEvery))
	}
	if list, err := s.Openers(); err != nil || len(list) != maxWeek {
		t.Errorf("%d cards are kept, %v", len(list), err)
	}
}

// TestFirstRoads: a card that was made before there was a network gets its roads at once.
func TestFirstRoads(t *testing.T) {
	s := newShelf(t, 1, store.NewMemory())
	own(t, s, nil, noon)
	if c, _ := own(t, s, home, noon.Add(time.Second)); len(c.Roads) != 2 {
		t.Errorf("%d roads", len(c.Roads))
	}
}

// TestErased: 30 days after its end the private half of a week is gone from the store, and not a day before.
func TestErased(t *testing.T) {
	s := newShelf(t, 1, store.NewMemory())
	_, b := own(t, s, home, noon)
	holds := func(at time.Duration) bool {
		own(t, s, home, noon.Add(at))
		list, err := s.Openers()
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(o Opener) bool { return bytes.Equal(o.Card, b) })
	}
	const day = 24 * time.Hour
	if !holds(0) || !holds(20*day) || !holds(44*day) {
		t.Error("erased too early")
	}
	if holds(44*day + time.Second) {
		t.Error("kept for ever")
	}
	h, err := s.held()
	if err != nil || len(h.keys) != 2 || len(h.cards) != 2 {
		t.Errorf("%d keys and %d cards are left, %v", len(h.keys), len(h.cards), err)
	}
}

// TestClockAhead: a card of a day to come is followed by one of today when the clock is set right.
func TestClockAhead(t *testing.T) {
	s := newShelf(t, 1, store.NewMemory())
	wrong, _ := own(t, s, home, noon.Add(1000*time.Hour))
	right, _ := own(t, s, home, noon)
	if right.Issued != uint64(noon.Unix()) || right.Seq <= wrong.Seq {
		t.Errorf("issued %d, number %d after %d", right.Issued, right.Seq, wrong.Seq)
	}
}

// TestSealed: prekeys open under the state key alone; without it the card is made anew.
func TestSealed(t *testing.T) {
	e := store.NewMemory()
	s := newShelf(t, 1, e)
	c, _ := own(t, s, home, noon)
	cfg := s.cfg
	cfg.State = store.Key{9}
	other := New(cfg)
	if list, err := other.Openers(); err != nil || len(list) != 0 {
		t.Errorf("%d openers without the state key, %v", len(list), err)
	}
	if again, _ := own(t, other, home, noon); again.Devices[0].Prekeys.Agree == c.Devices[0].Prekeys.Agree {
		t.Error("a prekey without its private half is given out")
	}
}

// TestLostKeys: a card whose private halves are lost is not given out any more.
func TestLostKeys(t *testing.T) {
	s := newShelf(t, 1, store.NewMemory())
	c, _ := own(t, s, home, noon)
	b := &store.Batch{}
	s.own.Delete(b, store.TableKeys, keysKey(c.Devices[0].Prekeys.ID))
	if err := s.cfg.Store.Commit(b); err != nil {
		t.Fatal(err)
	}
	next, _ := own(t, s, home, noon)
	if next.Seq <= c.Seq || next.Devices[0].Prekeys.ID <= c.Devices[0].Prekeys.ID {
		t.Error("nobody can open what is sealed to this card")
	}
}

func TestNoRoot(t *testing.T) {
	s := newShelf(t, 1, store.NewMemory())
	s.cfg.Root = identity.RootPublic{}
	if _, _, err := s.Own(home, noon); !errors.Is(err, ErrNoRoot) {
		t.Errorf("got %v", err)
	}
	other, _ := identity.NewRoot([64]byte{77})
	s.cfg.Root = other.Public()
	if _, _, err := s.Own(home, noon); !errors.Is(err, identity.ErrVerify) {
		t.Errorf("with another account's key: %v", err)
	}
	if list, _ := s.Openers(); len(list) != 0 {
		t.Error("a card that does not verify is kept")
	}
}

// TestOthers: the newest card stays, whatever comes after it.
func TestOthers(t *testing.T) {
	e := store.NewMemory()
	mine, his := newShelf(t, 1, e), newShelf(t, 2, store.NewMemory())
	old, _ := own(t, his, home, noon)
	fresh, _ := own(t, his, away, noon.Add(time.Hour))
	twin := *fresh
	twin.Name = "other"
	twin.SignWith(twin.Signer, his.cfg.Key)
	now := uint64(noon.Unix())
	if _, err := mine.Get(his.Account()); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("before: %v", err)
	}
	for i, x := range []struct {
		put  *identity.Card
		at   uint64
		want error
		held *identity.Card
	}{
		{old, now + identity.CardLife + identity.Slack + 1, identity.ErrCardExpired, nil}, {old, now, nil, old}, {fresh, now, nil, fresh}, {fresh, now, nil, fresh},
		{old, now, identity.ErrOldCard, fresh}, {&twin, now, identity.ErrTwoCards, fresh},
	} {
		held, err := mine.Put(x.put, x.at)
		if !errors.Is(err, x.want) || (held == nil) != (x.held == nil) || held != nil && held.Seq != x.held.Seq {
			t.Errorf("%d: %v, %v", i, held, err)
		}
	}
	got, err := newShelf(t, 1, e).Get(his.Account())
	if err != nil || !bytes.Equal(got.Encode(), fresh.Encode()) {
		t.Errorf("after a restart: %v", err)
	}
	n := 0
	if err := mine.List(func(*identity.Card) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d cards, %v", n, err)
	}
}

// TestOnce: what is for one hand-over is not kept.
func TestOnce(t *testing.T) {
	mine, his := newShelf(t, 1, store.NewMemory()), newShelf(t, 2, store.NewMemory())
	c, b := own(t, his, home, noon)
	handed := *c
	handed.Once = &identity.OneTime{Device: handed.Signer}
	handed.Once.SignWith(his.cfg.Key)
	held, err := mine.Put(&handed, uint64(noon.Unix()))
	if err != nil || !bytes.Equal(held.Encode(), b) {
		t.Errorf("kept %+v, %v", held, err)
	}
}

// TestCodes: a new code is another, and the old one ends after two days.
func TestCodes(t *testing.T) {
	e := store.NewMemory()
	s := newShelf(t, 1, e)
	numbers := func(at time.Duration) (out []uint32) {
		list, err := newShelf(t, 1, e).Codes(noon.Add(at))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			out = append(out, c.Number)
			if c.Card.Locator != identity.Locator(s.cfg.DEK, s.Account(), c.Number) {
				t.Error("another locator than the printed one")
			}
		}
		return out
	}
	if got := numbers(0); !slices.Equal(got, []uint32{0}) {
		t.Errorf("at first %v", got)
	}
	for i := range uint32(2) {
		if c, err := s.NewCode(noon.Add(time.Duration(i) * 24 * time.Hour)); err != nil || c.Number != i+1 || !c.Ends.IsZero() {
			t.Fatalf("%+v %v", c, err)
		}
	}
	for at, want := range map[time.Duration][]uint32{24 * time.Hour: {2, 0, 1}, 47 * time.Hour: {2, 0, 1}, 48 * time.Hour: {2, 1}, 72 * time.Hour: {2}} {
		if got := numbers(at); !slices.Equal(got, want) {
			t.Errorf("after %v: %v, want %v", at, got, want)
		}
	}
	for range maxOld - 2 {
		if _, err := s.NewCode(noon.Add(24 * time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.NewCode(noon.Add(24 * time.Hour)); err == nil {
		t.Error("codes without end")
	}
}

func TestCodesRefused(t *testing.T) {
	for name, c := range map[string]*codes{"to come": {newest: 1, old: []ending{{1, 5}}}, "order": {newest: 3, old: []ending{{2, 5}, {1, 5}}}, "twice": {newest: 3, old: []ending{{1, 5}, {1, 5}}},
		"many": {newest: 100, old: make([]ending, maxOld+1)}} {
		if _, err := decodeCodes(c.encode()); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeCodes(f *testing.F) {
	f.Add((&codes{}).encode())
	f.Add((&codes{newest: 3, old: []ending{{0, 5}, {2, 7}}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeCodes(b); err == nil && !bytes.Equal(c.encode(), b) {
			t.Error("accepted, but not canonical")
		}
	})
}

func FuzzDecodeSecrets(f *testing.F) {
	f.Add(encodeSecrets(7, &identity.PrekeySecrets{Agree: [32]byte{1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := decodeSecrets(b); err == nil && !bytes.Equal(encodeSecrets(k.expires, &k.PrekeySecrets), b) {
			t.Error("accepted, but not canonical")
		}
	})
}
