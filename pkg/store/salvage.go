package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/dgraph-io/badger/v4"
)

// Salvaged counts what Salvage did.
type Salvaged struct {
	// Records were copied into the new store.
	Records int
	// Gaps is how often something could not be read and was stepped over; a gap may hold several records.
	Gaps int
}

// Salvage copies each readable record of a broken store into a new one. src is only read; beside dst it needs room for a
// copy of src. It is run in a child process,
// after opening was ErrCorrupt or the process died twice: badger may end the process from its own goroutines. What
// seals a record is not known here, so a changed record is copied and found out when it is opened.
func Salvage(src, dst string) (Salvaged, error) {
	db, done, err := openBroken(src, dst+".salvage")
	if err != nil {
		return Salvaged{}, fmt.Errorf("salvage: %w", err)
	}
	defer done()
	to, err := OpenBadger(dst, BadgerOptions{Phone: true})
	if err != nil {
		return Salvaged{}, fmt.Errorf("salvage: %w", err)
	}
	r := rescue{from: db, to: to}
	err = r.run()
	return r.count, errors.Join(err, to.Close())
}

// openBroken opens a copy of src, since badger changes what it opens: first as it is, then mended, then without
// the tables that keep it from opening.
func openBroken(src, scratch string) (db *badger.DB, done func(), err error) {
	o := settings(scratch, true).WithLogger(&watch{}).
		WithNumCompactors(0).WithNumLevelZeroTablesStall(1 << 20) // a compaction of damaged tables may never end
	if locked, err := openDB(settings(src, true).WithLogger(&watch{}).WithReadOnly(true)); errors.Is(err, ErrBusy) {
		return nil, nil, err
	} else if err == nil {
		_ = closeDB(locked)
	}
	err = errors.Join(os.RemoveAll(scratch), os.CopyFS(scratch, os.DirFS(src)), keepLog(scratch))
	for tries := 0; err == nil && tries <= maxBadTables; tries++ {
		var broken error
		if db, broken = openDB(o); broken == nil {
			return db, func() { _ = closeDB(db); _ = os.RemoveAll(scratch) }, nil
		}
		if err = mend(scratch, broken); err == nil && tries == maxBadTables {
			err = broken
		}
	}
	return nil, nil, errors.Join(err, os.RemoveAll(scratch))
}

// maxBadTables is how many tables are given up before the whole store is.
const maxBadTables = 16

// rescue walks a broken store in key order.
type rescue struct {
	from  *badger.DB
	to    Engine
	batch []Write
	bytes int
	count Salvaged
	err   error // of the new store: ends the walk
}

// run restarts the scan behind each place that cannot be read, in steps that double until one is behind the damage.
func (r *rescue) run() error {
	next, step := []byte{}, 0
	for r.err == nil {
		before := r.count.Records
		err := scanDB(r.from, nil, next, func(k, v []byte) bool {
			next = append(append(next[:0], k...), 0)
			r.take(k, v)
			return r.err == nil
		})
		if err == nil {
			break
		}
		if r.count.Records != before {
			step = 0
		}
		r.count.Gaps++
		if next = skip(next, step); next == nil {
			break
		}
		step++
	}
	return errors.Join(r.err, r.flush())
}

// skip returns the key 2^step behind k, seen as a number of 32 bytes; nil when there is none.
func skip(k []byte, step int) []byte {
	const width = 32
	out := make([]byte, max(width, len(k)))
	copy(out, k)
	i := width - 1 - step/8
	if i < 0 {
		return nil
	}
	carry := 1 << (step % 8)
	for ; i >= 0 && carry > 0; i-- {
		carry += int(out[i])
		out[i], carry = byte(carry), carry>>8
	}
	if carry > 0 {
		return nil
	}
	return out
}

// take adds one record to the batch. An empty value is what Scan gives for one it could not find.
func (r *rescue) take(k, v []byte) {
	if len(v) == 0 {
		r.count.Gaps++
		return
	}
	if n := len(k) + len(v); r.bytes+n > MaxBatch || len(r.batch) == MaxRecords {
		r.err = r.flush()
	}
	r.batch = append(r.batch, Write{bytes.Clone(k), bytes.Clone(v)})
	r.bytes += len(k) + len(v)
	r.count.Records++
}

func (r *rescue) flush() error {
	if len(r.batch) == 0 {
		return nil
	}
	err := r.to.Commit(r.batch)
	r.batch, r.bytes = nil, 0
	if err != nil {
		return fmt.Errorf("write salvaged records: %w", err)
	}
	return nil
}
