// Package evm knows facts of a chain: it checks proofs of finality on this device and Merkle proofs under them.
//
// Whoever delivers the bytes is not believed. A Finality turns proofs into verified heads, a Client keeps one on disk,
// asks servers for more, and answers reads under a head; what does not verify, or cannot be proven, is an error. A
// Client is safe for concurrent use.
package evm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/wire"
)

// Errors a caller decides on. Those that wrap wire.ErrInvalid do not verify.
var (
	// ErrOldCheckpoint: weak subjectivity; nothing that old can be followed safely.
	ErrOldCheckpoint = fmt.Errorf("checkpoint is too old: %w", wire.ErrInvalid)
	// ErrConflict: a committee signed two blocks of one slot.
	ErrConflict = fmt.Errorf("two blocks of one slot are validly signed: %w", wire.ErrInvalid)
	// ErrNoCheckpoint: nothing to begin with.
	ErrNoCheckpoint = fmt.Errorf("no checkpoint to begin with: %w", wire.ErrNotFound)
	// ErrNoFinality: the profile publishes no way to check its blocks.
	ErrNoFinality = errors.New("the chain of this profile publishes no proof of its blocks; nothing can be verified")
	// ErrChain: a transaction or a server of another chain than the profile's.
	ErrChain = wallet.ErrChain
	// ErrNone: a source has nothing of the kind yet.
	ErrNone = errors.New("source has none yet")
	// ErrUnprovable: no honest server could prove it.
	ErrUnprovable = proof.ErrUnprovable
)

// StaleError says that the newest verified head is too old to answer from. It Is context.DeadlineExceeded.
type StaleError struct {
	Age  time.Duration
	Slot uint64
	Why  error // what the last attempt to get a newer one ended with; may be nil
}

// Error says the age and what can be done.
func (e *StaleError) Error() string {
	s := fmt.Sprintf("newest verified head is %v old (slot %d); --stale answers from it", e.Age.Round(time.Second), e.Slot)
	if e.Why != nil {
		s += ": " + e.Why.Error()
	}
	return s
}

// Is makes a stale head a matter of time.
func (e *StaleError) Is(target error) bool { return target == context.DeadlineExceeded }

// Unwrap gives the reason.
func (e *StaleError) Unwrap() error { return e.Why }

// Level says how sure a head is.
type Level string

// The levels: signed by a committee, and final.
const (
	Optimistic Level = "optimistic"
	Final      Level = "final"
)

// Head is a verified block.
type Head struct {
	Slot         uint64
	Number       uint64
	Hash         Hash
	StateRoot    Hash
	ReceiptsRoot Hash
	Time         time.Time
	Level        Level
	// Participation is the part of the committee that signed; 0 for a final head.
	Participation float64
}

// Finality turns proofs into heads. An implementation is pure and for one goroutine at a time.
type Finality interface {
	// Verify checks one proof and returns the newest head; an error leaves all as it was.
	Verify(proof []byte, now time.Time) (Head, error)
	// Head returns the newest verified head, Final the newest final one.
	Head() (Head, bool)
	Final() (Head, bool)
	// Export is what Import takes after a restart.
	Export() []byte
	Import(b []byte, now time.Time) error
}
