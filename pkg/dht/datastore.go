package dht

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"sync"
	"time"

	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
)

// shelf is Shelf as the library stores in it.
type shelf struct {
	now    func() time.Time
	perKey int // most entries below one key; 0: no limit

	mu     sync.Mutex // guards below
	s      Shelf
	counts map[string]int
}

// place returns the place of what a datastore key names, and the part that names it.
func (*shelf) place(k ds.Key) (ID, string) {
	parts := k.List()
	at := len(parts) - 1
	if parts[0] == "providers" && at > 1 {
		at = 1
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(parts[at]))
	if err != nil {
		raw = []byte(parts[at])
	}
	return sha256.Sum256(raw), parts[at]
}

// Put is of ds.Write.
func (s *shelf) Put(_ context.Context, k ds.Key, v []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	place, key := s.place(k)
	_, had := s.s.Get(k.String())
	if s.perKey > 0 && !had && s.counts[key] >= s.perKey {
		return ErrFull
	}
	now := s.now()
	if err := s.s.Put(k.String(), place, v, now.Add(maxLife*time.Second).Unix(), now.Unix()); err != nil {
		return err
	}
	if s.perKey > 0 {
		s.recount()
	}
	return nil
}

// recount follows what Shelf let go of. Providers are few.
func (s *shelf) recount() {
	s.counts = map[string]int{}
	for _, name := range s.s.Names() {
		_, key := s.place(ds.NewKey(name))
		s.counts[key]++
	}
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.s.items)
}

// Get is of ds.Read.
func (s *shelf) Get(_ context.Context, k ds.Key) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.s.Get(k.String()); ok {
		return v, nil
	}
	return nil, ds.ErrNotFound
}

// Has is of ds.Read.
func (s *shelf) Has(ctx context.Context, k ds.Key) (bool, error) {
	_, err := s.Get(ctx, k)
	return err == nil, nil
}

// GetSize is of ds.Read.
func (s *shelf) GetSize(ctx context.Context, k ds.Key) (int, error) {
	v, err := s.Get(ctx, k)
	return len(v), err
}

// Delete is of ds.Write.
func (s *shelf) Delete(_ context.Context, k ds.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Delete(k.String())
	if s.perKey > 0 {
		s.recount()
	}
	return nil
}

// Query is of ds.Read; the library sweeps what is too old with it.
func (s *shelf) Query(_ context.Context, q query.Query) (query.Results, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []query.Entry
	for _, name := range s.s.Names() {
		v, _ := s.s.Get(name)
		out = append(out, query.Entry{Key: name, Value: v, Size: len(v)})
	}
	return query.NaiveQueryApply(q, query.ResultsWithEntries(q, out)), nil
}

// Sync is of ds.Datastore: nothing here outlives the process.
func (*shelf) Sync(context.Context, ds.Key) error { return nil }

// Close is of ds.Datastore.
func (*shelf) Close() error { return nil }

// Batch is of ds.Batching.
func (s *shelf) Batch(context.Context) (ds.Batch, error) { return ds.NewBasicBatch(s), nil }
