package proof

import (
	"context"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// MaxLogBlocks is the widest range of a query for logs.
const MaxLogBlocks = 4096

// Filter chooses logs: by address and by topic, each a list of alternatives, empty for any.
type Filter struct {
	Addresses []common.Address
	Topics    [][]common.Hash
}

func (f *Filter) mayHave(b types.Bloom) bool {
	if len(f.Addresses) > 0 && !slices.ContainsFunc(f.Addresses, func(a common.Address) bool { return b.Test(a[:]) }) {
		return false
	}
	for _, any := range f.Topics {
		if len(any) > 0 && !slices.ContainsFunc(any, func(t common.Hash) bool { return b.Test(t[:]) }) {
			return false
		}
	}
	return true
}

// Matches reports whether a log is one of those asked for.
func (f *Filter) Matches(l *types.Log) bool {
	if len(f.Addresses) > 0 && !slices.Contains(f.Addresses, l.Address) || len(l.Topics) < len(f.Topics) {
		return false
	}
	for i, any := range f.Topics {
		if len(any) > 0 && !slices.Contains(any, l.Topics[i]) {
			return false
		}
	}
	return true
}

// Logs returns every log that matches in the blocks from..to below a head, and proves that there are no others: a
// verified bloom has no false negatives, and of every block that may have a hit all receipts are checked.
func (c *Chain) Logs(ctx context.Context, a Asker, head *Block, from, to uint64, f *Filter) ([]*types.Log, error) {
	if from > to || to-from >= MaxLogBlocks {
		return nil, fmt.Errorf("blocks %d to %d, at most %d: %w", from, to, MaxLogBlocks, ErrBudget)
	}
	top, err := c.Ancestor(ctx, a, head, to)
	if err != nil {
		return nil, err
	}
	if _, err := c.walk(ctx, a, c.lowest(top, from), from); err != nil {
		return nil, err
	}
	var blocks []*Block
	for b := top; ; b = c.known(b.ParentHash) {
		if b == nil {
			return nil, fmt.Errorf("a header was forgotten in between: %w", ErrBudget)
		}
		if f.mayHave(b.Bloom) {
			blocks = append(blocks, b)
		}
		if b.Num() == from {
			break
		}
	}
	slices.Reverse(blocks)
	var out []*types.Log
	for _, b := range blocks {
		list, err := c.BlockLogs(ctx, a, b, f)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// BlockLogs returns the logs of one verified block that match.
func (c *Chain) BlockLogs(ctx context.Context, a Asker, b *Block, f *Filter) ([]*types.Log, error) {
	body, err := c.Body(ctx, a, b)
	if err != nil {
		return nil, err
	}
	rs, err := c.Receipts(ctx, a, body)
	if err != nil {
		return nil, err
	}
	var out []*types.Log
	for _, r := range rs {
		for _, l := range r.Logs {
			if f.Matches(l) {
				out = append(out, l)
			}
		}
	}
	return out, nil
}
