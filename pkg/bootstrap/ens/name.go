package ens

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/sha3"
	"golang.org/x/text/unicode/norm"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	maxName  = 253
	maxLabel = 63
)

// Hash is a Keccak-256 hash: the node of a name, or of a label.
type Hash [32]byte

func keccak(parts ...[]byte) (h Hash) {
	k := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		k.Write(p)
	}
	k.Sum(h[:0])
	return h
}

// Normalize returns the one way to write a name, or refuses it. It takes labels of a–z, 0–9 and hyphen with underscores
// in front, after ASCII capitals were made small: all that ENSIP-15 does to those is known without its tables. It
// refuses what ENSIP-15 refuses among them, and every other name, since a name that is normalised wrongly is another's. The
// error says what is in the way and wraps wire.ErrInvalid.
func Normalize(name string) (string, error) {
	if len(name) == 0 || len(name) > maxName {
		return "", wire.Invalid("name of %d bytes; 1 to %d are", len(name), maxName)
	}
	if err := plain(name); err != nil {
		return "", err
	}
	name = strings.ToLower(name)
	for label := range strings.SplitSeq(name, ".") {
		bare := strings.TrimLeft(label, "_")
		switch {
		case label == "":
			return "", wire.Invalid("%q has an empty label", name)
		case len(label) > maxLabel:
			return "", wire.Invalid("%q has a label of %d letters, at most %d", name, len(label), maxLabel)
		case strings.Contains(bare, "_"):
			return "", wire.Invalid("%q has an underscore that is not in front of a label", name)
		case len(label) > 3 && label[2:4] == "--":
			return "", wire.Invalid("%q has a label with two hyphens at places 3 and 4, which stands for another alphabet", name)
		}
	}
	return name, nil
}

// plain finds the first character that cannot be taken, and says why.
func plain(name string) error {
	if !utf8.ValidString(name) {
		return wire.Invalid("name is not UTF-8")
	}
	for label := range strings.SplitSeq(name, ".") {
		for _, r := range label {
			if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
				return odd(label, r)
			}
		}
	}
	return nil
}

// odd says what is wrong with a label that has r.
func odd(label string, r rune) error {
	scripts := map[string]bool{}
	for _, r := range label {
		if s := script(r); s != "" {
			scripts[s] = true
		}
	}
	switch {
	case r < utf8.RuneSelf:
		return wire.Invalid("%q is not a plain name: it has %q", label, r)
	case len(scripts) > 1:
		return wire.Invalid("%q is not a plain name: U+%04X stands among letters of another script", label, r)
	case !norm.NFC.IsNormalString(label):
		return wire.Invalid("%q is not a plain name: it has U+%04X and is not in the composed form NFC", label, r)
	case unicode.IsLetter(r):
		return wire.Invalid("%q is not a plain name: U+%04X is a letter beyond a–z, and telling it from its likes needs the tables of ENSIP-15", label, r)
	}
	return wire.Invalid("%q is not a plain name: it has U+%04X", label, r)
}

// script names the script of a letter, of the few that are confused most.
func script(r rune) string {
	for name, table := range map[string]*unicode.RangeTable{"Latin": unicode.Latin, "Cyrillic": unicode.Cyrillic, "Greek": unicode.Greek,
		"Arabic": unicode.Arabic, "Hebrew": unicode.Hebrew, "Han": unicode.Han, "Armenian": unicode.Armenian} {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}

// Namehash is the node of a normalised name (EIP-137). The empty name is the root.
func Namehash(name string) (node Hash) {
	if name == "" {
		return node
	}
	labels := strings.Split(name, ".")
	for i := len(labels) - 1; i >= 0; i-- {
		label := keccak([]byte(labels[i]))
		node = keccak(node[:], label[:])
	}
	return node
}

// dnsName is a normalised name as ENSIP-10 hands it over: each label behind its length, and a zero.
func dnsName(name string) []byte {
	var b []byte
	for label := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}
