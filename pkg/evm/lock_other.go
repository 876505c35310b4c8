//go:build !unix

package evm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pars-network/pars/pkg/wire"
)

// lockFile makes a file that must not be there. One left by a crash has to be removed by hand: the error names it.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s is there: %w", name, wire.ErrBusy)
	}
	if err != nil {
		return nil, err
	}
	return func() { f.Close(); os.Remove(name) }, nil
}
