package store

import (
	"bytes"
	"errors"

	"github.com/dgraph-io/badger/v4"
)

// Scan reads values in the caller's goroutine: badger's prefetch would let a damaged file panic in a goroutine of its
// own, where nobody can recover. A panic of fn is told as ErrCorrupt too.
func (e *badgerEngine) Scan(prefix, from []byte, fn func(k, v []byte) bool) (err error) {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.leave()
	return scanDB(e.db, prefix, from, fn)
}

func scanDB(db *badger.DB, prefix, from []byte, fn func(k, v []byte) bool) (err error) {
	defer faults()()
	defer guard(&err)
	start := prefix
	if bytes.Compare(from, prefix) > 0 {
		start = from
	}
	return db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Seek(start); it.Valid(); it.Next() {
			more, err := visit(it.Item(), fn)
			if err != nil || !more {
				return err
			}
		}
		return nil
	})
}

// visit hands one item to fn. A value that badger cannot find is handed on as empty: it will not open, and so is told
// as corrupt by the one who knows its key.
func visit(item *badger.Item, fn func(k, v []byte) bool) (more bool, err error) {
	called := false
	err = item.Value(func(v []byte) error {
		called = true
		more = fn(item.Key(), v)
		return nil
	})
	if err == nil || called {
		return more, err
	}
	if errors.Is(err, badger.ErrDBClosed) {
		return false, err
	}
	return fn(item.Key(), []byte{}), nil
}
