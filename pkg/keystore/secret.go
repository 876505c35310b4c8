package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"github.com/pars-network/pars/pkg/store/files"
)

// secretSize is what an OS secret has; some key stores refuse more than a few kilobytes.
const secretSize = 32

// Secret is the key store of the operating system: it keeps 32 bytes for us.
type Secret interface {
	// Secret returns the 32 bytes, or an error that Is ErrNoSecret.
	Secret() ([]byte, error)
	// Put keeps 32 bytes in place of what was there, durably.
	Put([]byte) error
	// Destroy makes the secret unrecoverable, durably; that there is none is no error.
	Destroy() error
	// Kind is the name of the back-end: "file", "memory".
	Kind() string
}

const fileSecret = "os.key"

// File keeps the secret in os.key, readable by its owner alone: for machines without a key store. It protects from
// nobody who can read the files, and the user is told so.
func File(f files.FS) Secret { return fileBackend{f} }

type fileBackend struct{ fs files.FS }

func (b fileBackend) Kind() string { return "file" }

func (b fileBackend) Secret() ([]byte, error) {
	s, err := b.fs.ReadFile(fileSecret)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(s) != secretSize {
		return nil, ErrNoSecret
	}
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	return s, nil
}

func (b fileBackend) Put(s []byte) error {
	if len(s) != secretSize {
		return fmt.Errorf("secret of %d bytes: %w", len(s), ErrNoSecret)
	}
	return files.WriteAtomic(b.fs, fileSecret, s)
}

// Destroy overwrites before it removes: on a disk without wear levelling the old bytes are gone then.
func (b fileBackend) Destroy() error {
	for _, name := range []string{fileSecret, fileSecret + ".new"} {
		if err := overwrite(b.fs, name, secretSize); err != nil {
			return err
		}
		if err := b.fs.Remove(name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return syncRoot(b.fs)
}

// overwrite lays random bytes over a file, if there is one.
func overwrite(f files.FS, name string, size int) error {
	if there, err := f.Exists(name); err != nil || !there {
		return err
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(rand.Reader, b); err != nil {
		return fmt.Errorf("overwrite %s: %w", name, err)
	}
	if err := f.WriteSync(name, b, 0o600); err != nil {
		return fmt.Errorf("overwrite %s: %w", name, err)
	}
	return nil
}

func syncRoot(f files.FS) error {
	if err := f.SyncDir("."); err != nil {
		return fmt.Errorf("sync home: %w", err)
	}
	return nil
}

// Memory keeps the secret as long as the process lives: for tests.
func Memory() Secret { return &memoryBackend{} }

type memoryBackend struct {
	mu     sync.Mutex // guards secret
	secret []byte
}

func (b *memoryBackend) Kind() string { return "memory" }

func (b *memoryBackend) Secret() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.secret == nil {
		return nil, ErrNoSecret
	}
	return slices.Clone(b.secret), nil
}

func (b *memoryBackend) Put(s []byte) error {
	if len(s) != secretSize {
		return fmt.Errorf("secret of %d bytes: %w", len(s), ErrNoSecret)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.secret = slices.Clone(s)
	return nil
}

func (b *memoryBackend) Destroy() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.secret)
	b.secret = nil
	return nil
}
