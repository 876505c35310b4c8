package identity

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/pars-network/pars/pkg/wire"
)

//go:embed bip39/english.txt
var english string

func wordList() []string { return strings.Fields(english) }

// Phrase returns the 24 English words of BIP-39 that stand for 256 bits of entropy, joined by blanks.
func Phrase(entropy [32]byte) string { return phrase(entropy[:]) }

// phrase takes 16 to 32 bytes, a multiple of four. Each word is eleven bits of entropy ‖ checksum.
func phrase(entropy []byte) string {
	list, sum := wordList(), sha256.Sum256(entropy)
	bits := append(slices.Clone(entropy), sum[0])
	words := make([]string, len(entropy)*3/4)
	for i := range words {
		v := 0
		for b := i * 11; b < i*11+11; b++ {
			v = v<<1 | int(bits[b/8]>>(7-b%8)&1)
		}
		words[i] = list[v]
	}
	return strings.Join(words, " ")
}

// Entropy is the inverse of Phrase. It accepts any case and white space and words cut to their first
// four letters or more. An error names the position of the bad word and the nearest word of the list,
// never more of the phrase; it wraps wire.ErrInvalid.
func Entropy(words string) (entropy [32]byte, err error) {
	b, err := decodePhrase(words)
	if err == nil && len(b) != len(entropy) {
		err = wire.Invalid("phrase of %d words, 24 expected", len(b)*3/4)
	}
	if err != nil {
		return entropy, err
	}
	copy(entropy[:], b)
	return entropy, nil
}

// Seed returns the 64-byte seed of BIP-39 for a phrase and a passphrase, which may be empty. Phrases
// of 12, 15, 18 and 21 words are accepted too: wallets made elsewhere have them. The words are read
// as Entropy reads them and must have a right checksum.
func Seed(words, passphrase string) (seed [64]byte, err error) {
	b, err := decodePhrase(words)
	if err != nil {
		return seed, err
	}
	salt := "mnemonic" + norm.NFKD.String(passphrase)
	out, err := pbkdf2.Key(sha512.New, phrase(b), []byte(salt), 2048, len(seed))
	if err != nil {
		return seed, fmt.Errorf("phrase: %w", err)
	}
	copy(seed[:], out)
	return seed, nil
}

// maxPhrase is far above the longest phrase (215 characters) in any spacing.
const maxPhrase = 4096

func decodePhrase(words string) ([]byte, error) {
	if len(words) > maxPhrase {
		return nil, wire.Invalid("phrase of more than %d characters", maxPhrase)
	}
	typed := strings.Fields(strings.ToLower(norm.NFKD.String(words)))
	if n := len(typed); n < 12 || n > 24 || n%3 != 0 {
		return nil, wire.Invalid("phrase of %d words, 24 expected", n)
	}
	list := wordList()
	bits := make([]byte, len(typed)*11/8+1)
	for i, w := range typed {
		v, ok := find(list, w)
		if !ok {
			return nil, wire.Invalid("word %d is not in the list; the nearest is %q", i+1, nearest(list, w))
		}
		for b := range 11 {
			bits[(i*11+b)/8] |= byte(v>>(10-b)&1) << (7 - (i*11+b)%8)
		}
	}
	entropy := bits[:len(typed)*4/3]
	sum, check := sha256.Sum256(entropy), len(typed)/3
	if (sum[0]^bits[len(entropy)])>>(8-check) != 0 {
		return nil, wire.Invalid("phrase checksum is wrong: a word is mistyped or out of place")
	}
	return entropy, nil
}

// find returns the place of a word or of its unique beginning. Words of three letters that begin
// others (act, action) are exact matches, and the list is sorted.
func find(list []string, w string) (int, bool) {
	i, exact := slices.BinarySearch(list, w)
	if exact {
		return i, true
	}
	return i, len(w) >= 4 && i < len(list) && strings.HasPrefix(list[i], w)
}
