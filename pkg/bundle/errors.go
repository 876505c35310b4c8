package bundle

import (
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Errors that a caller decides on.
var (
	// ErrNotForUs means that no key opens the file. A file for others and random bytes cannot be told apart.
	ErrNotForUs = fmt.Errorf("not for us, or not a bundle: %w", wire.ErrNotFound)
	// ErrDamaged means that something of the file is lost and parity cannot bring it back.
	ErrDamaged = fmt.Errorf("beyond repair: %w", sig.ErrVerify)
	// ErrForged means that a chunk's signature, which damage cannot change unseen, is wrong.
	ErrForged = fmt.Errorf("not genuine: %w", sig.ErrVerify)
	// ErrLimit means that what was asked for does not fit the size that was allowed.
	ErrLimit = errors.New("does not fit the size that was asked for")
)

// Reason says why a chunk or record is refused.
type Reason string

// Reasons of refusal.
const (
	BadCut       Reason = "cut"       // the bytes end or are missing inside it
	BadSignature Reason = "signature" // not signed by the bundle's exporter
	BadVersion   Reason = "version"
	BadSize      Reason = "size"
	BadCanonical Reason = "canonical"
	BadDuplicate Reason = "duplicate" // a record stands twice
	BadKind      Reason = "kind"      // critical and not known here
)

// RefusedError carries a Reason. It is a wire.ErrInvalid.
type RefusedError struct {
	Reason Reason
	Detail string
}

// Error names the reason and what was found.
func (e *RefusedError) Error() string { return "bundle refused: " + string(e.Reason) + ": " + e.Detail }

// Is makes every refusal a wire.ErrInvalid.
func (e *RefusedError) Is(target error) bool { return target == wire.ErrInvalid }

func refuse(r Reason, format string, args ...any) error {
	return &RefusedError{r, fmt.Sprintf(format, args...)}
}
