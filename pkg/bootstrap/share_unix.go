//go:build unix

package bootstrap

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// share lets others listen on the same port. Linux wants the first option; the BSDs and macOS the second.
func share(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); e != nil {
		return e
	}
	return err
}
