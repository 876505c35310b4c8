package identity

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

const accountA = "pars1q94mjaltmx0p9lq79h6ryvtfckelda9mt3elazp6t6cu0xtd3at7vuxnpdz"

// The keys of the two phrases that everybody knows, frozen: a change here is a change of everybody's
// account.
func TestVectors(t *testing.T) {
	words := strings.Repeat("abandon ", 23) + "art"
	seed, err := Seed(words, "")
	if err != nil {
		t.Fatal(err)
	}
	if s := hex.EncodeToString(seed[:]); !strings.HasPrefix(s, "408b285c") || !strings.HasSuffix(s, "99480840") {
		t.Errorf("seed %s", s)
	}
	ak, err := expand(seed, wire.LabelAccountEd25519)
	equal(t, "AK seed", ak, err, "67052f12568684ddf5d5275bed8edbf46b09d402bbe112561947fc6420edd758")
	aq, err := expand(seed, wire.LabelAccountMLDSA65)
	equal(t, "AQ seed", aq, err, "fee76b7f8e08fe9a045a73730b0a5e0ebf593061d7207d58ea6db3258dc1c185")
	r, err := NewRoot(seed)
	if err != nil {
		t.Fatal(err)
	}
	p := r.Public()
	equal(t, "AK", p.Key, nil, "e7b020b1063363e8cd054fe2fbc4080470ab8b21e5f1d87f4a4af9d760bf9a5e")
	equal(t, "pqh", p.PQHash, nil, "7626c1baefa41e5a29440aea415b6eaaa905aacb0663e0dfbaacad0b9eaf27fa")
	equal(t, "id32", p.Account().ID, nil, "6bb977ebd99e12fc1e2df4323169c5b3f6f4bb5c73fe883a5eb1c7996d8f57e6")
	if got := p.Account().String(); got != accountA {
		t.Errorf("account %s", got)
	}

	seed, err = Seed(strings.Repeat("zoo ", 23)+"vote", "")
	if err != nil {
		t.Fatal(err)
	}
	r, err = NewRoot(seed)
	if err != nil {
		t.Fatal(err)
	}
	p = r.Public()
	equal(t, "AK of B", p.Key, nil, "0c28cd92de772660e177cb4fee274bd20a28f0752498707b12e939dc0e00f504")
	if got, want := p.Account().String(), "pars1qydpkp7p39t8rp8x2xgsel68ezrm66p54l4t77wz53hlvcgml85663fve6e"; got != want {
		t.Errorf("account of B %s", got)
	}
}

func equal[T ~[32]byte](t *testing.T, name string, got T, err error, want string) {
	t.Helper()
	b := [32]byte(got)
	if s := hex.EncodeToString(b[:]); err != nil || s != want {
		t.Errorf("%s: got %s, %v, want %s", name, s, err, want)
	}
}

func TestParseAccount(t *testing.T) {
	for _, s := range []string{accountA, strings.ToUpper(accountA)} {
		if a, err := ParseAccount(s); err != nil || a.String() != accountA {
			t.Errorf("%s: got %v, %v", s, a, err)
		}
	}
	id := bytes.Repeat([]byte{7}, 32)
	chain := chainAddress("pars", make([]byte, 20))
	for _, c := range []struct{ in, why string }{
		{"", "0 characters"}, {accountA[:63], "63 characters"}, {accountA + "q", "65 characters"},
		{" " + accountA[:63], "not allowed"}, {"P" + accountA[1:], "mixed"},
		{chain, "chain address"}, {"X-" + chain, "chain address"}, {"P-" + chain, "chain address"},
		{strings.ToUpper("X-" + chain), "chain address"},
		{"05" + strings.Repeat("aB", 32), "another network"}, {"07" + strings.Repeat("00", 32), "another network"},
		{"04" + strings.Repeat("00", 32), "66 characters"}, {"05" + strings.Repeat("zz", 32), "66 characters"},
		{wire.EncodeBech32m("pars", append([]byte{0}, id...)), "unknown suite 0"},
		{wire.EncodeBech32m("pars", append([]byte{2}, id...)), "unknown suite 2"},
		{wire.EncodeBech32m("parz", append([]byte{1}, id...)), "pars1"},
		{wire.EncodeBech32m("parsxx", append([]byte{1}, id[1:]...)), "characters"},
	} {
		if _, err := ParseAccount(c.in); !errors.Is(err, wire.ErrInvalid) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: got %v, want %q", c.in, err, c.why)
		}
	}
}

// chainAddress writes the shape of one; the checksum does not matter for being recognised.
func chainAddress(hrp string, b []byte) string { return wire.EncodeBech32m(hrp, b) }

const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// Every id with one character changed is refused, and so are 2 to 4 changed ones: the checksum finds
// up to four for certain.
func TestMistyped(t *testing.T) {
	ids := 1000
	if testing.Short() {
		ids = 50
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range ids {
		a := Account{Suite: Suite1, ID: sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(n)))}
		s := a.String()
		if got, err := ParseAccount(s); err != nil || got != a {
			t.Fatalf("%s: got %v, %v", s, got, err)
		}
		b := []byte(s)
		for i := range b {
			for _, c := range []byte(alphabet) {
				if c == s[i] {
					continue
				}
				b[i] = c
				if _, err := ParseAccount(string(b)); err == nil {
					t.Fatalf("%s accepted, was %s", b, s)
				}
			}
			b[i] = s[i]
		}
		mistypeSome(t, rnd, s)
	}
}

func mistypeSome(t *testing.T, rnd *rand.Rand, s string) {
	t.Helper()
	for range 200 {
		b := []byte(s)
		for range 2 + rnd.IntN(3) {
			b[5+rnd.IntN(len(b)-5)] = alphabet[rnd.IntN(32)]
		}
		if _, err := ParseAccount(string(b)); err == nil && string(b) != s {
			t.Fatalf("%s accepted, was %s", b, s)
		}
	}
}

func FuzzParseAccount(f *testing.F) {
	f.Add(accountA)
	f.Add("X-pars1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := ParseAccount(s); err == nil && a.String() != strings.ToLower(s) {
			t.Errorf("%q accepted as %s", s, a)
		}
	})
}
