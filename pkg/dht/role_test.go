package dht

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

func card(role Role) Card {
	c := Card{Role: role, Peer: PeerOf(sig.FromSeed(fill(4)).Public()), Addrs: [][]byte{[]byte("\x04\x7f\x00\x00\x01\x06\x0f\xa1")}, NotAfter: now + day}
	if role == "evm-full:7070" {
		c.Chain = &ChainCard{ID: 7070, Genesis: fill(1), Head: 100, Oldest: 3}
	}
	return c
}

func TestCard(t *testing.T) {
	netid := fill(1)
	for _, role := range []Role{"relay", "evm-full:7070"} {
		c := card(role)
		b, err := c.Seal(netid, sig.FromSeed(fill(4)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeCard(b, netid, now); err != nil || got.Role != role || got.Peer != c.Peer || !bytes.Equal(got.Addrs[0], c.Addrs[0]) {
			t.Errorf("%+v %v", got, err)
		}
		for i := range 8 * len(b) {
			b[i/8] ^= 1 << (i % 8)
			if _, err := DecodeCard(b, netid, now); err == nil {
				t.Errorf("%s: accepted with bit %d flipped", role, i)
			}
			b[i/8] ^= 1 << (i % 8)
		}
		for _, at := range []int64{now + day, now + day - maxCardLife - 1, -1} {
			if _, err := DecodeCard(b, netid, at); !errors.Is(err, ErrExpired) {
				t.Errorf("at %d: %v", at, err)
			}
		}
		if _, err := DecodeCard(b, fill(2), now); !errors.Is(err, sig.ErrVerify) {
			t.Errorf("in another network: %v", err)
		}
		if _, err := c.Seal(netid, sig.FromSeed(fill(5))); !errors.Is(err, sig.ErrVerify) {
			t.Errorf("signed by another node: %v", err)
		}
	}
	wrong := card("evm-full:7070")
	wrong.Role = "evm-full:1"
	if _, err := wrong.Seal(netid, sig.FromSeed(fill(4))); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("chain of another role: %v", err)
	}
}

func TestRoleKeys(t *testing.T) {
	netid, seen := fill(1), map[string]bool{}
	for _, role := range Roles(7070) {
		if got, err := ParseRole(string(role)); err != nil || got != role {
			t.Errorf("%s: %v", role, err)
		}
		for shard := range uint8(Shards) {
			k := string(RoleKey(netid, role, shard))
			if seen[k] || len(k) != 34 {
				t.Errorf("%s %d: %x", role, shard, k)
			}
			seen[k] = true
		}
	}
	if seen[string(RoleKey(fill(2), "relay", 0))] {
		t.Error("two networks share a key")
	}
}

func FuzzDecodeCard(f *testing.F) {
	for _, role := range []Role{"relay", "evm-full:7070"} {
		c := card(role)
		b, err := c.Seal(fill(1), sig.FromSeed(fill(4)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if c, err := decodeCardBody(in); err == nil && !bytes.Equal(c.body(), in) {
			t.Errorf("in %x\nout %x", in, c.body())
		}
		DecodeCard(in, fill(1), now)
	})
}

func FuzzParseRole(f *testing.F) {
	f.Add("evm-full:1")
	f.Add("relay")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseRole(s); err == nil && string(r) != s {
			t.Errorf("%q became %q", s, r)
		}
	})
}
