package session

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

var noon = time.UnixMilli(1_800_000_000_000).UTC()

// keep makes an engine outlive the Store that is closed over it.
type keep struct{ store.Engine }

func (keep) Close() error { return nil }

func home(t *testing.T, e store.Engine) *Sessions {
	t.Helper()
	st, err := store.New(keep{e}, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	h, err := Open(Config{Store: st, State: store.Key{1}, Network: [4]byte{1, 2, 3, 4}, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func texts(t *testing.T, s *Session) (out []string) {
	t.Helper()
	ms, err := s.Read(noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		out = append(out, m.Text)
	}
	return out
}

func send(t *testing.T, s *Session, text string) {
	t.Helper()
	if _, err := s.Send(text, noon); err != nil {
		t.Fatal(err)
	}
}

func merge(t *testing.T, from, to *Session) {
	t.Helper()
	var b bytes.Buffer
	if _, err := from.Log().Export(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Import(&b, noon, nil); err != nil {
		t.Fatal(err)
	}
}

// TestTwoHomes: an invite, both write before they meet, files go both ways.
func TestTwoHomes(t *testing.T) {
	ea, eb := store.NewMemory(), store.NewMemory()
	a, err := home(t, ea).Create("room", noon)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := ParseInvite(a.Invite(noon.Add(time.Hour), nil).String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := home(t, eb).Join(inv, "Bahar", noon)
	if err != nil {
		t.Fatal(err)
	}
	send(t, b, "before any contact")
	send(t, a, "hello")
	if b.Title() != "" || a.Title() != "room" {
		t.Errorf("titles %q %q", a.Title(), b.Title())
	}
	merge(t, b, a)
	merge(t, a, b)
	send(t, a, "hello")
	merge(t, a, b)
	if got := texts(t, b); len(got) != 3 || !slices.Equal(got, texts(t, a)) {
		t.Errorf("a reads %q, b reads %q", texts(t, a), got)
	}
	if a.Log().Digest() != b.Log().Digest() || b.Title() != "room" || len(b.Warnings()) != 0 {
		t.Errorf("title %q warnings %q", b.Title(), b.Warnings())
	}
	if ms := a.Members(); len(ms) != 2 || ms[1].Name != "Bahar" {
		t.Errorf("members %+v", ms)
	}
	again, err := home(t, eb).Get(b.ID())
	if err != nil || !slices.Equal(texts(t, again), texts(t, a)) {
		t.Errorf("after a restart: %v", err)
	}
	ms, _ := b.Read(noon)
	for _, m := range ms {
		if m.Mine && m.State != Seen && m.Text == "before any contact" {
			t.Errorf("state %s of a message the other built on", m.State)
		}
	}
}

// TestNewcomersMeetFirst: two who hold only the invite meet; what they wrote waits for the genesis.
func TestNewcomersMeetFirst(t *testing.T) {
	a, err := home(t, store.NewMemory()).Create("", noon)
	if err != nil {
		t.Fatal(err)
	}
	inv := a.Invite(time.Time{}, nil)
	b, _ := home(t, store.NewMemory()).Join(inv, "", noon)
	c, _ := home(t, store.NewMemory()).Join(inv, "", noon)
	send(t, b, "b")
	send(t, c, "c")
	merge(t, b, c)
	merge(t, c, b)
	merge(t, a, b)
	merge(t, b, c)
	merge(t, c, a)
	if got := texts(t, a); len(got) != 2 || !slices.Equal(got, texts(t, c)) || !slices.Equal(got, texts(t, b)) {
		t.Errorf("a %q b %q c %q", got, texts(t, b), texts(t, c))
	}
}

func TestInvites(t *testing.T) {
	h := home(t, store.NewMemory())
	a, err := h.Create("room", noon)
	if err != nil {
		t.Fatal(err)
	}
	good := a.Invite(noon.Add(time.Minute), [][]byte{[]byte("road"), make([]byte, 200)})
	other := home(t, store.NewMemory())
	if _, err := other.Join(good, "", noon.Add(time.Hour)); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	foreign := *good
	foreign.Network[0]++
	if _, err := other.Join(&foreign, "", noon); !errors.Is(err, ErrNetwork) {
		t.Errorf("foreign: %v", err)
	}
	b := good.Encode()
	for i := range len(b) * 8 {
		x := bytes.Clone(b)
		x[i/8] ^= 1 << (i % 8)
		if _, err := DecodeInvite(x); err == nil {
			t.Fatalf("bit %d flipped is accepted", i)
		}
	}
	newer := bytes.Clone(b)
	newer[2] = 2
	if _, err := DecodeInvite(newer); !errors.Is(err, ErrVersion) {
		t.Errorf("newer: %v", err)
	}
	for _, s := range []string{"", "pars:invite/", "pars:invite/!!", good.String()[:40], "pars:card/x", InvitePrefix + strings.Repeat("A", 9000)} {
		if _, err := ParseInvite(s); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%.20q: %v", s, err)
		}
	}
	if _, err := h.Create(strings.Repeat("x", 65), noon); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("long title: %v", err)
	}
	if _, err := a.Send(strings.Repeat("x", 50_000), noon); err == nil || !strings.Contains(err.Error(), "50000") {
		t.Errorf("long message: %v", err)
	}
}

// TestRestoredBackup: a device whose store went back writes on under a new pseudonym and loses nothing.
func TestRestoredBackup(t *testing.T) {
	ea := store.NewMemory()
	ha := home(t, ea)
	a, _ := ha.Create("room", noon)
	b, _ := home(t, store.NewMemory()).Join(a.Invite(time.Time{}, nil), "", noon)
	merge(t, a, b)
	send(t, a, "kept by b alone")
	merge(t, a, b)
	// the same device with an older disk: the keys, and the log without its last entry
	old := home(t, store.NewMemory())
	r := a.rec
	s, err := old.open(&r)
	if err != nil {
		t.Fatal(err)
	}
	merge(t, b, s)
	send(t, s, "after the restore")
	if s.Pseudonym() == a.Pseudonym() || len(s.Warnings()) == 0 {
		t.Error("writes on under a key that was used elsewhere")
	}
	merge(t, s, b)
	if got := texts(t, b); len(got) != 2 || !slices.Equal(got, texts(t, s)) {
		t.Errorf("b %q", got)
	}
	ms, _ := s.Read(noon)
	for _, m := range ms {
		if !m.Mine {
			t.Error("own message of the old pseudonym not recognised")
		}
	}
}

func TestFutureTimeIsNotShown(t *testing.T) {
	a, _ := home(t, store.NewMemory()).Create("", noon)
	if _, err := a.Send("from tomorrow", noon.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	ms, err := a.Read(noon)
	if err != nil || len(ms) != 1 || !ms[0].Time.IsZero() {
		t.Errorf("%+v %v", ms, err)
	}
}

func FuzzDecodeInvite(f *testing.F) {
	h := &Sessions{cfg: Config{}}
	s := &Session{home: h, key: sig.FromSeed([32]byte{1})}
	f.Add(s.Invite(noon, [][]byte{[]byte("road")}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := DecodeInvite(b); err == nil && !bytes.Equal(v.Encode(), b) {
			t.Error("accepted, but not canonical")
		}
	})
}

func FuzzParseInvite(f *testing.F) {
	f.Add("pars:invite/AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseInvite(s); err == nil && v.String() != strings.TrimSpace(s) {
			t.Error("accepted, but not the one text")
		}
	})
}

func FuzzControl(f *testing.F) {
	f.Add((&create{Title: "x"}).encode())
	f.Add((&join{Name: "x"}).encode())
	f.Add((&message{Text: "x", Expire: 1}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		decodeControl(b)
		decodeMessage(b)
	})
}

func Example() {
	e := store.NewMemory()
	st, _ := store.New(e, store.Options{})
	defer st.Close()
	h, _ := Open(Config{Store: st, Rand: rand.Reader})
	s, _ := h.Create("room", noon)
	s.Send("salam", noon)
	ms, _ := s.Read(noon)
	fmt.Println(s.Title(), ms[0].Text, ms[0].State)
	// Output: room salam local
}
