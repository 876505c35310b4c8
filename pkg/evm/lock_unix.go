//go:build unix

package evm

import (
	"errors"
	"os"
	"syscall"

	"github.com/pars-network/pars/pkg/wire"
)

// lockFile takes a lock that ends with the process.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, wire.ErrBusy
		}
		return nil, err
	}
	return func() { f.Close() }, nil
}
