package wire

import (
	"errors"
	"testing"
)

func TestReader(t *testing.T) {
	r := NewReader([]byte{1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0x80, 0x01, 9})
	got := []uint64{uint64(r.Byte()), uint64(r.Uint16()), uint64(r.Uint32()), r.Uint64(), r.Uvarint(128)}
	for i, want := range []uint64{1, 2, 3, 4, 128} {
		if got[i] != want {
			t.Errorf("field %d: got %d want %d", i, got[i], want)
		}
	}
	if r.Err() != nil || r.Len() != 1 || r.Offset() != 17 {
		t.Errorf("got error %v, %d left, offset %d", r.Err(), r.Len(), r.Offset())
	}
	if err := r.End(); !errors.Is(err, ErrInvalid) {
		t.Errorf("a byte left over: got %v", err)
	}
}

// After the first error every field is zero and the first error stays.
func TestReaderStaysFailed(t *testing.T) {
	r := NewReader([]byte{7, 7, 7, 7})
	if r.Uvarint(3) != 0 {
		t.Error("a number above its limit was handed out")
	}
	first := r.Err()
	r.Fail(errors.New("later"))
	if r.Byte() != 0 || r.Uint16() != 0 || r.Uint32() != 0 || r.Uint64() != 0 || r.Uvarint(9) != 0 || r.Take(1) != nil {
		t.Error("a failed reader handed out a value")
	}
	if r.End() != first {
		t.Errorf("got %v want %v", r.End(), first)
	}
}

func TestReaderTakeBounds(t *testing.T) {
	for _, n := range []int{-1, 3, 1 << 30} {
		r := NewReader([]byte{1, 2})
		if r.Take(n) != nil || r.Err() == nil {
			t.Errorf("take %d of 2 bytes was allowed", n)
		}
	}
	r := NewReader([]byte{1, 2, 3})
	if _ = append(r.Take(1), 9); r.Byte() != 2 {
		t.Error("appending to a taken slice wrote over what follows")
	}
}
