package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

// tap is a memory engine whose raw records a test can read and change.
func tap(t testing.TB) (*store.Store, store.Engine) {
	t.Helper()
	e := store.NewMemory()
	s, err := store.New(e, store.Options{Key: store.Key{1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, e
}

func commit(t testing.TB, s *store.Store, fill func(b *store.Batch)) {
	t.Helper()
	var b store.Batch
	fill(&b)
	if err := s.Commit(&b); err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, e store.Engine) (out []store.Write) {
	t.Helper()
	err := e.Scan(nil, nil, func(k, v []byte) bool {
		out = append(out, store.Write{Key: bytes.Clone(k), Value: bytes.Clone(v)})
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSpaceRoundTrip(t *testing.T) {
	s, e := tap(t)
	sp := s.Space(7, store.Key{2})
	commit(t, s, func(b *store.Batch) {
		sp.Put(b, store.TableBody, []byte("rest"), []byte("salam"))
		sp.Put(b, store.TableBody, []byte("none"), nil)
		sp.PutClear(b, store.TableIndex, []byte("id"), []byte("12345678"))
		if b.Len() != 3 || b.Bytes() == 0 {
			t.Errorf("len %d, bytes %d", b.Len(), b.Bytes())
		}
	})
	for rest, want := range map[string]string{"rest": "salam", "none": ""} {
		if got, err := sp.Get(store.TableBody, []byte(rest)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", rest, got, err)
		}
	}
	if got, err := sp.Get(store.TableIndex, []byte("id")); err != nil || string(got) != "12345678" {
		t.Errorf("index: got %q, %v", got, err)
	}
	all := rows(t, e)
	if want := "b\x00\x00\x00\x07rest"; string(all[1].Key) != want {
		t.Errorf("key: got %q want %q", all[1].Key, want)
	}
	if got := len(all[1].Value); got != len("salam")+store.Overhead || all[1].Value[0] != 1 {
		t.Errorf("record: %d bytes, first %d", got, all[1].Value[0])
	}
	commit(t, s, func(b *store.Batch) { sp.Delete(b, store.TableBody, []byte("rest")) })
	if _, err := sp.Get(store.TableBody, []byte("rest")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if _, err := s.Space(8, store.Key{2}).Get(store.TableBody, []byte("none")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("other group: %v", err)
	}
	if _, err := s.Space(7, store.Key{3}).Get(store.TableBody, []byte("none")); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("other key: %v", err)
	}
}

func TestSpaceMisuse(t *testing.T) {
	s, _ := tap(t)
	for name, fill := range map[string]func(*store.Batch){
		"sealed index":   func(b *store.Batch) { s.Root().Put(b, store.TableIndex, nil, nil) },
		"clear body":     func(b *store.Batch) { s.Root().PutClear(b, store.TableBody, nil, nil) },
		"state in table": func(b *store.Batch) { s.State(store.Key{}).Put(b, store.TableState, nil, nil) },
	} {
		var b store.Batch
		fill(&b)
		if err := s.Commit(&b); !errors.Is(err, store.ErrMisuse) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	var b store.Batch
	s.Root().Put(&b, store.TableBody, make([]byte, store.MaxRest+1), nil)
	if err := s.Commit(&b); !errors.Is(err, store.ErrTooBig) {
		t.Errorf("long key: got %v", err)
	}
	commit(t, s, func(b *store.Batch) { s.State(store.Key{9}).Put(b, store.TableKeys, []byte("k"), []byte("v")) })
	if _, err := s.Root().Get(store.TableKeys, []byte("k")); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("state record opened by the store key: %v", err)
	}
}

func TestFailedRandomnessIsTold(t *testing.T) {
	s, err := store.New(store.NewMemory(), store.Options{Rand: io.LimitReader(rand.NewChaCha8([32]byte{}), 30)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var b store.Batch
	s.Root().Put(&b, store.TableBody, []byte("a"), nil)
	s.Root().Put(&b, store.TableBody, []byte("b"), nil)
	if err := s.Commit(&b); err == nil {
		t.Error("sealed without randomness")
	}
}

// Records swapped between keys, groups and tables must not open; taking the key out of the AD turns this red.
func TestSwappedRecordsDoNotOpen(t *testing.T) {
	s, e := tap(t)
	k := store.Key{5}
	commit(t, s, func(b *store.Batch) {
		for g := range uint32(2) {
			for _, r := range []string{"1", "2", "11"} {
				s.Space(g, k).Put(b, store.TableBody, []byte(r), []byte("text "+r))
				s.Space(g, k).Put(b, store.TableVertex, []byte(r), []byte("text "+r))
			}
		}
	})
	all := rows(t, e)
	for i := range all {
		for j := range all {
			if i == j {
				continue
			}
			if err := e.Commit([]store.Write{{Key: all[i].Key, Value: all[j].Value}}); err != nil {
				t.Fatal(err)
			}
			got, err := s.Space(uint32(all[i].Key[4]), k).Get(store.Table(all[i].Key[0]), all[i].Key[5:])
			if !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("record of %q opened at %q: %q", all[j].Key, all[i].Key, got)
			}
			var ce store.CorruptError
			if !errors.As(err, &ce) || ce.Table != store.Table(all[i].Key[0]) {
				t.Errorf("error does not name the table: %v", err)
			}
		}
	}
}

func TestScanTellsCorruptRecords(t *testing.T) {
	s, e := tap(t)
	commit(t, s, func(b *store.Batch) {
		for i := range 5 {
			s.Root().Put(b, store.TableState, []byte{byte(i)}, []byte{byte(i)})
		}
	})
	all := rows(t, e)
	all[2].Value[30] ^= 1
	if err := e.Commit(all[2:3]); err != nil {
		t.Fatal(err)
	}
	got := ""
	err := s.Root().Scan(store.TableState, []byte{1}, func(rest, plain []byte, err error) bool {
		got += fmt.Sprintf("%d:%x:%v ", rest, plain, errors.Is(err, store.ErrCorrupt))
		return rest[0] < 3
	})
	if want := "[1]:01:false [2]::true [3]:03:false "; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestEveryFlippedBitIsCorrupt(t *testing.T) {
	const seed = 1
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	s, e := tap(t)
	r := rand.New(rand.NewPCG(seed, 0))
	commit(t, s, func(b *store.Batch) {
		for i := range 50 {
			s.Root().Put(b, store.TableBody, []byte{byte(i)}, make([]byte, r.IntN(300)))
		}
	})
	all := rows(t, e)
	for range n {
		w := all[r.IntN(len(all))]
		bad := bytes.Clone(w.Value)
		bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		if r.IntN(10) == 0 {
			bad = bad[:r.IntN(len(bad))]
		}
		if err := e.Commit([]store.Write{{Key: w.Key, Value: bad}}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Root().Get(store.TableBody, w.Key[5:]); !errors.Is(err, store.ErrCorrupt) || got != nil {
			t.Fatalf("seed=%d: changed record opened: %x, %v", seed, got, err)
		}
		if err := e.Commit([]store.Write{w}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestName(t *testing.T) {
	s, _ := tap(t)
	n := s.Root().Name(store.TableState, []byte("heads"))
	if len(n) != 16 || bytes.Equal(n, s.Root().Name(store.TableKeys, []byte("heads"))) {
		t.Errorf("name %x does not depend on its table", n)
	}
	if !bytes.Equal(n, s.Space(3, store.Key{}).Name(store.TableState, []byte("heads"))) {
		t.Error("name depends on more than the table")
	}
	other, err := store.New(store.NewMemory(), store.Options{Key: store.Key{2}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if bytes.Equal(n, other.Root().Name(store.TableState, []byte("heads"))) {
		t.Error("name does not depend on the DEK")
	}
}

func TestPutFromManyGoroutines(t *testing.T) {
	s, err := store.New(store.NewMemory(), store.Options{Rand: rand.NewChaCha8([32]byte{7})})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sp := s.Space(1, store.Key{4})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			var b store.Batch
			for i := range 100 {
				sp.Put(&b, store.TableBody, []byte{byte(g), byte(i)}, []byte{byte(g), byte(i)})
			}
			if err := s.Commit(&b); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	err = sp.Scan(store.TableBody, nil, func(rest, plain []byte, err error) bool {
		n++
		return err == nil && bytes.Equal(rest, plain)
	})
	if err != nil || n != 800 {
		t.Errorf("%d of 800 records open, %v", n, err)
	}
}
