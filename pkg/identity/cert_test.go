package identity

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const made = 1_767_225_600

func root(t *testing.T, n byte) *Root {
	t.Helper()
	r, err := NewRoot([64]byte{n})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func device(n byte) sig.Private { return sig.FromSeed([32]byte{0xd0, n}) }

func rootCert(t *testing.T, n byte, flags Flags) *Cert {
	t.Helper()
	c := &Cert{Sign: device(n).Public(), Agree: [32]byte{n}, Flags: flags, Made: made, Expires: made + MaxCertLife}
	root(t, 1).Certify(c)
	return c
}

func sibling(t *testing.T, n byte, signer *Cert, by sig.Private, edit func(*Cert)) *Cert {
	t.Helper()
	c := &Cert{Suite: Suite1, Account: signer.Account, Sign: device(n).Public(), Agree: [32]byte{n},
		Made: made, Expires: signer.Expires, Signer: signer.Device()}
	if edit != nil {
		edit(c)
	}
	c.SignWith(by)
	return c
}

func TestCert(t *testing.T) {
	first := rootCert(t, 1, Grant)
	second := sibling(t, 2, first, device(1), nil)
	for i, c := range []struct {
		cert, signer *Cert
		size         int
	}{{first, nil, 193}, {second, first, 209}} {
		b := c.cert.Encode()
		if len(b) != c.size {
			t.Errorf("certificate %d: %d bytes, want %d", i, len(b), c.size)
		}
		got, err := DecodeCert(b)
		if err != nil || *got != *c.cert {
			t.Fatalf("certificate %d: got %+v, %v", i, got, err)
		}
		if err := got.Verify(root(t, 1).Public(), c.signer); err != nil {
			t.Errorf("certificate %d: %v", i, err)
		}
	}
}

// The bytes of a certificate are frozen.
func TestCertVector(t *testing.T) {
	const want = "aa000101010258201687357eda88e084321f9706c4647041aaf52dd5b1ba86234a12649402e4929a035820912afd0ca2" +
		"ab4491b0166069d637170608dab574b0ca2c5659fa041ac5c88a70045820010000000000000000000000000000000000" +
		"00000000000000000000000000000501061a6955b900071a6b651100084009584020a889a8ba6cbce9ecb34b7035749c" +
		"77428c78e947299a1499fc562a46f73df7e326718e7f534adef0381ee2c567aa0dbfa544e9dfa5564e6836c4b6d94ca2" +
		"0f"
	if got := hex.EncodeToString(rootCert(t, 1, Grant).Encode()); got != want {
		t.Errorf("got %s", got)
	}
}

// Every flipped bit is refused, by its form or by its signature.
func TestCertFlips(t *testing.T) {
	first := rootCert(t, 1, Grant)
	second := sibling(t, 2, first, device(1), nil)
	for i, c := range []struct{ cert, signer *Cert }{{first, nil}, {second, first}} {
		b := c.cert.Encode()
		for bit := range 8 * len(b) {
			bad := bytes.Clone(b)
			bad[bit/8] ^= 1 << (bit % 8)
			got, err := DecodeCert(bad)
			if err != nil {
				if !errors.Is(err, wire.ErrInvalid) {
					t.Errorf("certificate %d bit %d: got %v", i, bit, err)
				}
				continue
			}
			if err := got.Verify(root(t, 1).Public(), c.signer); !errors.Is(err, ErrVerify) {
				t.Errorf("certificate %d bit %d: got %v", i, bit, err)
			}
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	grant, plain := rootCert(t, 1, Grant), rootCert(t, 3, 0)
	second := sibling(t, 2, grant, device(1), nil)
	byRoot := func(edit func(*Cert)) *Cert {
		c := *grant
		edit(&c)
		c.SignWith(root(t, 1).key)
		return &c
	}
	for _, c := range []struct {
		name         string
		cert, signer *Cert
		why          string
	}{
		{"life", byRoot(func(c *Cert) { c.Expires++ }), nil, "400 days"},
		{"no life", byRoot(func(c *Cert) { c.Expires = c.Made }), nil, "400 days"},
		{"backwards", byRoot(func(c *Cert) { c.Expires = 1 }), nil, "400 days"},
		{"account", byRoot(func(c *Cert) { c.Account[0]++ }), nil, "another account"},
		{"suite", byRoot(func(c *Cert) { c.Suite = 2 }), nil, "suite"},
		{"flags", byRoot(func(c *Cert) { c.Flags = 4 }), nil, "flags"},
		{"small order", byRoot(func(c *Cert) { c.Sign = sig.Public{1} }), nil, "small order"},
		{"other root", sibling(t, 4, grant, root(t, 2).key, func(c *Cert) { c.Signer = DeviceID{} }), nil, "signature"},
		{"signer though by root", grant, plain, "account key signed it"},
		{"no signer", second, nil, "missing"},
		{"wrong signer", second, plain, "missing"},
		{"without grant", sibling(t, 4, plain, device(3), nil), plain, "may not certify"},
		{"grant by device", sibling(t, 4, grant, device(1), func(c *Cert) { c.Flags = Grant }), grant, "only the account key"},
		{"outlives", sibling(t, 4, grant, device(1), func(c *Cert) { c.Made++; c.Expires++ }), grant, "outlives"},
		{"third link", sibling(t, 4, second, device(2), nil), second, "longer than two"},
		{"forged by sibling", sibling(t, 4, grant, device(9), nil), grant, "signature"},
		{"signer's life", sibling(t, 4, byRoot(func(c *Cert) { c.Expires++ }), device(1), func(c *Cert) { c.Made++ }),
			byRoot(func(c *Cert) { c.Expires++ }), "400 days"},
	} {
		err := c.cert.Verify(root(t, 1).Public(), c.signer)
		if !errors.Is(err, ErrVerify) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.why)
		}
	}
	if err := grant.Verify(root(t, 2).Public(), nil); !errors.Is(err, ErrVerify) {
		t.Errorf("another root: got %v", err)
	}
}

func TestExpired(t *testing.T) {
	c := &Cert{Expires: made}
	for now, want := range map[uint64]bool{0: false, made: false, made + Slack: false, made + Slack + 1: true} {
		if got := c.Expired(now); got != want {
			t.Errorf("now %d: got %v want %v", now, got, want)
		}
	}
}

// The account is part of a device's id: the same two keys under another account are another device.
func TestDeviceID(t *testing.T) {
	a := NewDeviceID([32]byte{1}, device(1).Public(), [32]byte{1})
	if b := NewDeviceID([32]byte{2}, device(1).Public(), [32]byte{1}); a == b || len(a.String()) != 32 {
		t.Errorf("got %s and %s", a, b)
	}
}

func TestDecodeCertRefused(t *testing.T) {
	good := rootCert(t, 1, 0)
	b := good.Encode()
	for i := range b {
		if _, err := DecodeCert(b[:i]); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("cut to %d: got %v", i, err)
		}
	}
	zero := append(good.body(10)[:len(good.body(10))-1], wire.AppendBytes(nil, make([]byte, 16))...)
	zero = wire.AppendBytes(wire.AppendUint(zero, 9), good.Sig[:])
	more := append(wire.AppendMap(nil, 11), b[1:]...)
	more = wire.AppendUint(wire.AppendUint(more, 10), 0)
	for name, b := range map[string][]byte{
		"trailing": append(bytes.Clone(b), 0), "zero signer": zero, "eleventh field": more,
		"nine fields": good.body(9), "large": make([]byte, MaxCert+1),
	} {
		if _, err := DecodeCert(b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzDecodeCert(f *testing.F) {
	c := Cert{Suite: Suite1, Made: made, Expires: made + 1}
	f.Add(c.Encode())
	c.Signer[3] = 1
	f.Add(c.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCert(b)
		if err != nil {
			return
		}
		if again := c.Encode(); !bytes.Equal(again, b) {
			t.Errorf("% x accepted, written again as % x", b, again)
		}
	})
}
