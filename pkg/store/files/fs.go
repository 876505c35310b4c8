// Package files is the seam to the files that we write ourselves. It stands apart from the store, so that a command
// which opens keys and no store links no engine.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Key is a symmetric key of 32 bytes.
type Key [32]byte

// FS is the seam to the files we write ourselves. Names are slash-separated and relative to one root. Crash tests put a
// recording twin in its place (storetest.Disk).
type FS interface {
	// ReadFile returns the content, or an error that Is fs.ErrNotExist.
	ReadFile(name string) ([]byte, error)
	// WriteSync writes the content in place, over what was there, and syncs the file. Not atomic: see WriteAtomic.
	WriteSync(name string, data []byte, perm fs.FileMode) error
	// Rename replaces to.
	Rename(from, to string) error
	// Remove deletes a file or an empty folder; that it is already gone is no error.
	Remove(name string) error
	// RemoveAll deletes a folder with all in it; that it is already gone is no error.
	RemoveAll(name string) error
	// SyncDir makes created, renamed and removed names of a folder durable; "." is the root.
	SyncDir(name string) error
	// Exists tells whether a file or folder has this name.
	Exists(name string) (bool, error)
}

// OS returns the folder root of the real file system. It need not exist before the first write.
func OS(root string) FS { return osFS{root} }

type osFS struct{ root string }

func (o osFS) path(name string) string { return filepath.Join(o.root, filepath.FromSlash(name)) }

func (o osFS) ReadFile(name string) ([]byte, error) { return os.ReadFile(o.path(name)) }

// WriteSync does not truncate first: the old blocks are overwritten, as far as the disk allows.
func (o osFS) WriteSync(name string, data []byte, perm fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(o.path(name)), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(o.path(name), os.O_WRONLY|os.O_CREATE, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Truncate(int64(len(data)))
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (o osFS) Rename(from, to string) error { return os.Rename(o.path(from), o.path(to)) }

func (o osFS) Remove(name string) error {
	if err := os.Remove(o.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (o osFS) RemoveAll(name string) error { return os.RemoveAll(o.path(name)) }

func (o osFS) SyncDir(name string) error {
	d, err := os.Open(o.path(name))
	if err != nil {
		return err
	}
	return errors.Join(syncDir(d), d.Close())
}

func (o osFS) Exists(name string) (bool, error) {
	_, err := os.Lstat(o.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// WriteAtomic replaces a file by new content, readable by its owner alone: after a crash at any point the old or the
// new content stands there, and the new one once it returns.
func WriteAtomic(f FS, name string, data []byte) error {
	next := name + ".new"
	if err := f.WriteSync(next, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", next, err)
	}
	if err := f.Rename(next, name); err != nil {
		return fmt.Errorf("replace %s: %w", name, err)
	}
	if err := f.SyncDir(path.Dir(name)); err != nil {
		return fmt.Errorf("sync folder of %s: %w", name, err)
	}
	return nil
}
