package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

// slow is an engine whose commits wait for a gate, and that counts them.
type slow struct {
	store.Engine
	gate    chan struct{}
	commits atomic.Int32
	durable atomic.Int32 // records
	fail    atomic.Pointer[error]
}

func (s *slow) Commit(w []store.Write) error {
	<-s.gate
	s.commits.Add(1)
	if p := s.fail.Load(); p != nil {
		return *p
	}
	err := s.Engine.Commit(w)
	s.durable.Add(int32(len(w)))
	return err
}

func openSlow(t *testing.T) (*store.Store, *slow) {
	t.Helper()
	e := &slow{Engine: store.NewMemory(), gate: make(chan struct{})}
	s, err := store.New(e, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, e
}

func one(s *store.Store, name string) *store.Batch {
	b := &store.Batch{}
	s.Root().Put(b, store.TableState, []byte(name), []byte("v"))
	return b
}

// Callers that come together share transactions, and none is answered before its own is durable.
func TestGroupCommit(t *testing.T) {
	s, e := openSlow(t)
	var wg sync.WaitGroup
	var answered atomic.Int32
	for i := range 200 {
		wg.Go(func() {
			if err := s.Commit(one(s, string(rune('A'+i)))); err != nil {
				t.Error(err)
			}
			if n := answered.Add(1); n > e.durable.Load() {
				t.Errorf("answer %d with %d records durable", n, e.durable.Load())
			}
		})
	}
	e.gate <- struct{}{}
	close(e.gate)
	wg.Wait()
	if n := e.commits.Load(); n > 100 {
		t.Errorf("200 callers took %d transactions", n)
	}
}

// A group stays within one transaction; batches that fit alone are never refused.
func TestGroupStaysWithinLimits(t *testing.T) {
	s, e := openSlow(t)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			b := &store.Batch{}
			s.Root().Put(b, store.TableBody, []byte{byte(i)}, make([]byte, 600<<10))
			if err := s.Commit(b); err != nil {
				t.Error(err)
			}
		})
	}
	close(e.gate)
	wg.Wait()
	if n := e.commits.Load(); n != 6 {
		t.Errorf("got %d transactions, want 6", n)
	}
	var b store.Batch
	s.Root().Put(&b, store.TableBody, []byte("x"), make([]byte, s.Limit()))
	if err := s.Commit(&b); !errors.Is(err, store.ErrTooBig) {
		t.Errorf("got %v, want too big", err)
	}
}

func TestFailedCommitIsToldToAll(t *testing.T) {
	s, e := openSlow(t)
	bad := errors.New("disk on fire")
	e.fail.Store(&bad)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := s.Commit(one(s, "a")); !errors.Is(err, bad) {
				t.Errorf("got %v", err)
			}
		})
	}
	close(e.gate)
	wg.Wait()
}

func TestCloseAnswersEveryone(t *testing.T) {
	s, e := openSlow(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := s.Commit(one(s, "a")); err != nil && !errors.Is(err, store.ErrClosed) {
				t.Error(err)
			}
		})
	}
	e.gate <- struct{}{}
	close(e.gate)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := s.Commit(one(s, "b")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("commit after close: %v", err)
	}
	if _, err := s.Root().Get(store.TableState, []byte("a")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("get after close: %v", err)
	}
}

func TestFullStore(t *testing.T) {
	free := int64(1 << 30)
	s, err := store.New(store.NewMemory(), store.Options{Limit: 100_000, FreeSpace: func() (int64, error) { return free, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(name string, n int) error {
		var b store.Batch
		s.Root().Put(&b, store.TableBody, []byte(name), make([]byte, n))
		return s.Commit(&b)
	}
	drop := func(name string) {
		t.Helper()
		commit(t, s, func(b *store.Batch) { s.Root().Delete(b, store.TableBody, []byte(name)) })
	}
	if err := put("a", 99_000); err != nil {
		t.Fatal(err)
	}
	if err := put("b", 1); !errors.Is(err, store.ErrFull) {
		t.Errorf("above 99 %%: got %v", err)
	}
	if used, limit := s.Usage(); used < 99_000 || limit != 100_000 {
		t.Errorf("usage %d of %d", used, limit)
	}
	if _, err := s.Root().Get(store.TableBody, []byte("a")); err != nil {
		t.Errorf("read on a full store: %v", err)
	}
	drop("a")
	if err := put("b", 1); err != nil {
		t.Errorf("after the delete: %v", err)
	}
	free = 8<<20 - 1
	if err := put("c", 1); !errors.Is(err, store.ErrFull) {
		t.Errorf("full disk: got %v", err)
	}
	drop("b")
}
