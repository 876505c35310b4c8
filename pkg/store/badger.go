package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// BadgerOptions chooses between the two profiles that were measured.
type BadgerOptions struct {
	// Phone keeps memtables, caches and value-log files small.
	Phone bool
	// Log takes badger's warnings and errors, one line each, without keys; nil drops them.
	Log func(string)
}

// OpenBadger opens or makes the store in dir. ErrBusy: another process holds it. An error that Is ErrCorrupt: Salvage
// what is left of it, in a child process, since badger may end the process from its own goroutines.
func OpenBadger(dir string, o BadgerOptions) (Engine, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	w := &watch{log: o.Log}
	db, err := openDB(settings(dir, o.Phone).WithLogger(w))
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return &badgerEngine{db: db, limit: batchLimit(o.Phone), dir: dir, watch: w}, nil
}

// openDB turns a panic of badger into an error that Is ErrCorrupt.
func openDB(o badger.Options) (db *badger.DB, err error) {
	defer guard(&err)
	if err := preflight(o.Dir, o.NumCompactors > 0); err != nil {
		if held(o.Dir) { // its tables may be half written
			return nil, ErrBusy
		}
		return nil, err
	}
	db, err = badger.Open(o)
	var system syscall.Errno
	switch {
	case err == nil:
		return db, nil
	case strings.Contains(err.Error(), "Cannot acquire directory lock"):
		return nil, ErrBusy
	case errors.As(err, &system):
		return nil, asFull(err)
	}
	return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// settings is the one place with badger's options; each differs from the default because the default lost data, served
// changed values, panicked on damage or took hundreds of megabytes.
func settings(dir string, phone bool) badger.Options {
	const mib = 1 << 20
	o := badger.DefaultOptions(dir).
		WithSyncWrites(true). // DB.Sync leaves rotated files out, so it is no commit
		WithNumMemtables(2).
		WithValueThreshold(128).
		WithCompression(options.None).
		WithChecksumVerificationMode(options.NoVerification). // our AEAD decides; verification panics
		WithVerifyValueChecksum(false).
		WithNumCompactors(2).
		WithNumVersionsToKeep(1).
		WithDetectConflicts(false).
		WithMetricsEnabled(false)
	if phone {
		return o.WithMemTableSize(8 * mib).WithValueLogFileSize(16 * mib).
			WithBlockCacheSize(4 * mib).WithIndexCacheSize(4 * mib)
	}
	return o.WithMemTableSize(16 * mib).WithValueLogFileSize(64 * mib).
		WithBlockCacheSize(32 * mib).WithIndexCacheSize(16 * mib)
}

// batchLimit stays below the 15 % of a memtable that badger allows a transaction.
func batchLimit(phone bool) int {
	if phone {
		return MaxBatch
	}
	return 2 * MaxBatch
}

type badgerEngine struct {
	gate
	db    *badger.DB
	limit int
	dir   string
	watch *watch
}

// guard turns a panic in this goroutine, memory faults in mapped files included, into an error that Is ErrCorrupt.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("badger panicked: %w", ErrCorrupt)
	}
}

// faults makes a fault in a mapped file a panic for the caller's goroutine, until the returned function is called.
func faults() func() {
	old := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(old) }
}

func (e *badgerEngine) Get(key []byte) (value []byte, err error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	defer e.leave()
	defer faults()()
	defer guard(&err)
	err = e.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(key)
		if err != nil {
			return err
		}
		value, err = item.ValueCopy(nil)
		return err
	})
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return value, nil
}

func (e *badgerEngine) Limit() int { return e.limit }

func (e *badgerEngine) Commit(writes []Write) (err error) {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.leave()
	if err := checkBatch(writes, e.limit); err != nil {
		return err
	}
	defer guard(&err)
	if err := e.db.Update(func(txn *badger.Txn) error { return apply(txn, writes) }); err != nil {
		return fmt.Errorf("commit: %w", asFull(err))
	}
	return e.watch.failed()
}

// apply fills one transaction: a WriteBatch would split it.
func apply(txn *badger.Txn, writes []Write) error {
	for _, w := range writes {
		var err error
		if w.Value == nil {
			err = txn.Delete(w.Key)
		} else {
			err = txn.Set(w.Key, w.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *badgerEngine) Size() (int64, error) {
	if err := e.enter(); err != nil {
		return 0, err
	}
	defer e.leave()
	return diskUsage(e.dir)
}

// closeWait bounds Close: a compaction that meets a damaged table can run for ever, and what was committed is durable
// without it.
const closeWait = 10 * time.Second

func (e *badgerEngine) Close() error {
	if !e.shut() {
		return nil
	}
	// An empty log behind the newest one, so that the next open does not cut that at the first damaged record.
	kept := keepLog(e.dir)
	done := make(chan error, 1)
	go func() { done <- closeDB(e.db) }()
	late := time.NewTimer(closeWait)
	defer late.Stop()
	select {
	case err := <-done:
		if err = errors.Join(err, kept, e.watch.failed()); err != nil {
			return fmt.Errorf("close store: %w", err)
		}
		return nil
	case <-late.C:
		return fmt.Errorf("close store: it does not end: %w", ErrCorrupt)
	}
}

func closeDB(db *badger.DB) (err error) {
	defer guard(&err)
	return db.Close()
}
