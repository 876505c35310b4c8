package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

const (
	reclaimRecords = 4000
	reclaimSize    = 4 << 10
)

// reclaimable is a closed store of some 16 MB of which every tenth record lives.
func reclaimable(t *testing.T, dir string) {
	t.Helper()
	r := rand.NewChaCha8([32]byte{1})
	change := func(first, end int, f func(s *store.Store, b *store.Batch, i int)) {
		s := openStore(t, dir)
		for i := first; i < end; {
			var b store.Batch
			for ; b.Len() < 100 && i < end; i++ {
				f(s, &b, i)
			}
			if err := s.Commit(&b); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	const parts = 6 // each Close makes a table, and badger merges the first five
	value := make([]byte, reclaimSize)
	for p := range parts {
		change(p*reclaimRecords/parts, (p+1)*reclaimRecords/parts, func(s *store.Store, b *store.Batch, i int) {
			r.Read(value)
			copy(value, fmt.Sprintf("%06d", i))
			s.Root().Put(b, store.TableBody, fmt.Appendf(nil, "%06d", i), value)
		})
	}
	change(0, reclaimRecords, func(s *store.Store, b *store.Batch, i int) {
		if i%10 != 0 {
			s.Root().Delete(b, store.TableBody, fmt.Appendf(nil, "%06d", i))
		}
	})
}

func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.New(openBadger(t, dir), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// living counts the records that read back.
func living(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	for i := range reclaimRecords {
		v, err := s.Root().Get(store.TableBody, fmt.Appendf(nil, "%06d", i))
		if err == nil && (len(v) != reclaimSize || !bytes.HasPrefix(v, fmt.Appendf(nil, "%06d", i))) {
			t.Fatalf("record %d reads as another", i)
		}
		if err == nil {
			n++
		} else if i%10 != 0 && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("record %d, deleted: %v", i, err)
		}
	}
	return n
}

// TestReclaim: what was deleted gives its room back, on disk, and what lives is still there, after a restart too.
func TestReclaim(t *testing.T) {
	dir := t.TempDir()
	reclaimable(t, dir)
	s := openStore(t, dir)
	before, _ := s.Usage()
	if before < reclaimRecords*reclaimSize {
		t.Fatalf("%d bytes before", before)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Reclaim(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that ended: %v", err)
	}
	if err := s.Reclaim(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, _ := s.Usage()
	if after > before/4 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	for range 2 {
		if n := living(t, s); n != reclaimRecords/10 {
			t.Errorf("%d of %d living records read back", n, reclaimRecords/10)
		}
		if err := s.Reclaim(t.Context()); err != nil {
			t.Errorf("once more: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, dir)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Reclaim(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestReclaimOfDamage: badger reads a value log up to the first damaged record and removes the rest with the file. We
// leave such a file as it is: nothing but the one record is lost.
func TestReclaimOfDamage(t *testing.T) {
	for name, at := range map[string]int64{"a value": 1<<20 + 1000, "the first head": 21, "a length": 23} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			reclaimable(t, dir)
			f, err := os.OpenFile(filepath.Join(dir, "000001.vlog"), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 1)
			_, err = f.ReadAt(b, at)
			b[0] ^= 0x84
			_, werr := f.WriteAt(b, at)
			if err := errors.Join(err, werr, f.Close()); err != nil {
				t.Fatal(err)
			}
			s := openStore(t, dir)
			defer s.Close()
			if err := s.Reclaim(t.Context()); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("got %v", err)
			}
			if n := living(t, s); n < reclaimRecords/10-1 {
				t.Errorf("%d of %d living records read back", n, reclaimRecords/10)
			}
		})
	}
}
