package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/proof"
)

const (
	maxFilters = 64
	filterIdle = 5 * time.Minute
	maxTrack   = 64   // blocks that a reorg may take back
	maxTerms   = 1000 // addresses or topics of one filter
)

// criteria is the filter of eth_getLogs.
type criteria struct {
	Block     *common.Hash      `json:"blockHash"`
	From      *rpc.BlockNumber  `json:"fromBlock"`
	To        *rpc.BlockNumber  `json:"toBlock"`
	Addresses oneOrMany         `json:"address"`
	Topics    []json.RawMessage `json:"topics"`
}

// oneOrMany is a value, or a list of alternatives, or nothing.
type oneOrMany []json.RawMessage

// UnmarshalJSON reads either.
func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]json.RawMessage)(o))
	}
	*o = oneOrMany{b}
	return nil
}

func (c *criteria) filter() (*proof.Filter, error) {
	f := &proof.Filter{}
	if len(c.Addresses) > maxTerms || len(c.Topics) > 4 {
		return nil, badParams("too many addresses or topics")
	}
	for _, raw := range c.Addresses {
		var a common.Address
		if err := json.Unmarshal(raw, &a); err != nil {
			return nil, badParams("address: %v", err)
		}
		f.Addresses = append(f.Addresses, a)
	}
	for _, place := range c.Topics {
		var any oneOrMany
		if err := json.Unmarshal(place, &any); err != nil || len(any) > maxTerms {
			return nil, badParams("topics")
		}
		var list []common.Hash
		for _, raw := range any {
			if string(raw) == "null" { // any topic
				list = nil
				break
			}
			var t common.Hash
			if err := json.Unmarshal(raw, &t); err != nil {
				return nil, badParams("topic: %v", err)
			}
			list = append(list, t)
		}
		f.Topics = append(f.Topics, list)
	}
	return f, nil
}

func (c *criteria) bounds() (from, to *rpc.BlockNumberOrHash, err error) {
	if c.Block != nil {
		if c.From != nil || c.To != nil {
			return nil, nil, badParams("blockHash and a range of blocks")
		}
		return byHash(*c.Block), byHash(*c.Block), nil
	}
	latest := rpc.LatestBlockNumber
	from, to = byNumber(latest), byNumber(latest)
	if c.From != nil {
		from = byNumber(*c.From)
	}
	if c.To != nil {
		to = byNumber(*c.To)
	}
	return from, to, nil
}

// GetLogs is eth_getLogs; the list is proven to be complete.
func (e *ethAPI) GetLogs(ctx context.Context, c criteria) (out []*types.Log, err error) {
	f, err := c.filter()
	if err != nil {
		return nil, err
	}
	from, to, err := c.bounds()
	if err != nil {
		return nil, err
	}
	first, err := tagOf(from)
	if err != nil {
		return nil, err
	}
	err = e.at(ctx, to, func(ctx context.Context, v *evm.View) error {
		low, err := e.c.Find(ctx, v, first)
		if err != nil {
			return err
		}
		out, err = v.Chain.Logs(ctx, v.Asker, v.Block, low.Num(), v.Block.Num(), f)
		return err
	})
	if out == nil {
		out = []*types.Log{}
	}
	return out, err
}

// told block and the logs in it that were handed out.
type given struct {
	block *proof.Block
	logs  []*types.Log
}

// track follows the chain for one filter or subscription, from the height on where it began: that block is not told, but one
// that takes its place is.
type track struct {
	filter *proof.Filter // nil: blocks
	past   []given       // ascending, the newest last
}

// step returns what the caller was told and must forget, the newest first, and what is new, in order.
func (t *track) step(ctx context.Context, v *evm.View) (gone, fresh []given, err error) {
	if len(t.past) == 0 {
		t.past = []given{{block: v.Tip}}
		return nil, nil, nil
	}
	known := func(b *proof.Block) bool {
		return slices.ContainsFunc(t.past, func(g given) bool { return g.block.Hash == b.Hash })
	}
	b := v.Tip
	if v.Tip.Num() > t.past[len(t.past)-1].block.Num()+proof.MaxLogBlocks {
		return nil, nil, badParams("the filter was not asked for too long")
	}
	for b.Num() > 0 && b.Num() >= t.past[0].block.Num() && !known(b) {
		g := given{block: b}
		if t.filter != nil {
			if g.logs, err = v.Chain.BlockLogs(ctx, v.Asker, b, t.filter); err != nil {
				return nil, nil, err
			}
		}
		fresh = append(fresh, g)
		if b, err = v.Chain.Ancestor(ctx, v.Asker, v.Tip, b.Num()-1); err != nil {
			return nil, nil, err
		}
	}
	slices.Reverse(fresh)
	keep := t.past
	for len(keep) > 0 {
		last := keep[len(keep)-1]
		if last.block.Num() < b.Num() || last.block.Hash == b.Hash {
			break
		}
		gone = append(gone, last)
		keep = keep[:len(keep)-1]
	}
	t.past = append(slices.Clone(keep), fresh...)
	if len(t.past) == 0 { // the new chain is shorter yet
		t.past = []given{{block: v.Tip}}
	}
	if n := len(t.past) - maxTrack; n > 0 {
		t.past = t.past[n:]
	}
	return gone, fresh, nil
}

