package light

import (
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/wire"
)

// Why an update was refused. All but ErrIrrelevant and ErrFuture speak against the one who sent it.
var (
	ErrSize       = invalid("bad size or encoding")
	ErrFork       = invalid("slot belongs to no fork known here")
	ErrSlots      = invalid("slots out of order")
	ErrPeriod     = invalid("committee of that period is not known")
	ErrBranch     = invalid("branch does not lead to its root")
	ErrSigners    = invalid("no signer")
	ErrSignature  = invalid("signature of the committee does not verify")
	ErrRoot       = invalid("not the block of the checkpoint")
	ErrFuture     = errors.New("signed in a slot that has not come; is the clock right?")
	ErrIrrelevant = errors.New("nothing new")
)

func invalid(s string) error { return fmt.Errorf("%s: %w", s, wire.ErrInvalid) }

func because(sentinel error, format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), sentinel)
}
