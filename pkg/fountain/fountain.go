// Package fountain turns a block of bytes into as many symbols as anybody wants, any few more than the
// least of which give the block back: for carriers that lose frames and have no way to ask for them.
//
// Codes are systematic: the first K symbols are the block itself. A decoder holds what it was given and
// no more; lengths and ids come from strangers and are checked before memory is taken. It cannot tell a
// forged symbol from a true one: the caller compares a hash and takes suspects away.
package fountain

import (
	"errors"

	"github.com/pars-network/pars/pkg/wire"
)

// Limits of a block.
const (
	MinSymbol = 64      // bytes
	MaxSymbol = 2900    // bytes: with its frame the most a QR symbol holds
	MaxK      = 4096    // source symbols
	MaxBlock  = 1 << 20 // bytes
	MaxID     = 1<<24 - 1
)

// ErrInconsistent says that the symbols do not belong to one block: one of them at least is forged.
var ErrInconsistent = errors.New("symbols contradict each other")

// Symbol is one piece: the id says which.
type Symbol struct {
	ID   uint32
	Data []byte
}

// Encoder makes symbols of one block; any id gives one.
type Encoder interface {
	// K is the number of source symbols, the ids 0 to K-1.
	K() int
	// Symbol returns the symbol of an id. The caller does not change it.
	Symbol(id uint32) []byte
}

// Code is one way to make symbols. Two sides use the same one.
type Code interface {
	// NewEncoder prepares a block for symbols of size bytes.
	NewEncoder(block []byte, size int) (Encoder, error)
	// Decode returns the block of length bytes, or nil when more symbols are needed. Every id stands in
	// symbols once.
	Decode(length, size int, symbols []Symbol) ([]byte, error)
}

// Count returns how many source symbols a block of length bytes has.
func Count(length, size int) int { return (length + size - 1) / size }

// checkBlock refuses what the limits do not allow.
func checkBlock(length, size int) error {
	switch {
	case size < MinSymbol || size > MaxSymbol:
		return wire.Invalid("symbol of %d bytes, %d to %d expected", size, MinSymbol, MaxSymbol)
	case length < 1 || length > MaxBlock || Count(length, size) > MaxK:
		return wire.Invalid("block of %d bytes in symbols of %d", length, size)
	}
	return nil
}

func checkSymbols(size int, symbols []Symbol) error {
	for _, s := range symbols {
		if len(s.Data) != size || s.ID > MaxID {
			return wire.Invalid("symbol %d of %d bytes, %d expected", s.ID, len(s.Data), size)
		}
	}
	return nil
}

// pad returns the block filled up with zeros to whole symbols.
func pad(block []byte, size int) []byte {
	out := make([]byte, Count(len(block), size)*size)
	copy(out, block)
	return out
}
