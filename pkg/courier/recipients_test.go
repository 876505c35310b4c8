package courier

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/cards"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
)

// shelved gives a home an account and returns its shelf.
func (h *home) shelve(id byte) *cards.Shelf {
	h.t.Helper()
	root, err := identity.NewRoot([64]byte{id})
	if err != nil {
		h.t.Fatal(err)
	}
	agree, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{id}, 32))
	if err != nil {
		h.t.Fatal(err)
	}
	key := sig.FromSeed([32]byte{id})
	cert := &identity.Cert{Sign: key.Public(), Made: uint64(noon.Unix()), Expires: uint64(noon.Unix()) + identity.MaxCertLife}
	copy(cert.Agree[:], agree.PublicKey().Bytes())
	root.Certify(cert)
	h.cfg.Cards = cards.New(cards.Config{Store: h.cfg.Store, DEK: store.Key{h.id}, State: store.Key{1}, Root: root.Public(), Cert: cert, Key: key, Rand: h.cfg.Rand})
	return h.cfg.Cards
}

// TestForCard: what is sealed to a card is read by its owner, who shares nothing with the packer, and by nobody else.
func TestForCard(t *testing.T) {
	homes := rooms(t, 3)
	from, to, other := homes[0], homes[1], homes[2]
	from.say(3, 1)
	for i, h := range homes {
		h.shelve(byte(i + 1))
	}
	card, raw, err := to.cfg.Cards.Own([][]byte{{1}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	letter := filepath.Join(t.TempDir(), "letter")
	if err := os.WriteFile(letter, []byte("for one"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := []AddedFile{{Kind: "file", Path: letter, Name: "letter"}}
	account := to.cfg.Cards.Account().String()
	if _, err := from.Pack(context.Background(), PackQuery{Add: file, For: []string{account}}, &bytes.Buffer{}); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("without the card: %v", err)
	}
	if _, err := from.cfg.Cards.Put(card, uint64(noon.Unix())); err != nil {
		t.Fatal(err)
	}
	session := []string{from.room.ID().String()}
	for name, q := range map[string]PackQuery{
		"held":  {Add: file, For: []string{account}, Sessions: session},
		"given": {Add: file, Cards: [][]byte{raw}, Sessions: session},
		"large": {Add: file, For: []string{account}, Sessions: session, Form: bundle.FormSealed, Parity: 800},
	} {
		if err := os.WriteFile(letter, []byte(name), 0o600); err != nil { // another body
			t.Fatal(err)
		}
		path, p := from.pack(q)
		if len(p.Warnings) != 0 {
			t.Errorf("%s: %v", name, p.Warnings)
		}
		if _, _, err := other.unpack(path); !errors.Is(err, bundle.ErrNotForUs) { // a member of the session
			t.Errorf("%s: another opens it: %v", name, err)
		}
		var got string
		_, err := to.Unpack(context.Background(), FileQuery{Path: path}, func(r Result) error { got += r.Path; return nil })
		if b, rerr := os.ReadFile(got); err != nil || rerr != nil || string(b) != name {
			t.Errorf("%s: %q %v %v", name, b, err, rerr)
		}
	}
	forged := bytes.Clone(raw)
	forged[len(forged)-1] ^= 1
	if _, err := from.Pack(context.Background(), PackQuery{Add: file, Cards: [][]byte{forged}}, &bytes.Buffer{}); !errors.Is(err, identity.ErrVerify) {
		t.Errorf("forged: %v", err)
	}
	late := from.cfg.Clock
	defer func() { from.cfg.Clock = late }()
	from.cfg.Clock = func() time.Time { return noon.Add(15 * 24 * time.Hour) }
	path, p := from.pack(PackQuery{Add: file, For: []string{account}})
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], account) {
		t.Errorf("past its expiry: %v", p.Warnings)
	}
	to.mustUnpack(path)
	from.cfg.Clock = func() time.Time { return noon.Add(45 * 24 * time.Hour) }
	if _, err := from.Pack(context.Background(), PackQuery{Add: file, For: []string{account}}, &bytes.Buffer{}); !errors.Is(err, identity.ErrCardExpired) {
		t.Errorf("nobody can open it any more: %v", err)
	}
}

// TestCardInBundle: a newer card of one who is known takes the place of the older; a stranger's does not come in.
func TestCardInBundle(t *testing.T) {
	homes := rooms(t, 3)
	from, to := homes[0], homes[1]
	from.shelve(1)
	to.shelve(2)
	homes[2].shelve(3)
	old, _, err := from.cfg.Cards.Own([][]byte{{1}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.cfg.Cards.Put(old, uint64(noon.Unix())); err != nil {
		t.Fatal(err)
	}
	var add []AddedFile
	for i, h := range []*home{from, homes[2]} {
		_, b, err := h.cfg.Cards.Own([][]byte{{2}}, noon.Add(2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "card"+string(rune('0'+i)))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		add = append(add, AddedFile{Kind: "card", Path: path})
	}
	path, _ := from.pack(PackQuery{Add: add})
	if got := to.mustUnpack(path); got["card new"] != 2 {
		t.Errorf("%v", got)
	}
	if held, err := to.cfg.Cards.Get(from.cfg.Cards.Account()); err != nil || held.Seq <= old.Seq {
		t.Errorf("number %v after %d, %v", held, old.Seq, err)
	}
	if _, err := to.cfg.Cards.Get(homes[2].cfg.Cards.Account()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a stranger's: %v", err)
	}
}
