package dht

import (
	"bytes"
	"errors"
	"testing"

	"filippo.io/edwards25519"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Published by the Tor project: test_blinding_basics of src/test/test_hs_common.c, day 1234, no secret.
func TestBlindPublished(t *testing.T) {
	a := sig.Public(unhex(t, "833990b085c1a688c1d4c8b1f6b56afaf5a2eca674449e1d704f83765ccb7bc6"))
	expanded := [64]byte(unhex(t, "d8c7ff0e31295b66540d789af3e3df992038a9592eea01d8b7cba06d6e66d1594d6167696320576f7264733a20737065697373636f62616c742062697669756d"))
	p, err := blindPublic(a, nil, 1234)
	if want := unhex(t, "3a50bf210e8f9ee955ae0014f7a6917fb65ebf098a86305abb508d1a7291b6d5"); err != nil || !bytes.Equal(p[:], want) {
		t.Errorf("public: got %x, %v, want %x", p, err, want)
	}
	b, err := blindPrivate(expanded, a, nil, 1234)
	if err != nil {
		t.Fatal(err)
	}
	want := unhex(t, "a958dc83ac885f6814c67035de817a2c604d5d2f715282079448f789b656350b4540fe1f80aa3f7e91306b7bf7a8e367293352b14a29fdcc8c19f3558075524b")
	if got := append(b.scalar.Bytes(), b.prefix[:]...); !bytes.Equal(got, want) || b.public != p {
		t.Errorf("private: got %x public %x, want %x", got, b.public, want)
	}
}

// Whoever knows a alone and whoever knows A alone arrive at one key, and the one verifier of the project takes its signatures.
func TestBlindSigns(t *testing.T) {
	for n := range uint64(200) {
		seed := fill(n)
		a := sig.FromSeed(seed).Public()
		b, err := blindPrivate(expand(seed), a, []byte("secret"), n)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := blindPublic(a, []byte("secret"), n); err != nil || p != b.public {
			t.Fatalf("day %d: %x and %x, %v", n, p, b.public, err)
		}
		s, err := b.sign("pars/a/v1", []byte("salam"), stream(n))
		if err != nil || !sig.Verify(b.public, "pars/a/v1", []byte("salam"), s) {
			t.Fatalf("day %d: signature refused, %v", n, err)
		}
		if again, err := b.sign("pars/a/v1", []byte("salam"), stream(n+1)); err != nil || again == s {
			t.Fatalf("day %d: the nonce follows from the message alone, %v", n, err)
		}
	}
}

// Two days of one key must not sign with one nonce, even when randomness repeats: the prefix is the same on all days.
func TestBlindNonceIsTheDays(t *testing.T) {
	seed := fill(1)
	a := sig.FromSeed(seed).Public()
	var got []sig.Signature
	for n := range uint64(2) {
		b, err := blindPrivate(expand(seed), a, nil, n)
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.sign("pars/a/v1", []byte("salam"), stream(5))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	if bytes.Equal(got[0][:32], got[1][:32]) {
		t.Error("two days, one nonce: the private key can be computed")
	}
}

// A key with a part of small order would have two places; one of small order accepts any signature.
func TestBlindRefusesTorsion(t *testing.T) {
	small, err := new(edwards25519.Point).SetBytes(unhex(t, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))
	if err != nil {
		t.Fatal(err)
	}
	honest := sig.FromSeed(fill(1)).Public()
	p, err := new(edwards25519.Point).SetBytes(honest[:])
	if err != nil {
		t.Fatal(err)
	}
	bad := []sig.Public{{}, {1}, sig.Public(small.Bytes()), sig.Public(p.Add(p, small).Bytes()),
		sig.Public(unhex(t, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))}
	for _, k := range bad {
		if _, err := blindPublic(k, nil, 1); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%x: %v", k, err)
		}
	}
	if _, err := blindPublic(honest, nil, 1); err != nil {
		t.Errorf("honest key: %v", err)
	}
}
