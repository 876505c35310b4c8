package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/dgraph-io/badger/v4"
)

// watch is badger's logger. Badger tells a failed fsync of the value log nowhere else, and goes on: we stop
// acknowledging for good.
type watch struct {
	log func(string)
	bad atomic.Pointer[error]
}

func (w *watch) failed() error {
	if p := w.bad.Load(); p != nil {
		return *p
	}
	return nil
}

// Errorf makes an error that speaks of a sync fatal.
func (w *watch) Errorf(format string, v ...any) {
	line := strings.TrimSpace(fmt.Sprintf(format, v...))
	if strings.Contains(strings.ToLower(line), "sync") {
		err := fmt.Errorf("store cannot sync, restart needed: %s", line)
		w.bad.CompareAndSwap(nil, &err)
	}
	w.tell(line)
}

// Warningf passes a line on.
func (w *watch) Warningf(format string, v ...any) {
	w.tell(strings.TrimSpace(fmt.Sprintf(format, v...)))
}

// Infof drops badger's chatter.
func (w *watch) Infof(string, ...any) {}

// Debugf drops badger's chatter.
func (w *watch) Debugf(string, ...any) {}

func (w *watch) tell(line string) {
	if w.log != nil {
		w.log(line)
	}
}

// asFull names the reasons a caller can act on.
func asFull(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, badger.ErrTxnTooBig):
		return fmt.Errorf("%w: %w", ErrTooBig, err)
	case errors.Is(err, badger.ErrDBClosed), errors.Is(err, badger.ErrBlockedWrites):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return err
}

// diskUsage sums the blocks of a folder: badger's files are sparse, their lengths say little.
func diskUsage(dir string) (int64, error) {
	total := int64(0)
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // removed by compaction while we walk
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += blocks(info)
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("size of store: %w", err)
	}
	return total, nil
}
