package gossip

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"testing"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

func someIDs(n int, seed uint64) []envelope.ID {
	r := mrand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	out := make([]envelope.ID, n)
	for i := range out {
		r.Read(out[i][:])
	}
	return out
}

func TestHave(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100, MaxHave, MaxHave + 5} {
		ids := someIDs(n, 1)
		h := NewHave(ids, [16]byte{byte(n)})
		b := h.Append(nil)
		back, err := DecodeHave(b)
		if err != nil {
			t.Fatalf("%d ids: %v", n, err)
		}
		for _, id := range ids[:min(n, MaxHave)] {
			if !back.Has(id) {
				t.Fatalf("%d ids: one is missing", n)
			}
		}
		wrong := 0
		for _, id := range someIDs(20000, 2) {
			if back.Has(id) {
				wrong++
			}
		}
		if wrong > 60 { // one of 1,024
			t.Errorf("%d ids: %d of 20,000 strangers are held", n, wrong)
		}
		if per := float64(8*len(b)) / float64(max(n, 1)); n >= 100 && per > 13.5 {
			t.Errorf("%d ids: %.1f bits each", n, per)
		}
	}
	// Another key misses others: what is missed once comes the next time.
	ids, stranger := someIDs(1000, 3), someIDs(5000, 4)
	missed := func(key byte) (out map[envelope.ID]bool) {
		out = map[envelope.ID]bool{}
		h := NewHave(ids, [16]byte{key})
		for _, id := range stranger {
			if h.Has(id) {
				out[id] = true
			}
		}
		return out
	}
	a, b := missed(1), missed(2)
	for id := range a {
		if b[id] && len(a) > 1 {
			t.Log("one id is missed twice, as one of a million is")
		}
	}
	if len(a) == 0 || len(b) == 0 || fmt.Sprint(a) == fmt.Sprint(b) {
		t.Errorf("missed %d and %d", len(a), len(b))
	}
}

// Every one-bit change of a set is refused or is another set, and the same set has one encoding.
func TestHaveCanonical(t *testing.T) {
	h := NewHave(someIDs(50, 5), [16]byte{1})
	b := h.Append(nil)
	for i := range 8 * len(b) {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		got, err := DecodeHave(c)
		if err == nil && !bytes.Equal(got.Append(nil), c) {
			t.Errorf("bit %d: read, and written otherwise", i)
		}
	}
	for n := range len(b) {
		if _, err := DecodeHave(b[:n]); err == nil {
			t.Errorf("read %d of %d bytes", n, len(b))
		}
	}
	if _, err := DecodeHave(append(bytes.Clone(b), 0)); err == nil {
		t.Error("a byte too many")
	}
}

func FuzzDecodeHave(f *testing.F) {
	h := NewHave(someIDs(10, 6), [16]byte{1})
	f.Add(h.Append(nil))
	f.Add(make([]byte, 18))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := DecodeHave(b); err == nil && !bytes.Equal(h.Append(nil), b) {
			t.Errorf("%x is written %x", b, h.Append(nil))
		}
	})
}

func anyTag() (t [16]byte, err error) {
	_, err = rand.Read(t[:])
	return t, err
}

func TestGetHidesTheNumber(t *testing.T) {
	size := 0
	for n := range GetTags + 5 {
		var tags [][16]byte
		for range n {
			tag, _ := anyTag()
			tags = append(tags, tag)
		}
		g, err := NewGet(tags, Have{}, anyTag)
		if err != nil {
			t.Fatal(err)
		}
		b := g.Append(nil)
		if size == 0 {
			size = len(b)
		}
		back, err := DecodeGet(b)
		if err != nil || len(b) != size {
			t.Fatalf("%d tags: %d bytes, %v", n, len(b), err)
		}
		for _, tag := range tags[:min(n, GetTags)] {
			found := false
			for _, x := range back.Tags {
				found = found || x == tag
			}
			if !found {
				t.Errorf("%d tags: one is lost", n)
			}
		}
	}
	bad := errors.New("no randomness")
	if _, err := NewGet(nil, Have{}, func() (t [16]byte, err error) { return t, bad }); err != bad {
		t.Errorf("without randomness: %v", err)
	}
}

func FuzzDecodeGet(f *testing.F) {
	g, _ := NewGet(nil, NewHave(someIDs(3, 7), [16]byte{}), anyTag)
	f.Add(g.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if g, err := DecodeGet(b); err == nil && !bytes.Equal(g.Append(nil), b) {
			t.Errorf("%x is written otherwise", b)
		}
	})
}

func FuzzDecodePut(f *testing.F) {
	p := Put{6, 0, [32]byte{1}, stamped(Rules{}, 0, 9)}
	f.Add(p.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePut(b)
		if err == nil && (!bytes.Equal(p.Append(nil), b) || p.Copies == 0 || p.Copies > maxCopies || p.Hops > maxHops) {
			t.Errorf("%x is %d copies, written otherwise", b[:34], p.Copies)
		}
	})
}

func FuzzDecodeAcks(f *testing.F) {
	f.Add(AppendAcks(nil, []Ack{{}, {}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := DecodeAcks(b); err == nil && !bytes.Equal(AppendAcks(nil, list), b) {
			t.Errorf("%x is written otherwise", b)
		}
	})
}

func FuzzDecodeRange(f *testing.F) {
	f.Add(Range{4, 0x7000}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeRange(b); err == nil && !bytes.Equal(r.Append(nil), b) {
			t.Errorf("%x is written otherwise", b)
		}
	})
}

func TestRange(t *testing.T) {
	id := envelope.ID{0xab, 0xcd}
	for _, c := range []struct {
		r    Range
		want bool
	}{{Range{}, true}, {Range{4, 0xa000}, true}, {Range{4, 0xb000}, false}, {Range{16, 0xabcd}, true}, {Range{16, 0xabcc}, false}} {
		if got := c.r.Holds(id); got != c.want {
			t.Errorf("%+v: %v", c.r, got)
		}
	}
	for _, b := range [][]byte{nil, {0, 0}, {17, 0, 0}, {4, 0xaf, 0}, {0, 0x80, 0}} {
		if _, err := DecodeRange(b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

func FuzzDecodeReply(f *testing.F) {
	f.Add([]byte(`{"id":"0102030405060708090a0b0c0d0e0f1011121314","do":"ignore","why":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeReply(b)
		if err != nil && !errors.Is(err, wire.ErrInvalid) || r.Do > Reject {
			t.Errorf("%q: %+v %v", b, r, err)
		}
	})
}

func FuzzDecodeLetter(f *testing.F) {
	env := stamped(Rules{}, 0, 9)
	l := letter{id: envelope.EnvelopeID(env), group: "g", copies: 3}
	f.Add(l.encode(env))
	l.gone = true
	f.Add(l.encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, env, err := decodeLetter(b); err == nil && !bytes.Equal(l.encode(env), b) {
			t.Errorf("%x is written otherwise", b)
		}
	})
}
