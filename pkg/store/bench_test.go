package store_test

import (
	"encoding/binary"
	"sync/atomic"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

func BenchmarkSeal(b *testing.B) {
	s, _ := tap(b)
	sp := s.Space(1, store.Key{1})
	plain := make([]byte, 1024)
	b.SetBytes(1024)
	b.ReportAllocs()
	var batch store.Batch
	for i := range b.N {
		if i%1000 == 0 {
			batch = store.Batch{}
		}
		sp.Put(&batch, store.TableBody, binary.BigEndian.AppendUint64(nil, uint64(i)), plain)
	}
}

func BenchmarkOpen(b *testing.B) {
	s, _ := tap(b)
	commit(b, s, func(batch *store.Batch) { s.Root().Put(batch, store.TableBody, nil, make([]byte, 1024)) })
	b.SetBytes(1024)
	b.ReportAllocs()
	for range b.N {
		if _, err := s.Root().Get(store.TableBody, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit1KB is import: one operation is one record of 1 KB, committed 900 at a time.
func BenchmarkCommit1KB(b *testing.B) {
	s, err := store.New(openBadger(b, b.TempDir()), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	sp, plain := s.Space(1, store.Key{1}), make([]byte, 1024)
	b.SetBytes(1024)
	for i := 0; i < b.N; {
		var batch store.Batch
		for ; batch.Len() < 900 && i < b.N; i++ {
			sp.Put(&batch, store.TableBody, binary.BigEndian.AppendUint64(nil, uint64(i)), plain)
		}
		if err := s.Commit(&batch); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoneWrite(b *testing.B) {
	s, err := store.New(openBadger(b, b.TempDir()), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := range b.N {
		var batch store.Batch
		s.Root().Put(&batch, store.TableState, binary.BigEndian.AppendUint64(nil, uint64(i)), make([]byte, 200))
		if err := s.Commit(&batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParallelWrite is many callers with one small record each: the group commit shares their syncs.
func BenchmarkParallelWrite(b *testing.B) {
	s, err := store.New(openBadger(b, b.TempDir()), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var n atomic.Uint64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			var batch store.Batch
			s.Root().Put(&batch, store.TableState, binary.BigEndian.AppendUint64(nil, n.Add(1)), make([]byte, 200))
			if err := s.Commit(&batch); err != nil {
				b.Error(err)
			}
		}
	})
}
