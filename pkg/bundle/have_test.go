package bundle

import (
	"testing"

	"github.com/pars-network/pars/pkg/reconcile"
)

func TestHave(t *testing.T) {
	var list []reconcile.Author
	for i := range uint64(350) {
		list = append(list, reconcile.Author{Key: keyOf(i), Next: i * 7, Tip: keyOf(i + 1000)})
	}
	s := HaveSession{Secret: keyOf(1), Authors: list, Wanted: [][32]byte{keyOf(9)}}
	other := HaveSession{Secret: keyOf(2), Authors: list[:3]}
	shelf := [][32]byte{keyOf(20), keyOf(21), keyOf(22)}
	b := EncodeHave(490000, [8]byte{1, 2, 3}, []HaveSession{s, other}, shelf, 64)
	one := EncodeHave(490000, [8]byte{1}, []HaveSession{s}, nil, 0)
	if len(one) > 2953 {
		t.Errorf("350 authors take %d bytes, more than one symbol of version 40", len(one))
	}
	h, err := DecodeHave(b)
	if err != nil {
		t.Fatal(err)
	}
	v, err := h.For(keyOf(1))
	if err != nil || v == nil {
		t.Fatal(v, err)
	}
	if len(v.Wanted) != 1 || v.Wanted[0] != [8]byte(seeded(9, 8)) {
		t.Errorf("wanted %x", v.Wanted)
	}
	left := 0
	for i, a := range list {
		got := v.Next(a.Key, false, func(uint64) ([32]byte, bool) { return a.Tip, true })
		if got != a.Next {
			left++ // two names of one tag
		}
		if other := v.Next(a.Key, false, func(uint64) ([32]byte, bool) { return keyOf(5), true }); a.Next > 0 && other != 0 {
			t.Errorf("author %d with another past is sent from %d", i, other)
		}
		if v.Next(a.Key, true, func(uint64) ([32]byte, bool) { return a.Tip, true }) != 0 {
			t.Errorf("forked author %d is not sent whole", i)
		}
	}
	if left > 4 || left > 0 && !h.Partial {
		t.Errorf("%d authors left out, partial %v", left, h.Partial)
	}
	if v, err := h.For(keyOf(3)); v != nil || err != nil {
		t.Errorf("a stranger's session is found: %v %v", v, err)
	}
	missing, ok := h.Shelf([][32]byte{keyOf(21), keyOf(33)})
	if !ok || len(missing) != 1 || missing[0] != [32]byte(keyOf(33)) {
		t.Errorf("missing %x %v", missing, ok)
	}
}
