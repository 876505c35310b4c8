package envelope

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func testKeys() Keys {
	var session [32]byte
	for i := range session {
		session[i] = byte(i)
	}
	return Derive(Secret(bytes.Repeat([]byte{7}, 32)), session)
}

// TestSchedule pins the first keys of S = 07 x 32 in session 00..1f.
func TestSchedule(t *testing.T) {
	k := testKeys()
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"kid", "e577930fe9921f77", k.KID[:]},
		{"EK", "a76d83b6c8d53f2af619d7a3e85186e9a6321a6cb5ae3d624fc67af0bacf4b76", k.Epoch[:]},
		{"ST", "7a0e10435f1f4139a54aef324afcbbb5b8d06e49a8dc68245c0bc3566019bd93", k.Tag[:]},
		{"R", "b9392526e75f2fa216e9f94ed773eab1ad0dfb1f55b5d5a54d56b8cff996d601", k.Rdv[:]},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s: got %s want %s", c.name, got, c.want)
		}
	}
}

func TestSealOpen(t *testing.T) {
	k, at := testKeys(), Place{Author: [32]byte{1}, Seq: 3, Skeleton: []byte("skeleton")}
	for _, n := range []int{0, 1, 30, 31, 32, 255, 256, 1023, 1024, MaxContent} {
		content := bytes.Repeat([]byte{0}, n)
		body, err := k.Seal(at, content, strings.NewReader(strings.Repeat("r", 32)))
		if err != nil || len(body) != Size(n) {
			t.Fatalf("seal %d: %d bytes, %v", n, len(body), err)
		}
		got, err := k.Open(at, body)
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("open %d: %v", n, err)
		}
	}
	if _, err := k.Seal(at, make([]byte, MaxContent+1), nil); !errors.Is(err, ErrTooBig) {
		t.Errorf("over the limit: %v", err)
	}
}

// TestOpensOnlyInItsPlace moves a body to another author, seq or skeleton and flips each bit.
func TestOpensOnlyInItsPlace(t *testing.T) {
	k, at := testKeys(), Place{Author: [32]byte{1}, Seq: 3, Skeleton: []byte("skeleton")}
	body, err := k.Seal(at, []byte("salam"), strings.NewReader(strings.Repeat("r", 32)))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []Place{{[32]byte{2}, 3, at.Skeleton}, {at.Author, 4, at.Skeleton}, {at.Author, 3, []byte("skeletoN")}} {
		if _, err := k.Open(other, body); !errors.Is(err, ErrOpen) {
			t.Errorf("opens elsewhere: %v", err)
		}
	}
	for i := range len(body) * 8 {
		b := bytes.Clone(body)
		b[i/8] ^= 1 << (i % 8)
		if _, err := k.Open(at, b); err == nil {
			t.Fatalf("opens with bit %d flipped", i)
		}
	}
	for n := range body {
		if _, err := k.Open(at, body[:n]); err == nil {
			t.Fatalf("opens cut to %d", n)
		}
	}
}

// TestSameRandomnessOtherText: a cloned source must not give two texts one key and nonce.
func TestSameRandomnessOtherText(t *testing.T) {
	k, at := testKeys(), Place{Author: [32]byte{1}}
	seal := func(s string) []byte {
		b, err := k.Seal(at, []byte(s), strings.NewReader(strings.Repeat("r", 32)))
		if err != nil {
			t.Fatal(err)
		}
		return b[headSize : headSize+saltSize]
	}
	if bytes.Equal(seal("a"), seal("b")) {
		t.Error("two texts share a salt")
	}
}

func FuzzOpen(f *testing.F) {
	k, at := testKeys(), Place{Author: [32]byte{1}}
	body, _ := k.Seal(at, []byte("salam"), strings.NewReader(strings.Repeat("r", 32)))
	f.Add(body)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := k.Open(at, b); err == nil && !bytes.Equal(b, body) {
			t.Error("a forged body opens")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	k, at := testKeys(), Place{Author: [32]byte{1}, Skeleton: make([]byte, 200)}
	content, rnd := make([]byte, 1000), bytes.NewReader(make([]byte, 32))
	for b.Loop() {
		rnd.Seek(0, 0)
		if _, err := k.Seal(at, content, rnd); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	k := Derive(Secret{1}, [32]byte{2})
	at := Place{Author: [32]byte{3}, Seq: 0, Skeleton: []byte("the map of the vertex")}
	body, _ := k.Seal(at, []byte("salam"), strings.NewReader(strings.Repeat("r", 32)))
	text, err := k.Open(at, body)
	fmt.Println(string(text), err, len(body))
	// Output: salam <nil> 66
}

func BenchmarkOpen(b *testing.B) {
	k, at := testKeys(), Place{Author: [32]byte{1}, Skeleton: make([]byte, 200)}
	body, _ := k.Seal(at, make([]byte, 220), bytes.NewReader(make([]byte, 32)))
	for b.Loop() {
		if _, err := k.Open(at, body); err != nil {
			b.Fatal(err)
		}
	}
}
