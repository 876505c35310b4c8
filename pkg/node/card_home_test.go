package node

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/cards"
	"github.com/pars-network/pars/pkg/identity"
)

// TestRootIsLearned: a home from before roots were kept learns its own once, from the phrase; the card outlives the phrase.
func TestRootIsLearned(t *testing.T) {
	dir := tempHome(t)
	reopen := func(f func(h *Home)) {
		h, err := OpenHome(config(t, dir), true)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		f(h)
	}
	forget := func(h *Home) {
		k := *h.keys.Keys
		if len(k.Root) != 64 {
			t.Fatal("a home without a root")
		}
		k.Root = nil
		if err := h.keys.Save(&k); err != nil {
			t.Fatal(err)
		}
	}
	var account identity.Account
	var seq uint64
	reopen(forget)
	reopen(func(h *Home) {
		card, _, err := h.Cards.Own(nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		account, seq = h.Cards.Account(), card.Seq
		if err := h.ErasePhrase(); err != nil {
			t.Fatal(err)
		}
	})
	reopen(func(h *Home) {
		card, _, err := h.Cards.Own(nil, time.Now())
		if err != nil || card.Seq != seq || card.Verify(account, func(identity.DeviceID) bool { return false }) != nil {
			t.Errorf("after the phrase is erased: %v", err)
		}
		forget(h)
	})
	reopen(func(h *Home) {
		if _, _, err := h.Cards.Own(nil, time.Now()); !errors.Is(err, cards.ErrNoRoot) {
			t.Errorf("with neither: %v", err)
		}
	})
	n := start(t, dir, func(n *Node) { n.NoDHT, n.NoMail = true, true })
	until(t, "an alarm says what to do", func() bool {
		st, err := (&local{h: n.home, n: n}).Status(t.Context())
		return err == nil && len(st.Alarms) == 1 && strings.Contains(st.Alarms[0], "init --from-phrase")
	})
}
