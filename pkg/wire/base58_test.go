package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The vectors of draft-msporny-base58-03, and a peer id of libp2p's specification.
func TestBase58(t *testing.T) {
	for _, v := range []struct{ hex, text string }{
		{"", ""}, {"00", "1"}, {hex.EncodeToString([]byte("Hello World!")), "2NEpo7TZRRrLZSi2U"},
		{"0000287fb4cd", "11233QC4"},
		{"0024080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e", "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"},
	} {
		b, err := hex.DecodeString(v.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendBase58([]byte("x"), b)); got != "x"+v.text {
			t.Errorf("%s: %s, want %s", v.hex, got[1:], v.text)
		}
		if back, err := DecodeBase58(string(AppendBase58(nil, b))); err != nil || !bytes.Equal(back, b) {
			t.Errorf("%s: %x, %v", v.text, back, err)
		}
	}
	for _, bad := range []string{"0", "O", "l", "é", strings.Repeat("z", 129)} {
		if _, err := DecodeBase58(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzDecodeBase58(f *testing.F) {
	f.Add("11233QC4")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := DecodeBase58(s)
		if err == nil && string(AppendBase58(nil, b)) != s {
			t.Errorf("%q comes back as %q", s, AppendBase58(nil, b))
		}
	})
}
