//go:build !linux && !darwin && !freebsd

package store

import (
	"io/fs"
	"os"
	"path/filepath"
)

// blocks is what a file takes on the disk.
func blocks(info fs.FileInfo) int64 { return info.Size() }

// FreeSpace is Options.FreeSpace for the disk that holds dir; nil where the system is not asked.
func FreeSpace(string) func() (int64, error) { return nil }

// held reports whether another process has the store in dir open: badger's lock is a file that ends with its process.
func held(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "LOCK"))
	return err == nil
}
