package keystore

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/store/storetest"
)

// cheap is the least that a header may ask for, so that tests can try many passphrases.
func cheap() cost { return cost{kdf: kdfArgon, lanes: 1, passes: 1, kib: minKiB} }

func seeded(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func sample(t testing.TB, seed byte) *Keys {
	t.Helper()
	k, err := NewKeys(seeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	k.Account, k.Label, k.Flags = [32]byte{seed, 1}, "گوشی", 5
	k.Entropy, k.Cert = bytes.Repeat([]byte{seed}, 32), bytes.Repeat([]byte{9}, 130)
	return k
}

func same(a, b *Keys) bool {
	x, errX := a.encode()
	y, errY := b.encode()
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// home makes a key file on a disk: without passphrase where pass is empty.
func home(t testing.TB, pass string, k *Keys) (*storetest.Disk, Secret) {
	t.Helper()
	d := storetest.NewDisk()
	c := cost{}
	if pass != "" {
		c = cheap()
	}
	if err := create(d, File(d), []byte(pass), k, seeded(42), c); err != nil {
		t.Fatal(err)
	}
	return d, File(d)
}

func mustOpen(t testing.TB, f store.FS, sec Secret, pass string) *Opened {
	t.Helper()
	o, err := Open(f, sec, []byte(pass))
	if err != nil {
		t.Fatal(err)
	}
	return o
}
