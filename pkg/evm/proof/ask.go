package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/wire"
)

// Ask is one JSON-RPC request.
type Ask struct {
	Method string
	Params []any
}

// Answer is what came back for it: a result, or the server's own error.
type Answer struct {
	Result json.RawMessage
	Err    error
}

// Asker sends a batch in one round trip and returns as many answers, in order. An answer that is longer than limit
// bytes in all is an error.
type Asker interface {
	Ask(ctx context.Context, batch []Ask, limit int) ([]Answer, error)
}

// ErrUnprovable says that a thing cannot be proven by design, whoever is asked.
var ErrUnprovable = errors.New("cannot be proven")

// ErrBudget says that a call asked for more than it may cost.
var ErrBudget = errors.New("over the budget of a call")

// ErrServer wraps what a server said instead of an answer.
var ErrServer = errors.New("server refuses")

func refuse(format string, args ...any) error { return wire.Invalid(format, args...) }

// one sends a single request and decodes its result into out.
func one(ctx context.Context, a Asker, limit int, out any, method string, params ...any) error {
	list, err := a.Ask(ctx, []Ask{{method, params}}, limit)
	if err != nil {
		return err
	}
	return list[0].into(out, method)
}

func (a Answer) into(out any, method string) error {
	if a.Err != nil {
		return fmt.Errorf("%s: %w: %w", method, ErrServer, a.Err)
	}
	if err := json.Unmarshal(a.Result, out); err != nil {
		return fmt.Errorf("%s: %w", method, refuse("%v", err))
	}
	return nil
}

// isNull reports an answer without content.
func (a Answer) isNull() bool { return len(a.Result) == 0 || string(a.Result) == "null" }
