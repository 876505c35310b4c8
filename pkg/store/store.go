// Package store keeps sealed records on badger, and is the seam to the files we write ourselves.
//
// Every value is sealed by us before an engine sees it: a record that was changed, moved to another key or torn is
// ErrCorrupt, never a wrong value. A caller treats a corrupt record as absent and fetches it again.
// Commit returns after the batch is durable; that is what "committed" means in all other packages.
// A Store and its Spaces are safe for concurrent use, a Batch belongs to one goroutine at a time.
package store

import (
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/store/files"
	"github.com/pars-network/pars/pkg/wire"
)

var (
	// ErrNotFound means that no record stands under this key.
	ErrNotFound = wire.ErrNotFound
	// ErrBusy means that another process holds the store; exit 7.
	ErrBusy = wire.ErrBusy
	// ErrCorrupt means that a record, or the whole store, does not open.
	ErrCorrupt = wire.ErrCorrupt
	// ErrTooBig means that a batch is above the engine's limit or MaxRecords; nothing of it was written.
	ErrTooBig = errors.New("batch too big")
	// ErrFull means that the disk budget or the disk is used up: reads and deletes go on.
	ErrFull = errors.New("store is full")
	// ErrClosed means that the store was closed before or while the call ran.
	ErrClosed = errors.New("store is closed")
	// ErrMisuse means that a record was put where its table does not allow it.
	ErrMisuse = errors.New("record does not belong in this table")
)

const (
	// MaxBatch is how many bytes of keys and values a Commit of every engine takes; Limit tells what this one takes.
	MaxBatch = 1 << 20
	// MaxRecords is the most writes that one Commit takes.
	MaxRecords = 8192
	// MaxRest is the longest key rest.
	MaxRest = 255
)

// CorruptError names the table of a record that does not open. It Is ErrCorrupt.
type CorruptError struct{ Table Table }

// Error says which table is hit, and no key.
func (e CorruptError) Error() string { return fmt.Sprintf("corrupt record in table %c", e.Table) }

// Is makes errors.Is(err, ErrCorrupt) hold.
func (e CorruptError) Is(target error) bool { return target == ErrCorrupt }

// Table is the first byte of every key.
type Table byte

// The tables. Only TableIndex holds clear values, only TableKeys takes records sealed under the state key.
const (
	TableVertex  Table = 'v' // arrival number: skeleton, signature, derived columns
	TableBody    Table = 'b' // arrival number: body
	TableIndex   Table = 'i' // HMAC of an id: arrival number, clear
	TableState   Table = 's' // HMAC of a name: heads, epochs, settings
	TableParked  Table = 'p' // deadline, number: parked vertices
	TableKeys    Table = 'k' // HMAC of what: session keys; ratchets and erasure keys under the state key
	TableCarried Table = 'c' // expiry, HMAC: mail carried for others
	TableRoot    Table = 'm' // slot: one root a profile
)

// Key is a symmetric key of 32 bytes.
type Key = files.Key

// Write is one change: a nil Value deletes the key.
type Write struct{ Key, Value []byte }

// Engine is an ordered store of raw bytes. storetest.Run is its contract.
type Engine interface {
	// Get returns a copy of the value, or ErrNotFound.
	Get(key []byte) ([]byte, error)
	// Scan calls fn for each key with the prefix in ascending order, from the key from on (nil: from the start),
	// until fn returns false. It sees one moment of the store; fn may call Get and Commit but not Close. k and v are
	// valid only during fn.
	Scan(prefix, from []byte, fn func(k, v []byte) bool) error
	// Limit is the most bytes of keys and values that one Commit takes, MaxBatch or more. The disk is waited for once
	// a Commit, so large ones are cheaper.
	Limit() int
	// Commit writes all or nothing and is durable when it returns nil. A batch above Limit or MaxRecords is
	// ErrTooBig before anything is touched. After another error the batch may or may not be there after a restart.
	Commit(writes []Write) error
	// Size is the number of bytes used on disk.
	Size() (int64, error)
	// Close waits for running calls. Later calls give ErrClosed, a second Close does nothing.
	Close() error
}

// checkBatch is the first thing each engine does with a batch.
func checkBatch(writes []Write, limit int) error {
	n := 0
	for _, w := range writes {
		n += len(w.Key) + len(w.Value)
	}
	if n > limit || len(writes) > MaxRecords {
		return fmt.Errorf("commit %d records, %d bytes: %w", len(writes), n, ErrTooBig)
	}
	return nil
}
