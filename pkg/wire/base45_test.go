package wire

import (
	"errors"
	"testing"
)

// The examples of RFC 9285 section 4.
func TestBase45Published(t *testing.T) {
	for _, c := range []struct{ plain, text string }{
		{"AB", "BB8"}, {"Hello!!", "%69 VD92EX0"}, {"base-45", "UJCLQE7W581"}, {"ietf!", "QED8WEX0"},
		{"", ""}, {"\xff\xff", "FGW"}, {"\xff", "U5"},
	} {
		if got := EncodeBase45([]byte(c.plain)); got != c.text {
			t.Errorf("encode %q: got %q want %q", c.plain, got, c.text)
		}
		if got, err := DecodeBase45(c.text); err != nil || string(got) != c.plain {
			t.Errorf("decode %q: got %q, %v", c.text, got, err)
		}
	}
}

func TestBase45Refused(t *testing.T) {
	for _, s := range []string{"GGW", ":::", "V5", "::", "A", "BB8A", "bb8", "BB8,0", "BB\x00", "B\xc3\x9f8"} {
		if b, err := DecodeBase45(s); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: read as % x, %v", s, b, err)
		}
	}
}

func FuzzDecodeBase45(f *testing.F) {
	f.Add("%69 VD92EX0")
	f.Add("GGW")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := DecodeBase45(s)
		if err != nil {
			return
		}
		if again := EncodeBase45(b); again != s {
			t.Errorf("%q accepted, written again as %q", s, again)
		}
	})
}
