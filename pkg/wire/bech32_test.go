package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// The lists of BIP-350. Two entries differ from it on purpose: there is no limit of 90 characters
// here, and data that is not whole bytes is refused as padding.
func TestBech32mPublished(t *testing.T) {
	for _, s := range []string{
		"A1LQFN3A",
		"a1lqfn3a",
		"an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
		"abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
		"split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
		"?1v759aa",
		"an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
	} {
		hrp, data, err := DecodeBech32m(s, 64)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		} else if again := EncodeBech32m(hrp, data); again != strings.ToLower(s) {
			t.Errorf("%s: written again as %s", s, again)
		}
	}
	ones := "11" + strings.Repeat("l", 82) + "ludsr8"
	if _, _, err := DecodeBech32m(ones, 64); err == nil || !strings.Contains(err.Error(), "padding") {
		t.Errorf("%s: got %v, want the padding refused", ones, err)
	}
}

func TestBech32mRefused(t *testing.T) {
	for _, c := range []struct{ s, why string }{
		{"\x201xj0phk", "allowed"}, {"\x7f1g6xzxy", "allowed"}, {"\x801vctc34", "allowed"},
		{"qyrz8wqd2c9m", "separator"}, {"1qyrz8wqd2c9m", "separator"}, {"y1b0jsk6g", "alphabet"},
		{"lt1igcx5c0", "alphabet"}, {"in1muywd", "length"}, {"mm1crxm3i", "alphabet"},
		{"au1s5cgom", "alphabet"}, {"M1VUXWEZ", "checksum"}, {"16plkw9", "separator"}, {"1p2gdwpf", "separator"},
		{"", "length"}, {"a1Lqfn3a", "mixed"}, {"A1lQFN3A", "mixed"},
		{"A12UEL5L", "bech32 checksum"}, {"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "bech32 checksum"},
	} {
		_, _, err := DecodeBech32m(c.s, 64)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%q: got %v, want %q", c.s, err, c.why)
		}
	}
}

// Lowering the Kelvin sign gives a plain k: a second spelling of one text must not come in that way.
func TestBech32mKelvin(t *testing.T) {
	s := strings.ToUpper(EncodeBech32m("k", []byte{1, 2, 3}))
	if _, _, err := DecodeBech32m(strings.Replace(s, "K", "\u212a", 1), 8); err == nil {
		t.Error("a Kelvin sign was read as a k")
	}
}

func TestBech32mLimit(t *testing.T) {
	for n := range 70 {
		s := EncodeBech32m("pars", bytes.Repeat([]byte{0xa5}, n))
		if _, data, err := DecodeBech32m(s, n); err != nil || len(data) != n {
			t.Errorf("%d bytes: got %d, %v", n, len(data), err)
		}
		if n > 0 {
			if _, _, err := DecodeBech32m(s, n-1); err == nil {
				t.Errorf("%d bytes accepted under a limit of %d", n, n-1)
			}
		}
	}
}

func TestTextMemory(t *testing.T) {
	s := strings.ToUpper(EncodeBech32m("pars", make([]byte, 1<<20)))
	if got := allocated(func() { _, _, _ = DecodeBech32m(s, 1<<20) }); got > uint64(4*len(s)) {
		t.Errorf("bech32m: %d bytes for an input of %d", got, len(s))
	}
	b := EncodeBase45(make([]byte, 1<<20))
	if got := allocated(func() { _, _ = DecodeBase45(b) }); got > uint64(4*len(b)) {
		t.Errorf("base45: %d bytes for an input of %d", got, len(b))
	}
}

func FuzzDecodeBech32m(f *testing.F) {
	f.Add("a1lqfn3a")
	f.Add("abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx")
	f.Add("A12UEL5L")
	f.Fuzz(func(t *testing.T, s string) {
		hrp, data, err := DecodeBech32m(s, 128)
		if err != nil {
			return
		}
		if again := EncodeBech32m(hrp, data); again != strings.ToLower(s) || len(data) > 128 {
			t.Errorf("%q accepted, written again as %q", s, again)
		}
	})
}
