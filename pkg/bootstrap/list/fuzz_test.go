package list

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

func FuzzDecodeRoot(f *testing.F) {
	s, keys := signers(1, 2, 3, 1)
	f.Add(build(f, s, keys[:2], 7, t0, 30).Root.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeRoot(b); err == nil && !bytes.Equal(r.Encode(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzDecodeLeaf(f *testing.F) {
	s, keys := signers(1, 2, 3, 1)
	f.Add(build(f, s, keys[:2], 7, t0, 200).Leaves[2].Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := DecodeLeaf(b); err == nil && !bytes.Equal(l.Encode(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzDecodeRotation(f *testing.F) {
	want, err := os.ReadFile("testdata/vector.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(want)) {
		if h, ok := strings.CutPrefix(strings.TrimSpace(line), "rotation "); ok {
			b, _ := hex.DecodeString(h)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := DecodeRotation(b); err == nil && !bytes.Equal(r.Encode(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzDecodeSet(f *testing.F) {
	s, _ := signers(1, 2, 3, 1)
	f.Add(s.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := DecodeSet(b); err == nil && !bytes.Equal(s.Encode(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzDecodeFile(f *testing.F) {
	s, keys := signers(1, 2, 3, 1)
	f.Add(build(f, s, keys[:2], 7, t0, 30).EncodeFile())
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := DecodeFile(b, true); err == nil && !bytes.Equal(l.EncodeFile(), b) {
			t.Errorf("%x has another form", b)
		}
	})
}

func FuzzParseText(f *testing.F) {
	s, keys := signers(1, 2, 3, 1)
	l := build(f, s, keys[:2], 7, t0, 3)
	f.Add(l.Text())
	f.Add(TXT(l.Root.Encode()))
	f.Fuzz(func(t *testing.T, s string) {
		if l, err := ParseText(s, true); err == nil && l.Text() != strings.TrimSpace(s) {
			t.Errorf("%q has another form", s)
		}
		if b, ours, err := ParseTXT(s); ours && err == nil && TXT(b) != s {
			t.Errorf("%q has another form", s)
		}
	})
}

func FuzzParseAutoConf(f *testing.F) {
	f.Add([]byte(`{"AutoConfSchema":1,"SystemRegistry":{"a":{"NativeConfig":{"Bootstrap":["/ip4/8.8.8.8/tcp/1/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"]}}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := ParseAutoConf(b); err == nil && len(list) > MaxPeers {
			t.Errorf("%d addresses", len(list))
		}
	})
}
