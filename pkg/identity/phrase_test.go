package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWordList(t *testing.T) {
	list := wordList()
	if len(list) != 2048 || !slices.IsSorted(list) {
		t.Fatalf("%d words, sorted %v", len(list), slices.IsSorted(list))
	}
	if sum := sha256.Sum256([]byte(english)); hex.EncodeToString(sum[:]) != "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda" {
		t.Errorf("list changed: %x", sum)
	}
	for i, w := range list {
		if got, ok := find(list, w); !ok || got != i {
			t.Errorf("%s found at %d, %v", w, got, ok)
		}
		if len(w) > 4 {
			if got, ok := find(list, w[:4]); !ok || got != i {
				t.Errorf("%s cut to four letters found at %d, %v", w, got, ok)
			}
		}
	}
}

func TestPublishedPhrases(t *testing.T) {
	raw, err := os.ReadFile("testdata/bip39.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors [][3]string
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) != 24 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for i, v := range vectors {
		entropy := unhex(t, v[0])
		if got := phrase(entropy); got != v[1] {
			t.Errorf("vector %d: got %s want %s", i, got, v[1])
		}
		if b, err := decodePhrase(v[1]); err != nil || hex.EncodeToString(b) != v[0] {
			t.Errorf("vector %d: entropy %x, %v", i, b, err)
		}
		if seed, err := Seed(v[1], "TREZOR"); err != nil || hex.EncodeToString(seed[:]) != v[2] {
			t.Errorf("vector %d: seed %x, %v", i, seed, err)
		}
		got, err := Entropy(v[1])
		if want24 := len(entropy) == 32; want24 != (err == nil) || want24 && got != [32]byte(entropy) {
			t.Errorf("vector %d: Entropy gives %x, %v", i, got, err)
		}
	}
}

// A passphrase typed in two Unicode forms is one passphrase.
func TestSeedNormalises(t *testing.T) {
	words := Phrase([32]byte{1})
	a, err := Seed(words, "caf\u00e9 \u0622\u0628")
	b, err2 := Seed(words, "cafe\u0301 \u0627\u0653\u0628")
	if err != nil || err2 != nil || a != b {
		t.Errorf("got %x and %x, %v, %v", a[:4], b[:4], err, err2)
	}
	if c, _ := Seed(words, ""); c == a {
		t.Error("the passphrase changes nothing")
	}
}

func TestEntropyAsTyped(t *testing.T) {
	for n := range 50 {
		want := sha256.Sum256([]byte{byte(n)})
		words := strings.Fields(Phrase(want))
		short := make([]string, len(words))
		for i, w := range words {
			short[i] = w[:min(4, len(w))]
		}
		for _, s := range []string{
			strings.Join(words, " "), strings.ToUpper(strings.Join(words, "  ")),
			"\n\t" + strings.Join(words, "\r\n") + "\u00a0", strings.Join(short, " "),
			strings.ToUpper(strings.Join(short, "\u2003")),
		} {
			if got, err := Entropy(s); err != nil || got != want {
				t.Errorf("%d: got %x, %v", n, got, err)
			}
		}
	}
}

func TestEntropyRefused(t *testing.T) {
	good := strings.Fields(Phrase([32]byte{9}))
	swap := func(i int, w string) string {
		c := slices.Clone(good)
		c[i] = w
		return strings.Join(c, " ")
	}
	for _, c := range []struct{ in, why string }{
		{"", "0 words"}, {strings.Join(good[:23], " "), "23 words"}, {strings.Join(good, " ") + " zoo", "25 words"},
		{phrase(make([]byte, 16)), "12 words, 24"},
		{swap(4, "abandn"), `word 5 is not in the list; the nearest is "abandon"`},
		{swap(0, "lettre"), `word 1 is not in the list; the nearest is "letter"`},
		{swap(23, "zo"), `word 24 is not in the list; the nearest is "zoo"`},
		{swap(2, "aba"), "word 3"}, {swap(2, "سلام"), "word 3"}, {swap(7, strings.Repeat("x", 300)), "word 8"},
		{swap(3, "zoo"), "checksum"}, {strings.Repeat("a ", 3000), "characters"},
	} {
		_, err := Entropy(c.in)
		if !errors.Is(err, wire.ErrInvalid) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%.60q: got %v, want %q", c.in, err, c.why)
		}
	}
}

// No error may carry a word of the phrase other than the one offered for the bad one.
func TestErrorsDoNotEcho(t *testing.T) {
	words := strings.Fields(Phrase(sha256.Sum256([]byte("echo"))))
	for i := range words {
		c := slices.Clone(words)
		c[i] = "qqqqqqqq"
		_, err := Entropy(strings.Join(c, " "))
		if err == nil {
			t.Fatal("accepted")
		}
		for _, part := range strings.Fields(err.Error()) {
			w := strings.Trim(part, `":;`)
			if slices.Contains(words, w) && !strings.Contains("word is not in the list", w) {
				t.Errorf("error says %q: %v", w, err)
			}
		}
	}
}

func FuzzEntropy(f *testing.F) {
	f.Add(Phrase([32]byte{}))
	f.Add("aban aban aban aban aban aban aban aban aban aban aban abou")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Entropy(s)
		if err != nil {
			return
		}
		if again, err := Entropy(Phrase(e)); err != nil || again != e {
			t.Errorf("%q: %x comes back as %x, %v", s, e, again, err)
		}
	})
}
