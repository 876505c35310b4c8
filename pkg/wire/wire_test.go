package wire

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestUvarint(t *testing.T) {
	for _, v := range []uint64{0, 1, 127, 128, 16383, 16384, 1<<32 - 1, 1 << 63, math.MaxUint64} {
		b := AppendUvarint(nil, v)
		got, n := Uvarint(append(b, 0xff))
		if got != v || n != len(b) || UvarintLen(v) != len(b) {
			t.Errorf("uvarint %d: got %d, %d bytes of %d, UvarintLen %d", v, got, n, len(b), UvarintLen(v))
		}
		for i := range b {
			if _, n := Uvarint(b[:i]); n != 0 {
				t.Errorf("uvarint %d cut to %d bytes was read", v, i)
			}
		}
	}
}

func TestUvarintRefused(t *testing.T) {
	for _, b := range [][]byte{
		nil,
		{0x80},
		{0x80, 0x00},
		{0xff, 0x80, 0x00},
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00},
		bytes.Repeat([]byte{0x80}, 20),
	} {
		if v, n := Uvarint(b); n != 0 {
			t.Errorf("uvarint % x: read as %d", b, v)
		}
	}
}

func TestZigzag(t *testing.T) {
	for want, v := range []int64{0, -1, 1, -2, 2} {
		if got := Zigzag(v); got != uint64(want) {
			t.Errorf("zigzag %d: got %d want %d", v, got, want)
		}
	}
	for _, v := range []int64{math.MinInt64, math.MaxInt64, -1 << 31} {
		if got := Unzigzag(Zigzag(v)); got != v {
			t.Errorf("zigzag %d: came back as %d", v, got)
		}
	}
}

func TestInvalid(t *testing.T) {
	err := Invalid("cell %d", 3)
	if !errors.Is(err, ErrInvalid) || err.Error() != "invalid encoding: cell 3" {
		t.Errorf("got %q", err)
	}
}

func FuzzUvarint(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{0x80, 0x01})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, n := Uvarint(b)
		if n == 0 {
			return
		}
		if again := AppendUvarint(nil, v); !bytes.Equal(again, b[:n]) {
			t.Errorf("% x read as %d, which is written % x", b[:n], v, again)
		}
	})
}
