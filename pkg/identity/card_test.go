package identity

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
)

// seededRand is a deterministic source.
func seededRand(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func never(DeviceID) bool { return false }

// newCard returns a card of n devices, all certified by the account key, signed by the first.
func newCard(t testing.TB, n int) (*Card, []sig.Private) {
	t.Helper()
	root, err := NewRoot([64]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	const now = 1_800_000_000
	c := &Card{Root: root.Public(), LogSeq: 3, LogHeads: [][32]byte{{7}}, Inbox: [32]byte{9}, Seq: now, Issued: now,
		Expires: now + CardLife, Name: "Bahar", Roads: [][]byte{bytes.Repeat([]byte{1}, 40), bytes.Repeat([]byte{2}, 40), bytes.Repeat([]byte{3}, 40)}}
	var keys []sig.Private
	for i := range n {
		rnd := seededRand(byte(i))
		var seed, dh [32]byte
		rnd.Read(seed[:])
		rnd.Read(dh[:])
		agree, err := ecdh.X25519().NewPrivateKey(dh[:])
		if err != nil {
			t.Fatal(err)
		}
		key := sig.FromSeed(seed)
		cert := &Cert{Sign: key.Public(), Made: now, Expires: now + MaxCertLife}
		copy(cert.Agree[:], agree.PublicKey().Bytes())
		root.Certify(cert)
		p, _, err := NewPrekeys(uint32(i), now, cert.Device(), key, rnd)
		if err != nil {
			t.Fatal(err)
		}
		c.Devices = append(c.Devices, CardDevice{cert, p})
		keys = append(keys, key)
	}
	c.SignWith(c.Devices[0].Cert.Device(), keys[0])
	return c, keys
}

func TestCardRoundTrip(t *testing.T) {
	for _, n := range []int{1, 2, 8} {
		c, keys := newCard(t, n)
		if n == 2 {
			c.Once = &OneTime{Device: c.Devices[1].Cert.Device(), Prekey: 1, Agree: [32]byte{5}}
			c.Once.SignWith(keys[1])
		}
		b := c.Encode()
		got, err := DecodeCard(b)
		if err != nil || !bytes.Equal(got.Encode(), b) {
			t.Fatalf("%d devices: %v", n, err)
		}
		if err := got.Verify(c.Root.Account(), never); err != nil {
			t.Errorf("%d devices: %v", n, err)
		}
		t.Logf("%d devices: %d bytes", n, len(b))
	}
}

// TestCardFlips: no bit of a card can be changed.
func TestCardFlips(t *testing.T) {
	c, _ := newCard(t, 1)
	b := c.Encode()
	for i := range len(b) * 8 {
		x := bytes.Clone(b)
		x[i/8] ^= 1 << (i % 8)
		if got, err := DecodeCard(x); err == nil && got.Verify(c.Root.Account(), never) == nil {
			t.Fatalf("bit %d flipped is accepted", i)
		}
	}
}

func TestCardVerify(t *testing.T) {
	for name, spoil := range map[string]func(c *Card, keys []sig.Private){
		"no device":     func(c *Card, _ []sig.Private) { c.Devices = nil },
		"long life":     func(c *Card, k []sig.Private) { c.Expires++; c.SignWith(c.Signer, k[0]) },
		"view only":     func(c *Card, k []sig.Private) { viewOnly(c, k) },
		"other signer":  func(c *Card, k []sig.Private) { c.SignWith(DeviceID{1}, k[0]) },
		"wrong key":     func(c *Card, k []sig.Private) { c.SignWith(c.Signer, k[1]) },
		"twice":         func(c *Card, k []sig.Private) { c.Devices[1] = c.Devices[0]; c.SignWith(c.Signer, k[0]) },
		"other prekeys": func(c *Card, k []sig.Private) { swapPrekeys(c); c.SignWith(c.Signer, k[0]) },
		"stolen once":   func(c *Card, k []sig.Private) { c.Once = &OneTime{Device: c.Signer}; c.Once.SignWith(k[1]) },
	} {
		c, keys := newCard(t, 2)
		account := c.Root.Account()
		spoil(c, keys)
		if err := c.Verify(account, never); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, _ := newCard(t, 1)
	if err := c.Verify(Account{Suite: Suite1}, never); !errors.Is(err, ErrVerify) {
		t.Errorf("another account: %v", err)
	}
	if err := c.Verify(c.Root.Account(), func(DeviceID) bool { return true }); !errors.Is(err, ErrVerify) {
		t.Errorf("revoked: %v", err)
	}
}

func swapPrekeys(c *Card) {
	c.Devices[0].Prekeys, c.Devices[1].Prekeys = c.Devices[1].Prekeys, c.Devices[0].Prekeys
}

// viewOnly lets a view-only device sign.
func viewOnly(c *Card, keys []sig.Private) {
	root, _ := NewRoot([64]byte{1})
	c.Devices[0].Cert.Flags = ViewOnly
	root.Certify(c.Devices[0].Cert)
	c.SignWith(c.Devices[0].Cert.Device(), keys[0])
}

func TestCardUsable(t *testing.T) {
	c, keys := newCard(t, 1)
	newer := *c
	newer.Seq = NextSeq(c.Seq, c.Issued)
	newer.SignWith(c.Signer, keys[0])
	twin := *c
	twin.Name = "other"
	twin.SignWith(c.Signer, keys[0])
	for name, x := range map[string]struct {
		got, want error
	}{
		"fresh":   {c.Usable(nil, 0, c.Issued), nil},
		"same":    {c.Usable(c, 0, c.Issued), nil},
		"newer":   {newer.Usable(c, 0, c.Issued), nil},
		"older":   {c.Usable(&newer, 0, c.Issued), ErrOldCard},
		"floor":   {c.Usable(nil, c.Seq+1, c.Issued), ErrOldCard},
		"twin":    {twin.Usable(c, 0, c.Issued), ErrTwoCards},
		"slack":   {c.Usable(nil, 0, c.Expires+Slack), nil},
		"expired": {c.Usable(nil, 0, c.Expires+Slack+1), ErrCardExpired},
	} {
		if !errors.Is(x.got, x.want) {
			t.Errorf("%s: got %v want %v", name, x.got, x.want)
		}
	}
}

func FuzzDecodeCard(f *testing.F) {
	c, _ := newCard(f, 1)
	f.Add(c.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := DecodeCard(b); err == nil && !bytes.Equal(c.Encode(), b) {
			t.Error("accepted, but not canonical")
		}
	})
}

func FuzzDecodePrekeys(f *testing.F) {
	c, _ := newCard(f, 1)
	f.Add(c.Devices[0].Prekeys.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := DecodePrekeys(b); err == nil && !bytes.Equal(p.Encode(), b) {
			t.Error("accepted, but not canonical")
		}
	})
}

func BenchmarkCardVerify(b *testing.B) {
	c, _ := newCard(b, 1)
	enc := c.Encode()
	for b.Loop() {
		got, err := DecodeCard(enc)
		if err != nil || got.Verify(c.Root.Account(), never) != nil {
			b.Fatal(err)
		}
	}
}
