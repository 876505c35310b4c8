package qr

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// vectors reads lines "name value" of testdata/ur.txt; see testdata/README.
func vectors(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/ur.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		out[name] = append(out[name], value)
	}
	return out
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWordVectors(t *testing.T) {
	for _, v := range vectors(t)["words"] {
		in, want, _ := strings.Cut(v, " ")
		data := unhex(t, in)
		if got := encodeWords(data); got != want {
			t.Errorf("%s is written %s", in, got)
		}
		if got, err := decodeWords(want); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s is read %x: %v", want, got, err)
		}
	}
	for _, bad := range []string{"", "wf", "aeadaolazmjendeowf", "aeadaolazmjendeot", "aeadaolazmjendeoxx", "AEADAOLAZMJENDEOTI"} {
		if _, err := decodeWords(bad); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q is read: %v", bad, err)
		}
	}
}

func TestURVectors(t *testing.T) {
	v := vectors(t)
	wolf := unhex(t, v["wolf"][0])
	one, err := NewUR(URBytes, wolf[:50], 100)
	if err != nil || one.Next() != v["single"][0] {
		t.Errorf("one part: %v", err)
	}
	u, err := NewUR(URBytes, wolf, 30)
	if err != nil || u.Count() != 9 {
		t.Fatal(u.Count(), err)
	}
	s := &Scanner{}
	for i, want := range v["part"] {
		if got := u.Next(); got != want {
			t.Errorf("part %d is %s", i+1, got)
		}
	}
	for _, p := range v["part"][9:] { // the mixed ones alone
		s.Add([]byte(strings.ToUpper(p)))
	}
	for _, p := range v["part"][:9] {
		items, err := s.Add([]byte(p))
		if err != nil {
			t.Fatal(err)
		}
		if len(items) == 1 && bytes.Equal(items[0].Data, wolf) && items[0].Type == URBytes {
			return
		}
	}
	t.Error("the parts do not make the message")
}

func TestURRefused(t *testing.T) {
	good := vectors(t)["part"][0]
	for _, bad := range []string{"ur:", "ur:bytes", "ur:by_tes/lsadaoaxjygonesw", strings.Replace(good, "/1-9/", "/2-9/", 1), strings.Replace(good, "/1-9/", "/1-9/1/", 1), good + "aa"} {
		if _, _, _, err := ParseUR(bad); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q is read: %v", bad, err)
		}
	}
	name, msg, _, err := ParseUR("ur:test/lsadaoaxjygonesw")
	if err != nil || name != "test" || !bytes.Equal(msg, []byte{0x83, 1, 2, 3}) {
		t.Errorf("%s %x %v", name, msg, err)
	}
}

func FuzzParseUR(f *testing.F) {
	f.Add("ur:test/lsadaoaxjygonesw")
	f.Add("UR:BYTES/1-9/LPADASCFADAXCYWENBPLJKHDCAHKADAEMEJTSWHHYLKEPMYKHHTSYTSNOYOYAXAEDSUTTYDMMHHPKTPMSRJTDKGSLPGH")
	f.Fuzz(func(t *testing.T, s string) {
		name, msg, part, err := ParseUR(s)
		if err != nil {
			return
		}
		if part == nil && !strings.EqualFold("ur:"+name+"/"+encodeWords(msg), s) {
			t.Error("a second text for one message")
		}
		if part != nil && !strings.HasSuffix(strings.ToLower(s), encodeWords(part.Append(nil))) {
			t.Error("a second text for one part")
		}
	})
}
