package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/pars-network/pars/pkg/store"
)

// stores is an empty plain badger beside an empty store of ours.
type stores struct {
	dir   string
	db    *badger.DB
	st    *store.Store
	space *store.Space
}

func openStores(b *bench) (s *stores, err error) {
	s = &stores{}
	if s.dir, err = os.MkdirTemp(b.dir, "stores-"); err != nil {
		return nil, err
	}
	if s.db, err = badger.Open(badger.DefaultOptions(filepath.Join(s.dir, "peer")).WithLogger(nil).WithSyncWrites(true).WithCompression(0)); err != nil {
		return nil, err
	}
	e, err := store.OpenBadger(filepath.Join(s.dir, "ours"), store.BadgerOptions{})
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	if s.st, err = store.New(e, store.Options{Key: store.Key{1}}); err != nil {
		return nil, errors.Join(err, e.Close(), s.db.Close())
	}
	s.space = s.st.Space(1, store.Key{2})
	return s, nil
}

func (s *stores) close() error {
	return errors.Join(s.st.Close(), s.db.Close(), os.RemoveAll(s.dir))
}

func key(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// putPeer and putOurs make one value durable.
func (s *stores) putPeer(n int, v []byte) error {
	return s.db.Update(func(t *badger.Txn) error { return t.Set(key(n), v) })
}

func (s *stores) putOurs(n int, v []byte) error {
	var b store.Batch
	s.space.Put(&b, store.TableBody, key(n), v)
	return s.st.Commit(&b)
}

// writes times n durable puts one after the other; value is their 99th percentile.
func writes(from, n int, put func(int, []byte) error) (cost, error) {
	took := make([]float64, 0, n)
	v := make([]byte, 1024)
	c, err := timed(func() error {
		for i := range n {
			start := time.Now()
			if err := put(from+i, v); err != nil {
				return err
			}
			took = append(took, time.Since(start).Seconds())
		}
		return nil
	})
	slices.Sort(took)
	if len(took) > 0 {
		c.value = quantile(took, 0.99)
	}
	return c, err
}

// parallel lets 8 writers share n puts.
func parallel(from, n int, put func(int, []byte) error) (cost, error) {
	var wg sync.WaitGroup
	errs := make([]error, 8)
	c, _ := timed(func() error {
		for w := range errs {
			wg.Go(func() { _, errs[w] = writes(from+w*n, n/len(errs), put) })
		}
		wg.Wait()
		return nil
	})
	return c, errors.Join(errs...)
}

func storeRows(b *bench) error {
	s, err := openStores(b)
	if err != nil {
		return err
	}
	defer s.close()
	n, at := 300, 1<<32
	next := func() int { at += 1 << 20; return at }
	p, o, err := duel(func() (cost, error) { return writes(next(), n, s.putPeer) }, func() (cost, error) { return writes(next(), n, s.putOurs) })
	if err != nil {
		return err
	}
	r := row{Area: "store", Measure: "durable lone write of 1 KB, mean", Unit: "ms", Peer: "badger, plain, SyncWrites", Rounds: len(o)}
	pw, ow := p.median(wall, 1e3/float64(n)), o.median(wall, 1e3/float64(n))
	b.add(r, &pw, ow)
	pq, oq := p.median(value, 1e3), o.median(value, 1e3)
	r.Measure = "durable lone write of 1 KB, p99"
	b.add(r, &pq, oq).atMost(10)
	n = 2000
	p, o, err = duel(func() (cost, error) { return parallel(next(), n, s.putPeer) }, func() (cost, error) { return parallel(next(), n, s.putOurs) })
	if err != nil {
		return err
	}
	pr, or := p.median(func(c cost) float64 { return float64(n) / c.wall }, 1), o.median(func(c cost) float64 { return float64(n) / c.wall }, 1)
	r.Measure, r.Unit = "durable writes of 8 writers", "1/s"
	b.add(r, &pr, or).aim(">= 1000", or.median >= 1000)
	return readRow(b)
}

// readRow reads single records of 1 KB in no order.
func readRow(b *bench) error {
	s, err := openStores(b)
	if err != nil {
		return err
	}
	defer s.close()
	n, reads := b.n, 20_000
	if err := fill(s, n); err != nil {
		return err
	}
	seed := uint32(1)
	pick := func() int { seed = seed*1664525 + 1013904223; return int(uint64(seed) * uint64(n) >> 32) }
	p, o, err := duel(
		func() (cost, error) {
			return timed(func() error {
				for range reads {
					err := s.db.View(func(t *badger.Txn) error {
						it, err := t.Get(key(pick()))
						if err == nil {
							_, err = it.ValueCopy(nil)
						}
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
		func() (cost, error) {
			return timed(func() error {
				for range reads {
					if _, err := s.space.Get(store.TableBody, key(pick())); err != nil {
						return err
					}
				}
				return nil
			})
		})
	if err != nil {
		return err
	}
	r := row{Area: "store", Measure: fmt.Sprintf("point read of 1 KB among %d", n), Unit: "us", Peer: "badger, plain", Rounds: len(o)}
	pw, ow := p.median(wall, 1e6/float64(reads)), o.median(wall, 1e6/float64(reads))
	b.add(r, &pw, ow).atMost(15)
	return nil
}

func fill(s *stores, n int) error {
	wb := s.db.NewWriteBatch()
	defer wb.Cancel()
	v := make([]byte, 1024)
	for lo := 0; lo < n; lo += 512 {
		var b store.Batch
		for i := lo; i < min(n, lo+512); i++ {
			copy(v, key(i*7919))
			s.space.Put(&b, store.TableBody, key(i), v)
			if err := wb.Set(key(i), slices.Clone(v)); err != nil {
				return err
			}
		}
		if err := s.st.Commit(&b); err != nil {
			return err
		}
	}
	return wb.Flush()
}
