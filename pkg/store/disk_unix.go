//go:build linux || darwin || freebsd

package store

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// blocks is what a file takes on the disk.
func blocks(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(st.Blocks) * 512
	}
	return info.Size()
}

// FreeSpace is Options.FreeSpace for the disk that holds dir; nil where the system is not asked.
func FreeSpace(dir string) func() (int64, error) {
	return func() (int64, error) {
		var st syscall.Statfs_t
		if err := syscall.Statfs(dir, &st); err != nil {
			return 0, fmt.Errorf("free space: %w", err)
		}
		return int64(st.Bavail) * int64(st.Bsize), nil
	}
}

// held reports whether another process has the store in dir open, by the lock that badger takes.
func held(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}
