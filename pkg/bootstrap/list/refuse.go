package list

import (
	"fmt"

	"github.com/pars-network/pars/pkg/sig"
)

// Reason says why a list was refused, in a word that stays the same from release to release.
type Reason string

// Reasons. Older alone is no evidence of tampering.
const (
	OtherNetwork Reason = "network"
	UnknownSet   Reason = "set"
	BadSignature Reason = "signature"
	BadClock     Reason = "clock"
	Expired      Reason = "expired"
	Rollback     Reason = "rollback"
	Older        Reason = "older"
	Equivocation Reason = "equivocation"
	BadLeaf      Reason = "leaf"
)

// Refusal is the error of a list that is well formed and not accepted. All but Older wrap sig.ErrVerify.
type Refusal struct {
	Reason Reason
	Text   string
}

func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Text }

func (r *Refusal) Unwrap() error {
	if r.Reason == Older {
		return nil
	}
	return sig.ErrVerify
}

func refuse(why Reason, format string, args ...any) error {
	return &Refusal{why, fmt.Sprintf(format, args...)}
}
