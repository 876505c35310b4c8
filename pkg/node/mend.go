package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pars-network/pars/pkg/store"
)

// cached is a folder that goes with the keys when the home is wiped.
func (h *Home) cached(name string) string { return filepath.Join(h.cfg.Dir, "cache", name) }

// mend salvages the store. The broken one stays in cache/broken until the next time. Killed at any moment
// it begins anew, or finishMend ends it.
func (h *Home) mend(dir string, why error) error {
	lock, err := store.OpenBadger(h.cached("lock"), store.BadgerOptions{Phone: true}) // of two processes one mends
	if err != nil {
		return err
	}
	defer func() { lock.Close(); os.RemoveAll(h.cached("lock")) }()
	h.cfg.Log.Warn("the store is damaged and does not open, saving what can be read", "why", why)
	made := h.cached("mended")
	if err := os.RemoveAll(made); err != nil {
		return err
	}
	n, err := store.Salvage(dir, made)
	if err != nil {
		return err
	}
	broken := h.cached("broken")
	if err := os.RemoveAll(broken); err != nil {
		return err
	}
	if err := h.fs.SyncDir("cache"); err != nil {
		return err
	}
	if err := os.Rename(dir, broken); err != nil {
		return fmt.Errorf("put the broken store aside: %w", err)
	}
	h.cfg.Log.Warn("saved what can be read, peers are asked for the rest", "records", n.Records, "gaps", n.Gaps, "broken", broken)
	return h.finishMend(dir)
}

// finishMend puts a salvaged store in the place of the broken one, once that is out of the way.
func (h *Home) finishMend(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	err := os.Rename(h.cached("mended"), dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil // a new home
	}
	if err != nil {
		return fmt.Errorf("put the salvaged store in place: %w", err)
	}
	return errors.Join(h.fs.SyncDir("cache"), h.fs.SyncDir("."))
}

// wasMended reports whether a broken store is still there.
func (h *Home) wasMended() bool {
	_, err := os.Stat(h.cached("broken"))
	return err == nil
}
