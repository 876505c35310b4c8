package keystore

import (
	"bytes"
	"strings"
	"testing"
)

func TestKeysRoundTrip(t *testing.T) {
	full := sample(t, 1)
	full.Flags, full.Generation, full.OnOpen = 1<<64-1, 1<<64-1, WipeOthers
	full.Label, full.Cert, full.Root = strings.Repeat("x", maxLabel), make([]byte, maxCert), make([]byte, rootSize)
	least := &Keys{DEK: full.DEK}
	for _, k := range []*Keys{full, least} {
		b, err := k.encode()
		if err != nil || len(b) != plainSize {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		got, err := decodeKeys(b)
		if err != nil || !same(got, k) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

func TestKeysRefused(t *testing.T) {
	for name, change := range map[string]func(*Keys){
		"entropy": func(k *Keys) { k.Entropy = make([]byte, 15) },
		"label":   func(k *Keys) { k.Label = strings.Repeat("x", maxLabel+1) },
		"utf-8":   func(k *Keys) { k.Label = "\xff" },
		"cert":    func(k *Keys) { k.Cert = make([]byte, maxCert+1) },
		"root":    func(k *Keys) { k.Root = make([]byte, rootSize-1) },
		"action":  func(k *Keys) { k.OnOpen = 2 },
	} {
		k := sample(t, 1)
		change(k)
		if _, err := k.encode(); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
	b, _ := sample(t, 1).encode()
	for name, bad := range map[string][]byte{
		"short":   b[:plainSize-1],
		"trailer": append(bytes.Clone(b[:plainSize-1]), 1),
		"nothing": make([]byte, plainSize),
	} {
		if _, err := decodeKeys(bad); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

// FuzzDecodeKeys: what is accepted has no other encoding.
func FuzzDecodeKeys(f *testing.F) {
	for seed := range byte(3) {
		k := sample(f, seed+1)
		switch seed {
		case 1:
			k.Root = make([]byte, rootSize)
		case 2:
			k.Entropy, k.Cert = nil, nil
		}
		b, err := k.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.TrimRight(b, "\x00"))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		b := make([]byte, plainSize)
		if copy(b, in) < len(in) {
			return
		}
		k, err := decodeKeys(b)
		if err != nil {
			return
		}
		if out, err := k.encode(); err != nil || !bytes.Equal(out, b) {
			t.Errorf("accepted but encoded otherwise: %v", err)
		}
	})
}
