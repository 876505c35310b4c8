package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/exchange/offline"
	"github.com/ipfs/boxo/ipld/merkledag"
	ds "github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	dssync "github.com/ipfs/go-datastore/sync"
	crdt "github.com/ipfs/go-ds-crdt"
	ipld "github.com/ipfs/go-ipld-format"
)

// air keeps the newest announcement of heads and hands each replica what is put into next. A replica asks for the next
// one when it is through with the last: each question stands in asked.
type air struct {
	last  []byte
	next  chan []byte
	asked chan struct{}
}

func newAir() *air { return &air{next: make(chan []byte, 1), asked: make(chan struct{}, 16)} }

// Broadcast remembers an announcement.
func (a *air) Broadcast(_ context.Context, b []byte) error {
	a.last = b
	return nil
}

// Next waits for an announcement.
func (a *air) Next(ctx context.Context) ([]byte, error) {
	a.asked <- struct{}{}
	select {
	case b := <-a.next:
		return b, nil
	case <-ctx.Done():
		return nil, crdt.ErrNoMoreBroadcast
	}
}

// theirSource is a filled replica of go-ds-crdt: the nodes and the newest heads.
type theirSource struct {
	dag  ipld.DAGService
	head []byte
	want map[string]string
}

func newTheirs(store ds.Datastore, dag ipld.DAGService, a *air) (*crdt.Datastore, error) {
	o := crdt.DefaultOptions()
	o.RebroadcastInterval = time.Hour
	return crdt.New(store, ds.NewKey("m"), dag, a, o)
}

// fillTheirs writes the puts, per of them in one node.
func fillTheirs(puts []put, per int) (s *theirSource, err error) {
	ctx := context.Background()
	bs := blockstore.NewBlockstore(dssync.MutexWrap(ds.NewMapDatastore()))
	s = &theirSource{dag: merkledag.NewDAGService(blockservice.New(bs, offline.Exchange(bs))), want: map[string]string{}}
	a := newAir()
	store, err := newTheirs(dssync.MutexWrap(ds.NewMapDatastore()), s.dag, a)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	for lo := 0; lo < len(puts); lo += per {
		w, err := ds.Write(store), error(nil)
		var batch ds.Batch
		if per > 1 {
			if batch, err = store.Batch(ctx); err != nil {
				return nil, err
			}
			w = batch
		}
		for _, p := range puts[lo:min(lo+per, len(puts))] {
			if err := w.Put(ctx, ds.NewKey(p.key), p.value); err != nil {
				return nil, err
			}
			s.want["/"+p.key] = string(p.value)
		}
		if batch != nil {
			if err := batch.Commit(ctx); err != nil {
				return nil, err
			}
		}
	}
	s.head = a.last
	return s, nil
}

// merge lets a fresh replica over store take everything.
func (s *theirSource) merge(store ds.Datastore) (c cost, err error) {
	ctx := context.Background()
	a := newAir()
	fresh, err := newTheirs(store, s.dag, a)
	if err != nil {
		return c, err
	}
	c, err = timed(func() error {
		<-a.asked
		a.next <- s.head
		<-a.asked
		return store.Sync(ctx, ds.NewKey("/"))
	})
	if err == nil {
		err = s.equal(ctx, fresh)
	}
	return c, errors.Join(err, fresh.Close())
}

func (s *theirSource) equal(ctx context.Context, d *crdt.Datastore) error {
	got, err := d.Query(ctx, query.Query{})
	if err != nil {
		return err
	}
	all, err := got.Rest()
	if err != nil {
		return err
	}
	for _, e := range all {
		if s.want[e.Key] != string(e.Value) {
			return fmt.Errorf("go-ds-crdt: another value for %s", e.Key)
		}
	}
	if len(all) != len(s.want) {
		return fmt.Errorf("go-ds-crdt: %d of %d keys", len(all), len(s.want))
	}
	return nil
}

// badgerDS is what go-ds-crdt needs of a datastore, on badger as it comes: not synced but when asked.
type badgerDS struct{ db *badger.DB }

// Get returns a value.
func (d badgerDS) Get(_ context.Context, k ds.Key) (v []byte, err error) {
	err = d.db.View(func(t *badger.Txn) error {
		it, err := t.Get(k.Bytes())
		if err == nil {
			v, err = it.ValueCopy(nil)
		}
		return err
	})
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, ds.ErrNotFound
	}
	return v, err
}

// Has reports whether there is a value.
func (d badgerDS) Has(ctx context.Context, k ds.Key) (bool, error) {
	_, err := d.Get(ctx, k)
	if errors.Is(err, ds.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// GetSize returns the size of a value.
func (d badgerDS) GetSize(ctx context.Context, k ds.Key) (int, error) {
	v, err := d.Get(ctx, k)
	if err != nil {
		return -1, err
	}
	return len(v), nil
}

// Query lists what stands below a prefix.
func (d badgerDS) Query(_ context.Context, q query.Query) (query.Results, error) {
	var out []query.Entry
	err := d.db.View(func(t *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.Prefix, o.PrefetchValues = []byte(ds.NewKey(q.Prefix).String()), !q.KeysOnly
		it := t.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			e := query.Entry{Key: string(it.Item().Key()), Size: int(it.Item().ValueSize())}
			if !q.KeysOnly {
				var err error
				if e.Value, err = it.Item().ValueCopy(nil); err != nil {
					return err
				}
			}
			out = append(out, e)
		}
		return nil
	})
	plain := q
	plain.Prefix = ""
	return query.NaiveQueryApply(plain, query.ResultsWithEntries(q, out)), err
}

// Put stores a value.
func (d badgerDS) Put(_ context.Context, k ds.Key, v []byte) error {
	return d.db.Update(func(t *badger.Txn) error { return t.Set(k.Bytes(), v) })
}

// Delete removes a value.
func (d badgerDS) Delete(_ context.Context, k ds.Key) error {
	return d.db.Update(func(t *badger.Txn) error { return t.Delete(k.Bytes()) })
}

// Batch collects writes.
func (d badgerDS) Batch(context.Context) (ds.Batch, error) {
	return badgerBatch{d.db.NewWriteBatch()}, nil
}

// Sync makes everything durable.
func (d badgerDS) Sync(context.Context, ds.Key) error { return d.db.Sync() }

// Close closes the database.
func (d badgerDS) Close() error { return d.db.Close() }

type badgerBatch struct{ wb *badger.WriteBatch }

// Put adds a value.
func (b badgerBatch) Put(_ context.Context, k ds.Key, v []byte) error { return b.wb.Set(k.Bytes(), v) }

// Delete adds a removal.
func (b badgerBatch) Delete(_ context.Context, k ds.Key) error { return b.wb.Delete(k.Bytes()) }

// Commit writes the batch.
func (b badgerBatch) Commit(context.Context) error { return b.wb.Flush() }
