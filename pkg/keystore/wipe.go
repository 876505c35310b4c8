package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/store/files"
)

// dataNames are the folders that go with the keys.
func dataNames() []string { return []string{"store", "cache", "outbox"} }

// Wipe makes everything unreadable, then removes it. Each step is durable before the next, and it may be killed after
// any: OS secret destroyed, state.key overwritten, keys overwritten, data removed. From the first on nothing can be
// opened again. Keys in memory are the caller's to Forget and connections his to cut, both before Wipe removes the data
// under them; calling again goes on.
func Wipe(f files.FS, sec Secret) error {
	if err := sec.Destroy(); err != nil {
		return fmt.Errorf("wipe: destroy secret: %w", err)
	}
	for _, name := range []string{fileState, fileState + ".new"} {
		if err := overwrite(f, name, stateSize); err != nil {
			return fmt.Errorf("wipe: %w", err)
		}
	}
	if err := wipeKeys(f); err != nil {
		return fmt.Errorf("wipe: %w", err)
	}
	return removeAll(f)
}

// wipeKeys overwrites the key file, or makes a wiped one: a start must see that there is something to finish.
func wipeKeys(f files.FS) error {
	b := make([]byte, fileSize)
	for !wiped(b) {
		if _, err := io.ReadFull(rand.Reader, b); err != nil {
			return err
		}
	}
	if err := f.WriteSync(fileKeys, b, 0o600); err != nil {
		return fmt.Errorf("overwrite keys: %w", err)
	}
	if err := overwrite(f, fileKeys+".new", fileSize); err != nil {
		return err
	}
	return syncRoot(f)
}

// removeAll removes the data first and the wiped key file last, since it is what tells a start to go on.
func removeAll(f files.FS) error {
	for _, name := range dataNames() {
		if err := f.RemoveAll(name); err != nil {
			return fmt.Errorf("wipe %s: %w", name, err)
		}
	}
	for _, name := range []string{fileState, fileState + ".new", fileKeys + ".new"} {
		if err := f.Remove(name); err != nil {
			return fmt.Errorf("wipe %s: %w", name, err)
		}
	}
	if err := syncRoot(f); err != nil {
		return err
	}
	if err := f.Remove(fileKeys); err != nil {
		return fmt.Errorf("wipe keys: %w", err)
	}
	return syncRoot(f)
}

// Pending tells whether a wipe was cut off: a start that finds this calls Wipe before it asks anything. A damaged key
// file is never taken for a wiped one.
func Pending(f files.FS) bool {
	if _, _, err := load(f); !errors.Is(err, ErrWiped) {
		return false
	}
	for _, name := range dataNames() {
		if there, err := f.Exists(name); err == nil && there {
			return true
		}
	}
	return false
}

// free tells whether Create may write: nothing there, or what a finished Wipe may leave.
func free(f files.FS) error {
	_, _, err := load(f)
	switch {
	case errors.Is(err, ErrNone):
		return nil
	case errors.Is(err, ErrWiped) && !Pending(f):
		return nil
	case err == nil:
		return ErrExists
	}
	return err
}
