package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
)

func TestFrame(t *testing.T) {
	var b []byte
	for _, n := range []int{0, 1, 126, 127, 5000, MaxFrame - 1} {
		b = AppendFrame(b, byte(n), bytes.Repeat([]byte{7}, n))
	}
	r := bufio.NewReader(bytes.NewReader(b))
	for _, n := range []int{0, 1, 126, 127, 5000, MaxFrame - 1} {
		typ, payload, err := ReadFrame(r)
		if err != nil || typ != byte(n) || len(payload) != n || bytes.Count(payload, []byte{7}) != n {
			t.Errorf("frame of %d: got type %d, %d bytes, %v", n, typ, len(payload), err)
		}
	}
	if _, _, err := ReadFrame(r); err != io.EOF {
		t.Errorf("end of stream: got %v", err)
	}
}

func TestFrameRefused(t *testing.T) {
	whole := AppendFrame(nil, 1, make([]byte, 9000))
	for _, n := range []int{1, 2, 3, 5000, len(whole) - 1} {
		if _, _, err := ReadFrame(bufio.NewReader(bytes.NewReader(whole[:n]))); err != io.ErrUnexpectedEOF {
			t.Errorf("cut to %d bytes: got %v", n, err)
		}
	}
	for _, head := range [][]byte{
		{0},
		AppendUvarint(nil, MaxFrame+1),
		AppendUvarint(nil, 1<<63),
		{0x81, 0x00},
		bytes.Repeat([]byte{0xff}, 11),
	} {
		if _, _, err := ReadFrame(bufio.NewReader(bytes.NewReader(head))); !errors.Is(err, ErrInvalid) {
			t.Errorf("head % x: got %v", head, err)
		}
	}
}

// allocated returns how many bytes f takes from the heap.
func allocated(f func()) uint64 {
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	f()
	runtime.ReadMemStats(&b)
	return b.TotalAlloc - a.TotalAlloc
}

// A stranger who announces a large frame and sends a few bytes must not get the memory of a large one.
func TestFrameMemoryFollowsInput(t *testing.T) {
	for _, sent := range []int{0, 100, 20_000, 100_000} {
		head := AppendUvarint(nil, MaxFrame)
		r := bufio.NewReader(bytes.NewReader(append(head, make([]byte, sent)...)))
		got := allocated(func() {
			if _, _, err := ReadFrame(r); err != io.ErrUnexpectedEOF {
				t.Errorf("%d bytes sent: got %v", sent, err)
			}
		})
		if limit := uint64(4*sent + 16<<10); got > limit {
			t.Errorf("%d bytes sent: %d allocated, limit %d", sent, got, limit)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(AppendFrame(nil, 3, []byte("abc")))
	f.Add([]byte{0x80, 0x80, 0x10})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		br := bufio.NewReader(r)
		typ, payload, err := ReadFrame(br)
		if err != nil {
			return
		}
		n := len(b) - r.Len() - br.Buffered()
		if again := AppendFrame(nil, typ, payload); !bytes.Equal(again, b[:n]) {
			t.Errorf("% x read, written again as % x", b[:n], again)
		}
	})
}
