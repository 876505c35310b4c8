package vertex

import (
	"fmt"

	"github.com/pars-network/pars/pkg/wire"
)

// Reason says why a vertex is refused. Each kind of bad input has its own.
type Reason string

// Reasons for which a vertex is refused.
const (
	BadSize      Reason = "size"      // item or field over its limit
	BadCanonical Reason = "canonical" // not the one encoding
	BadVersion   Reason = "version"
	BadKind      Reason = "kind"
	BadSession   Reason = "session" // of another session
	BadBody      Reason = "body"    // hash, length or presence of the body
	BadSignature Reason = "signature"
	BadAuthor    Reason = "author" // key not canonical or of small order
	BadRoot      Reason = "root"   // a second genesis
	BadSeq       Reason = "seq"
	BadPrev      Reason = "prev" // previous vertex of another author
	BadLamport   Reason = "lamport"
	BadEpoch     Reason = "epoch"
	BadParents   Reason = "parents"
	BadPast      Reason = "past" // stands on a refused vertex
)

// RefusedError carries the reason of a refusal. It is a wire.ErrInvalid.
type RefusedError struct {
	Reason Reason
	Detail string
}

// Error names the reason and what was found.
func (e *RefusedError) Error() string {
	if e.Detail == "" {
		return "vertex refused: " + string(e.Reason)
	}
	return fmt.Sprintf("vertex refused: %s: %s", e.Reason, e.Detail)
}

// Is makes every refusal a wire.ErrInvalid.
func (e *RefusedError) Is(target error) bool { return target == wire.ErrInvalid }

func refuse(r Reason, format string, args ...any) error {
	return &RefusedError{r, fmt.Sprintf(format, args...)}
}
