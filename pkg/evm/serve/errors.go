package serve

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/wire"
)

// Codes of refusals.
const (
	CodeInvalid    = -32010 // does not verify
	CodeUnprovable = -32011 // cannot be proven by design
	CodeNotSynced  = -32012
	CodeChain      = -32013
	// CodeRefused and CodeStranger are of EIP-1193: a person said no; the account is not one of the wallet.
	CodeRefused  = 4001
	CodeStranger = 4100
	codeRevert   = 3
	codeServer   = -32000
	codeParams   = -32602
)

// apiError is what a caller is told.
type apiError struct {
	code int
	text string
	data any
}

// Error is the text.
func (e *apiError) Error() string { return e.text }

// ErrorCode is that of JSON-RPC.
func (e *apiError) ErrorCode() int { return e.code }

// ErrorData is what a contract gave back.
func (e *apiError) ErrorData() any { return e.data }

func badParams(format string, args ...any) error {
	return &apiError{code: codeParams, text: fmt.Sprintf(format, args...)}
}

// told turns an error into what a caller is told; nil stays nil.
func told(err error) error {
	var known *apiError
	var revert *evm.RevertError
	var stale *evm.StaleError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &revert):
		return &apiError{codeRevert, revert.Error(), "0x" + hex.EncodeToString(revert.Data)}
	case errors.As(err, &stale), errors.Is(err, evm.ErrNoCheckpoint), errors.Is(err, evm.ErrNoFinality), errors.Is(err, evm.ErrConflict):
		return &apiError{code: CodeNotSynced, text: err.Error()}
	case errors.Is(err, evm.ErrChain):
		return &apiError{code: CodeChain, text: err.Error()}
	case errors.Is(err, wire.ErrInvalid):
		return &apiError{code: CodeInvalid, text: err.Error()}
	case errors.Is(err, evm.ErrUnprovable):
		return &apiError{code: CodeUnprovable, text: err.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return &apiError{code: codeServer, text: "timed out: " + err.Error()}
	}
	return &apiError{code: codeServer, text: err.Error()}
}
