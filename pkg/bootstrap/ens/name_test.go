package ens

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// The vectors of EIP-137, and the nodes of two names of ENSIP-10's and ENSIP-1's texts.
func TestNamehash(t *testing.T) {
	for name, want := range map[string]string{
		"":          "0000000000000000000000000000000000000000000000000000000000000000",
		"eth":       "93cdeb708b7545dc668eb9280176169d1c33cfd8ed6f04690a0bcc88a93fc4ae",
		"foo.eth":   "de9b09fd7c5f901e23a3f19fecc54828e9c848539801e86591bd9801b019f84f",
		"alice.eth": "787192fc5378cc32aa956ddfdedbf26b24e8d78e40109add0eea2c1a012c3dec",
	} {
		if got := Namehash(name); hex.EncodeToString(got[:]) != want {
			t.Errorf("%q: %x, want %s", name, got, want)
		}
	}
}

// Selectors are what their signatures hash to.
func TestSelectors(t *testing.T) {
	for sig, want := range map[string]selector{"resolver(bytes32)": fnResolver(), "supportsInterface(bytes4)": fnSupports(), "resolve(bytes,bytes)": fnResolve(),
		"text(bytes32,string)": fnText(), "addr(bytes32,uint256)": fnAddr(), "addr(bytes32)": fnAddrOld(), "contenthash(bytes32)": fnContenthash(),
		"OffchainLookup(address,string[],bytes,bytes4,bytes)": errOffchain()} {
		if h := keccak([]byte(sig)); selector(h[:4]) != want {
			t.Errorf("%s: %x, want %x", sig, h[:4], want)
		}
	}
}

func TestNormalize(t *testing.T) {
	for name, want := range map[string]string{"eth": "eth", "Nick.ETH": "nick.eth", "_dnsaddr.a-b.eth": "_dnsaddr.a-b.eth", "___x.0": "___x.0", "a-.eth": "a-.eth", "-.eth": "-.eth", "a--b.eth": "a--b.eth"} {
		if got, err := Normalize(name); got != want || err != nil {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	for name, why := range map[string]string{
		"": "bytes", "a..b": "empty", ".eth": "empty", "eth.": "empty", "a_b.eth": "underscore", "_a_.eth": "underscore", "xn--ls8h.eth": "hyphens", "ab--c.eth": "hyphens",
		"a b.eth": "plain", "a\x00.eth": "plain", "$.eth": "plain", "nick\u200d.eth": "U+200D", "\u0441hat.eth": "another script", "\u0645\u0631\u062f\u0645.eth": "ENSIP-15",
		"e\u0301.eth": "U+0301", "\u2460.eth": "U+2460", "caf\u00e9.eth": "ENSIP-15", "\xff.eth": "UTF-8", "\u212aelvin.eth": "U+212A",
		strings.Repeat("a", 64): "label", strings.Repeat("a.", 127): "bytes",
	} {
		if got, err := Normalize(name); !errors.Is(err, wire.ErrInvalid) || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %q, %v; want %q in it", name, got, err, why)
		}
	}
}

func TestDNSName(t *testing.T) {
	if got := string(dnsName("ab.c")); got != "\x02ab\x01c\x00" {
		t.Errorf("%q", got)
	}
}

// The examples of ENSIP-7, and kinds that are refused.
func TestContenthash(t *testing.T) {
	for text, want := range map[string]string{
		"e3010170122029f2d17be6139079dc48696d1f582a8530eb9805b561eda517e22a892c7e3f1f":   "ipfs://bafybeibj6lixxzqtsb45ysdjnupvqkufgdvzqbnvmhw2kf7cfkesy7r7d4",
		"e40101fa011b20d1de9994b4d039f6548d191eb26786769f580809256b4685ef316805265ea162": "bzz://d1de9994b4d039f6548d191eb26786769f580809256b4685ef316805265ea162",
		"bc037a716b746c776934666563766f367269":                                           "onion://zqktlwi4fecvo6ri",
		"e5010172002408011220" + strings.Repeat("07", 32):                                "ipns://bafzaajaiaejca" + strings.Repeat("", 0),
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeContent(b)
		if err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
		for n := range b {
			if _, err := DecodeContent(b[:n]); !errors.Is(err, wire.ErrInvalid) {
				t.Errorf("%d bytes of %s: %v", n, want, err)
			}
		}
	}
	for _, b := range [][]byte{nil, {0xe3}, {0xe3, 1, 0x12, 0x20}, make([]byte, MaxContent+1), {0x90, 0xb2, 0xca, 5, 1, 2}} {
		if _, err := DecodeContent(b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%x: %v", b, err)
		}
	}
}
