package hns

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// frozen returns the bytes of the lines of names.txt that begin with kind, and the rest of each line.
func frozen(t testing.TB, kind string) (list [][]byte, rest []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if f[0] == kind {
			list, rest = append(list, unhex(t, f[1])), append(rest, f[2])
		}
	}
	return list, rest
}

func TestKey(t *testing.T) {
	for name, want := range map[string]string{"a": "a", "ParsBoot": "parsboot", "pars.": "pars", "x-_y": "x-_y", "0": "0", strings.Repeat("a", 63): strings.Repeat("a", 63)} {
		if got, _, err := Key(name); got != want || err != nil {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", ".", "-a", "a-", "_a", "a.b", "a..", "سلام", "a b", "a\x00", "\u212a", strings.Repeat("a", 64), "local", "Test", "example."} {
		if _, _, err := Key(name); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNameStatesOfHsd(t *testing.T) {
	list, keys := frozen(t, "state")
	for i, b := range list {
		s, err := DecodeNameState(b)
		if err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		if _, key, err := Key(s.Name); err != nil || key.String() != keys[i] {
			t.Errorf("%s: key %s, want %s", s.Name, key, keys[i])
		}
		if !bytes.Equal(s.Encode(), b) {
			t.Errorf("%s: another encoding", s.Name)
		}
		if s.Name == "parsboot" && (s.Height != 123 || s.Renewal != 456 || s.Owner.Index != 300 || s.Value != 1e6 || s.Highest != 70000 || s.Renewals != 2 || !s.Registered) {
			t.Errorf("%+v", s)
		}
		for n := range b {
			if _, err := DecodeNameState(b[:n]); !errors.Is(err, wire.ErrInvalid) {
				t.Errorf("%d bytes of %s: %v", n, s.Name, err)
			}
		}
	}
}

func TestResourcesOfHsd(t *testing.T) {
	list, want := frozen(t, "resource")
	var got []string
	for _, b := range list {
		r, err := DecodeResource(b)
		if err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		got = append(got, fmt.Sprintf("%v %v %q %v", r.DS, r.NS, r.TXT, r.Unknown))
	}
	for i, text := range []string{
		"[] [] [] false",
		"[{57355 8 2 [149 165 124 59 171 120 73 219 205 223 124 114 173 167 26 136 20 107 20 17 16 49 140 165 190 103 32 87 232 101 195 226]}] [] [] false",
		"[] [{ns1.hns. invalid IP} {ns2.hns. invalid IP} {hns. invalid IP} {. invalid IP}] [] false",
		`[] [{ns1.pars. 127.0.53.4} {ns2.pars. 2001:db8::1} {_18a1sa0._synth. 10.20.30.40} {_400gre00000000000000000008._synth. 2001:db8::2}] [["pars1 h=00" "a b"] []] false`,
	} {
		if i < len(got) && got[i] != text {
			t.Errorf("%s:\n got %s\nwant %s", want[i], got[i], text)
		}
	}
}

func TestResourceRefuses(t *testing.T) {
	name := func(b ...byte) []byte { return append([]byte{0, typeNS}, b...) }
	long := []byte{0, typeNS}
	for range 5 {
		long = append(append(long, 63), bytes.Repeat([]byte{'a'}, 63)...)
	}
	for what, b := range map[string][]byte{
		"nothing": {}, "version": {1}, "half a DS": {0, typeDS, 1, 2, 3}, "digest cut": {0, typeDS, 0, 1, 8, 2, 32, 1}, "itself": name(0xc0, 2), "ahead": {0, typeNS, 0xc0, 5, typeNS, 1, 'a', 0}, "beyond": name(0xc0, 9),
		"label kind": name(0x40), "name cut": name(3, 'a'), "long name": append(long, 0), "glue cut": append(name(0), typeGlue4, 0, 1, 2, 3),
		"text cut": {0, typeTXT, 2, 1, 'a'}, "too long": make([]byte, maxResource+1), "loop": append(name(1, 'a', 0), typeNS, 1, 'b', 0xc0, 6),
	} {
		if _, err := DecodeResource(b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	r, err := DecodeResource([]byte{0, typeTXT, 1, 1, 'a', 77, 1, 2, 3})
	if err != nil || len(r.TXT) != 1 || !r.Unknown {
		t.Errorf("type not known: %+v, %v", r, err)
	}
}

func FuzzDecodeNameState(f *testing.F) {
	list, _ := frozen(f, "state")
	for _, b := range list {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeNameState(b)
		if err == nil && !bytes.Equal(s.Encode(), b) {
			t.Fatalf("%x has two encodings", b)
		}
		if err != nil && !errors.Is(err, wire.ErrInvalid) {
			t.Fatal(err)
		}
	})
}

func FuzzDecodeResource(f *testing.F) {
	list, _ := frozen(f, "resource")
	for _, b := range list {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeResource(b)
		if err != nil && !errors.Is(err, wire.ErrInvalid) {
			t.Fatal(err)
		}
		if err == nil && len(r.DS)+len(r.NS)+len(r.TXT) > len(b) {
			t.Fatal("more records than bytes")
		}
	})
}
