package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Sentinels of the commands themselves; those of the libraries stand with their types.
var (
	ErrUsage   = errors.New("usage")               // exit 2; made by Usagef
	ErrPartial = errors.New("partly done")         // exit 3
	ErrTimeout = context.DeadlineExceeded          // exit 5
	errPipe    = errors.New("nobody reads output") // exit 141, in silence
)

// Usagef is an error of the person who typed the command line.
func Usagef(format string, args ...any) error {
	return &usage{fmt.Errorf(format, args...)}
}

// usage matches ErrUsage without its word in the text.
type usage struct{ error }

func (u *usage) Unwrap() []error { return []error{ErrUsage, u.error} }

// Code maps err to the exit code. Of several errors the one that matters most counts:
// 2 > 130 > 6 > 7 > 5 > 3 > 4 > 1, so that a bad signature never hides behind "partly done".
func Code(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrUsage):
		return 2
	case errors.Is(err, context.Canceled):
		return 130
	case is(err, wire.ErrInvalid, sig.ErrVerify, wire.ErrCorrupt):
		return 6
	case errors.Is(err, wire.ErrBusy):
		return 7
	case is(err, ErrTimeout, os.ErrDeadlineExceeded):
		return 5
	case errors.Is(err, ErrPartial):
		return 3
	case errors.Is(err, wire.ErrNotFound):
		return 4
	case errors.Is(err, errPipe):
		return 141
	}
	return 1
}

func is(err error, any ...error) bool {
	return slices.ContainsFunc(any, func(target error) bool { return errors.Is(err, target) })
}

func isPipe(err error) bool {
	return is(err, syscall.EPIPE, io.ErrClosedPipe)
}
