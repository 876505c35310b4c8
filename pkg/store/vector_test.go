package store_test

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

// The sealed record is a format that stays: a change here makes every store unreadable.
func TestRecordVector(t *testing.T) {
	e := store.NewMemory()
	s, err := store.New(e, store.Options{Key: store.Key{1, 2, 3}, Rand: rand.NewChaCha8([32]byte{4})})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commit(t, s, func(b *store.Batch) {
		s.Root().Put(b, store.TableState, s.Root().Name(store.TableState, []byte("heads")), []byte("salam"))
		s.Space(0x01020304, store.Key{5}).Put(b, store.TableVertex, []byte{0, 0, 0, 0, 0, 0, 0, 9}, []byte("salam"))
	})
	got := rows(t, e)
	want := []string{
		"73000000002507966580b5467f89c733d053eb080a",
		"0172a9f983e0dedf57c00e35875f9b321cfb52d9df8407c99f2c4a808af00d7c9260bf36cd954ad488d1fee6f922",
		"76010203040000000000000009",
		"018ff3f0af8babe384330146696e55e968699482bbbe7e7577875996d042ea635e36ac60eb479f9504bccec5e22b",
	}
	for i, b := range [][]byte{got[0].Key, got[0].Value, got[1].Key, got[1].Value} {
		if h := hex.EncodeToString(b); h != want[i] {
			t.Errorf("%d: got %s", i, h)
		}
	}
}