func logsOf(gone, fresh []given) []*types.Log {
	out := []*types.Log{}
	for _, g := range gone {
		for _, l := range g.logs {
			r := *l
			r.Removed = true
			out = append(out, &r)
		}
	}
	for _, g := range fresh {
		out = append(out, g.logs...)
	}
	return out
}

// filters are those of eth_newFilter. The zero value is empty.
type filters struct {
	mu sync.Mutex // guards by
	by map[string]*installed
}

type installed struct {
	mu    sync.Mutex // held while asked
	track track
	crit  *criteria
	used  time.Time
}

func (e *ethAPI) install(ctx context.Context, in *installed) (string, error) {
	if err := e.at(ctx, nil, func(ctx context.Context, v *evm.View) error {
		_, _, err := in.track.step(ctx, v)
		return err
	}); err != nil {
		return "", err
	}
	var id [16]byte
	rand.Read(id[:])
	name := "0x" + hex.EncodeToString(id[:])
	f, now := &e.filters, e.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil {
		f.by = map[string]*installed{}
	}
	for k, old := range f.by {
		if now.Sub(old.used) > filterIdle {
			delete(f.by, k)
		}
	}
	if len(f.by) >= maxFilters {
		return "", &apiError{code: codeServer, text: "too many filters; uninstall some"}
	}
	in.used = now
	f.by[name] = in
	return name, nil
}

func (e *ethAPI) filter(id string) (*installed, error) {
	f := &e.filters
	f.mu.Lock()
	defer f.mu.Unlock()
	in, now := f.by[id], e.now()
	if in == nil || now.Sub(in.used) > filterIdle {
		delete(f.by, id)
		return nil, &apiError{code: codeServer, text: "filter not found"}
	}
	in.used = now
	return in, nil
}

// NewFilter is eth_newFilter.
func (e *ethAPI) NewFilter(ctx context.Context, c criteria) (string, error) {
	f, err := c.filter()
	if err != nil {
		return "", err
	}
	return e.install(ctx, &installed{track: track{filter: f}, crit: &c})
}

// NewBlockFilter is eth_newBlockFilter.
func (e *ethAPI) NewBlockFilter(ctx context.Context) (string, error) {
	return e.install(ctx, &installed{})
}

// NewPendingTransactionFilter is refused: nobody proves what waits in a pool.
func (e *ethAPI) NewPendingTransactionFilter() (string, error) {
	return "", told(evm.ErrUnprovable)
}

// GetFilterChanges is eth_getFilterChanges.
func (e *ethAPI) GetFilterChanges(ctx context.Context, id string) (out any, err error) {
	in, err := e.filter(id)
	if err != nil {
		return nil, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	err = e.at(ctx, nil, func(ctx context.Context, v *evm.View) error {
		gone, fresh, err := in.track.step(ctx, v)
		if err != nil {
			return err
		}
		if in.track.filter != nil {
			out = logsOf(gone, fresh)
			return nil
		}
		hashes := []common.Hash{}
		for _, g := range fresh {
			hashes = append(hashes, g.block.Hash)
		}
		out = hashes
		return nil
	})
	return out, err
}

// GetFilterLogs is eth_getFilterLogs.
func (e *ethAPI) GetFilterLogs(ctx context.Context, id string) ([]*types.Log, error) {
	in, err := e.filter(id)
	if err != nil {
		return nil, err
	}
	if in.crit == nil {
		return nil, badParams("not a filter of logs")
	}
	return e.GetLogs(ctx, *in.crit)
}

// UninstallFilter is eth_uninstallFilter.
func (e *ethAPI) UninstallFilter(id string) bool {
	f := &e.filters
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.by[id]
	delete(f.by, id)
	return ok
}
