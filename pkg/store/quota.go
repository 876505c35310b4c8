package store

import (
	"fmt"
	"sync/atomic"
)

const (
	minFree = 8 << 20 // bytes that must stay free on the disk
	recount = 8 << 20 // bytes written between two looks at the engine's real size
)

// quota watches the disk budget. Between two looks at the real size it adds what was written.
type quota struct {
	engine Engine
	limit  int64
	free   func() (int64, error)
	used   atomic.Int64
	since  int64 // written since the last look; only the committer touches it
}

func (q *quota) start(e Engine, o Options) error {
	q.engine, q.limit, q.free = e, o.Limit, o.FreeSpace
	return q.look()
}

func (q *quota) look() error {
	n, err := q.engine.Size()
	if err != nil {
		return fmt.Errorf("size of store: %w", err)
	}
	q.used.Store(n)
	q.since = 0
	return nil
}

// full tells why nothing more may be written, or nil.
func (q *quota) full() error {
	if q.limit > 0 && q.used.Load() >= q.limit/100*99 {
		if err := q.look(); err != nil {
			return err
		}
		if used := q.used.Load(); used >= q.limit/100*99 {
			return fmt.Errorf("%d of %d bytes used: %w", used, q.limit, ErrFull)
		}
	}
	if q.free == nil {
		return nil
	}
	left, err := q.free()
	if err != nil {
		return fmt.Errorf("ask for free space: %w", err)
	}
	if left < minFree {
		return fmt.Errorf("%d bytes left on the disk: %w", left, ErrFull)
	}
	return nil
}

// wrote counts a transaction; a failed look at the size keeps the estimate, which is the larger one.
func (q *quota) wrote(writes []Write) {
	n := int64(0)
	for _, w := range writes {
		n += int64(len(w.Key) + len(w.Value))
	}
	q.used.Add(n)
	if q.since += n; q.since >= recount {
		_ = q.look()
	}
}

// Usage tells the bytes used, as last counted, and the budget (0: none).
func (s *Store) Usage() (used, limit int64) { return s.quota.used.Load(), s.quota.limit }
