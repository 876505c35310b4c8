package envelope

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func day(t *testing.T) DayKey {
	t.Helper()
	k := testKeys()
	return k.FirstDay(20_000)
}

func TestEnvelopeSizes(t *testing.T) {
	for n, want := range map[int]int{0: 1024, 946: 1024, 947: 4096, 4018: 4096, 4019: 16384, 16306: 16384, 16307: 65536, 65458: 65536} {
		b, err := day(t).SealEnvelope(Batch, bytes.Repeat([]byte{7}, n), LanesGroup, 5, rand.Reader)
		if err != nil || len(b) != want {
			t.Fatalf("%d bytes: envelope of %d, want %d: %v", n, len(b), want, err)
		}
		typ, got, err := day(t).OpenEnvelope(b)
		if err != nil || typ != Batch || len(got) != n {
			t.Fatalf("%d bytes: opens to %d: %v", n, len(got), err)
		}
	}
	if _, err := day(t).SealEnvelope(Batch, make([]byte, MaxPayload+1), LanesGroup, 5, rand.Reader); !errors.Is(err, ErrTooBig) {
		t.Errorf("too big: %v", err)
	}
}

func TestEnvelopeFlips(t *testing.T) {
	b, err := day(t).SealEnvelope(Receipts, []byte("x"), LanesPair, 5, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(b) * 8 {
		x := bytes.Clone(b)
		x[i/8] ^= 1 << (i % 8)
		_, _, err := day(t).OpenEnvelope(x)
		if stamp := i/8 >= stampAt && i/8 < stampAt+8; stamp != (err == nil) {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	if _, _, err := day(t).Next().OpenEnvelope(b); !errors.Is(err, ErrOpen) {
		t.Errorf("opens on another day: %v", err)
	}
}

// TestDays: tags of two days or lanes share nothing, and a later key does not give an earlier one.
func TestDays(t *testing.T) {
	seen := map[[16]byte]bool{}
	d := day(t)
	for range 30 {
		for lane := range uint8(LanesGroup) {
			if seen[d.Tag(lane)] {
				t.Fatal("a tag comes twice")
			}
			seen[d.Tag(lane)] = true
		}
		d = d.Next()
	}
	later, ok := day(t).At(20_030)
	if !ok || later != d {
		t.Error("At is not Next thirty times")
	}
	if _, ok := later.At(20_029); ok {
		t.Error("walks back")
	}
	if _, ok := later.At(1 << 31); ok {
		t.Error("walks for ever")
	}
}

func TestStamp(t *testing.T) {
	b, err := day(t).SealEnvelope(Cover, nil, LanesPair, 5, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	netid := [32]byte{1}
	if !Stamp(netid, b, 12, 1, func() bool { return false }) || !Stamped(netid, b, 12) {
		t.Fatal("no stamp")
	}
	if Stamped([32]byte{2}, b, 12) {
		t.Error("a stamp counts in another network")
	}
	if _, _, err := day(t).OpenEnvelope(b); err != nil {
		t.Errorf("a stamped envelope does not open: %v", err)
	}
	if Stamp(netid, b, 200, 0, func() bool { return true }) {
		t.Error("does not stop")
	}
}

func FuzzDecodeOuter(f *testing.F) {
	k := testKeys()
	d := k.FirstDay(1)
	b, _ := d.SealEnvelope(Batch, []byte("x"), 2, 5, rand.Reader)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := DecodeOuter(b)
		if err == nil && !bytes.Equal(o.append(nil), b[:outerSize]) {
			t.Error("accepted, but not canonical")
		}
		if err != nil && !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%v", err)
		}
		d.OpenEnvelope(b)
	})
}

// TestVector freezes tag, id and bytes of one envelope of the keys of TestSchedule.
func TestVector(t *testing.T) {
	d := day(t)
	b, err := d.SealEnvelope(Batch, []byte("salam"), LanesGroup, 1000, bytes.NewReader(make([]byte, 24)))
	if err != nil {
		t.Fatal(err)
	}
	token := d.Token(EnvelopeID(b))
	got := fmt.Sprintf("%x %x %x", d.Tag(3), EnvelopeID(b), token[:8])
	if want := "c2d98655e58646e889f8338b9566b506 b03b47a63c91145e821950b85ec9e1d8aa259b75 429a8cccb784c0d3"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
}
