package courier

import (
	"os"
	"testing"

	"github.com/pars-network/pars/pkg/bundle"
)

// TestThreeTrips: bundles alone make two homes equal, and the third carries what is missing and no more.
func TestThreeTrips(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	a.say(700, 1)
	b.say(300, 2)
	one, _ := a.pack(PackQuery{Parity: 800})
	b.mustUnpack(one)
	two, p := b.pack(PackQuery{Parity: 800, Have: a.have()})
	if p.Entries != 301 {
		t.Errorf("the second trip carries %d entries, not the 301 that are missing", p.Entries)
	}
	a.mustUnpack(two)
	if !same(a, b) {
		t.Fatal("two trips do not make them equal")
	}
	a.say(5, 3)
	all, _ := a.pack(PackQuery{Form: bundle.FormSealed})
	three, p := a.pack(PackQuery{Have: b.have()})
	if p.Entries != 5 || p.Size > 5*900 || p.Size*20 > size(t, all) {
		t.Errorf("the third trip has %d entries in %d bytes, all of it %d", p.Entries, p.Size, size(t, all))
	}
	b.mustUnpack(three)
	if !same(a, b) {
		t.Error("three trips do not make them equal")
	}
	if v, _, err := b.unpack(one); err != nil || !v.Known {
		t.Errorf("a bundle that was taken is read again: %v %+v", err, v)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestForwarded: what a home got by bundles, with few signatures, it can hand on, to a third and a fourth.
func TestForwarded(t *testing.T) {
	h := rooms(t, 4)
	for i := range uint64(3) {
		h[i].say(1700, i)
		if i > 0 {
			path, _ := h[i-1].pack(PackQuery{Parity: 100})
			h[i].mustUnpack(path)
			h[i].say(600, 10+i)
		}
	}
	path, _ := h[2].pack(PackQuery{Parity: 100})
	h[3].mustUnpack(path)
	if _, parked := h[3].room.Log().Count(); parked > 0 {
		t.Errorf("%d wait in the end", parked)
	}
	h[3].say(2, 20)
	path, _ = h[3].pack(PackQuery{Parity: 100})
	for i := range 3 {
		h[i].mustUnpack(path)
		if !same(h[i], h[3]) {
			t.Errorf("home %d is not equal", i)
		}
	}
}

// TestForwardedPair: two wrote at once, far more than a log parks of an author; who got both by bundles hands them on.
func TestForwardedPair(t *testing.T) {
	h := rooms(t, 4)
	for i := range uint64(2) {
		h[i].say(1500, i)
		path, _ := h[i].pack(PackQuery{Parity: 100})
		h[2].mustUnpack(path)
	}
	path, _ := h[2].pack(PackQuery{Parity: 100})
	h[3].mustUnpack(path)
	path, _ = h[3].pack(PackQuery{Have: h[2].have()})
	h[2].mustUnpack(path)
	if !same(h[2], h[3]) {
		t.Error("not equal")
	}
}

// TestLimit: a bundle never exceeds its limit, fills it, and every trip goes on where the last one ended.
func TestLimit(t *testing.T) {
	h := rooms(t, 2)
	a, b := h[0], h[1]
	a.say(3500, 1)
	for trip, limit := range []int64{2953, 40 << 10, 100_000, 200_000, 1 << 20, 16 << 20} {
		q := PackQuery{Limit: limit, Parity: 800, Have: b.have()}
		path, p := a.pack(q)
		if p.Size > limit || size(t, path) != p.Size {
			t.Fatalf("%d bytes of %d", p.Size, limit)
		}
		if p.Left > 0 && p.Size < limit*97/100 && limit > 50_000 {
			t.Errorf("%d bytes of %d, and %d entries left", p.Size, limit, p.Left)
		}
		if p.Left > 0 && p.Size < limit*90/100 {
			t.Errorf("%d bytes of %d, and %d entries left", p.Size, limit, p.Left)
		}
		if p.Entries == 0 {
			t.Errorf("trip %d carries nothing", trip)
			break
		}
		if got := b.mustUnpack(path); got["parked"] > 0 {
			t.Errorf("%d wait", got["parked"])
		}
		if p.Left == 0 {
			break
		}
	}
	path, _ := b.pack(PackQuery{Have: a.have()})
	a.mustUnpack(path)
	if !same(a, b) {
		t.Error("not equal in the end")
	}
}
