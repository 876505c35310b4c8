package dag

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// TestBetterCopies gives a vertex without signature, without body, and whole, in every order: what came once stays,
// whether the body stands in its record or alone.
func TestBetterCopies(t *testing.T) {
	for _, size := range []int{1, maxInline, maxInline + 1} {
		for order := range 6 {
			t.Run(fmt.Sprint(size, "/", order), func(t *testing.T) { betterCopies(t, size, order) })
		}
	}
}

func betterCopies(t *testing.T, size, order int) {
	r := newRoom(t, 2)
	x := r.write(0, strings.Repeat("x", size))
	next := r.write(0, "attests it")
	unsigned, bodiless := x, x
	unsigned.Signed, unsigned.Sig = false, [64]byte{}
	bodiless.Body = nil
	copies := []vertex.Item{unsigned, bodiless, x}
	first := copies[order%3]
	copies = append(copies[:order%3], copies[order%3+1:]...)
	r.give(1, r.root, first, next)
	r.give(1, copies[order/3])
	r.open(1)
	r.give(1, copies[1-order/3])
	for range 2 {
		m, _ := r.logs[1].Find(x.ID)
		it, err := r.logs[1].Item(m.Arrival)
		if err != nil || !bytes.Equal(it.Body, x.Body) || !it.Signed || it.Sig != x.Sig || !m.Held {
			t.Fatalf("%d bytes of body, signed %v, held %v: %v", len(it.Body), it.Signed, m.Held, err)
		}
		r.open(1)
	}
}

// TestInline holds the two places of a body to their sizes.
func TestInline(t *testing.T) {
	r := newRoom(t, 1)
	r.write(0, strings.Repeat("x", maxInline))
	alone := func() (n int) {
		for _, w := range records(t, r.eng[0]) {
			if w.Key[0] == byte(store.TableBody) {
				n++
			}
		}
		return n
	}
	if n := alone(); n != 0 {
		t.Errorf("%d short bodies stand alone", n)
	}
	r.write(0, strings.Repeat("x", maxInline+1))
	if n := alone(); n != 1 {
		t.Errorf("%d long bodies stand alone", n)
	}
}

// FuzzDecodeRecord: what opens is written again as it was.
func FuzzDecodeRecord(f *testing.F) {
	r := newRoom(f, 1)
	for _, n := range []int{1, maxInline, maxInline + 1} {
		it := r.write(0, strings.Repeat("x", n))
		for flags := range uint8(16) {
			f.Add(appendRecord(nil, &it, flags))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		it, flags, err := decodeRecord(b)
		if err != nil {
			return
		}
		if fits(&it) != (flags&inline != 0) {
			return // a body of a wrong length: Item compares it with its hash
		}
		if flags&^(stored|inline) == 0 && !bytes.Equal(appendRecord(nil, &it, flags), b) {
			t.Fatalf("%x is written as %x", b, appendRecord(nil, &it, flags))
		}
	})
}
