package identity

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// cardA is the published vector: account of the phrase abandon × 23 + art, locator 00..0f, profile test.
func cardA(t *testing.T) ShortCard {
	t.Helper()
	a, err := ParseAccount("pars1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vuxnpdz")
	if err != nil {
		t.Fatal(err)
	}
	c := ShortCard{Account: a, Network: NetworkOf("test")}
	for i := range c.Locator {
		c.Locator[i] = byte(i)
	}
	return c
}

func TestShortCardVector(t *testing.T) {
	c := cardA(t)
	const symbol = "PARS:CARD/3804KNW TB:JC*VJ 5OF6WGDZXMB.U.UB08W2H7GLM$HJK5IK3TX507H0QS00+0J61%H1CT1*/1E.G00"
	const line = "pars:card/parsc1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vqqpqgpsgpgxquyqjzstpsxsurulscqqqq33pcl"
	if c.Symbol() != symbol {
		t.Errorf("symbol %q", c.Symbol())
	}
	if c.Line() != line {
		t.Errorf("line %q", c.Line())
	}
	for _, s := range []string{symbol, line, " " + line + "\n"} {
		if got, err := ParseShortCard(s); err != nil || got != c {
			t.Errorf("%q: %+v %v", s, got, err)
		}
	}
	if got, err := ParseDigits(c.Digits()); err != nil || got != c {
		t.Errorf("digits %s: %v", c.Digits(), err)
	}
}

// TestDigitsFindMistakes: every single wrong digit and every swap of neighbours is noticed and its group
// named, in every set of digits.
func TestDigitsFindMistakes(t *testing.T) {
	s := cardA(t).Digits()
	persian := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '۰'
		}
		return r
	}, s)
	if got, err := ParseDigits(persian); err != nil || got != cardA(t) {
		t.Fatalf("Persian digits: %v", err)
	}
	for i := range s {
		if s[i] == ' ' {
			continue
		}
		for d := byte('0'); d <= '9'; d++ {
			b := []byte(s)
			if b[i] = d; d == s[i] {
				continue
			}
			if _, err := ParseDigits(string(b)); !errors.Is(err, wire.ErrInvalid) {
				t.Fatalf("digit %d as %c is accepted", i, d)
			}
		}
		if i > 0 && s[i-1] != ' ' && s[i-1] != s[i] {
			b := []byte(s)
			b[i], b[i-1] = b[i-1], b[i]
			if _, err := ParseDigits(string(b)); err == nil {
				t.Fatalf("digits %d and %d swapped are accepted", i-1, i)
			}
		}
	}
}

func TestShortCardExpiry(t *testing.T) {
	c := cardA(t)
	const day = 1_800_000_000
	if c.Expired(day) || c.NotAfter != 0 {
		t.Error("a card without a day expires")
	}
	c.NotAfter = CardDays(day)
	if c.Expired(day) || !c.Expired(day+2*86400) {
		t.Error("expiry")
	}
	if CardDays(0) != 0 || CardDays(1<<40) != 0 {
		t.Error("days out of range")
	}
}

func FuzzParseShortCard(f *testing.F) {
	f.Add("pars:card/parsc1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vqqpqgpsgpgxquyqjzstpsxsurulscqqqq33pcl")
	f.Add("PARS:CARD/3804KNW TB:JC*VJ 5OF6WGDZXMB.U.UB08W2H7GLM$HJK5IK3TX507H0QS00+0J61%H1CT1*/1E.G00")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseShortCard(s)
		if err == nil && !strings.EqualFold(strings.TrimSpace(s), c.Line()) && s != c.Symbol() {
			t.Error("a second text for one card")
		}
	})
}

func FuzzDecodeShortCard(f *testing.F) {
	f.Add(make([]byte, ShortCardSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := DecodeShortCard(b); err == nil && !bytes.Equal(c.Encode(), b) {
			t.Error("accepted, but not canonical")
		}
	})
}

func FuzzParseDigits(f *testing.F) {
	f.Add("00000 00000")
	f.Fuzz(func(t *testing.T, s string) { ParseDigits(s) })
}
