package serve

import (
	"context"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pars-network/pars/pkg/evm"
)

const (
	maxOwn  = 1024
	maxScan = 256 // blocks looked through for one that was sent
)

// own remembers what was sent through here, so that the absence of these can be told. The zero value is empty.
type own struct {
	mu   sync.Mutex // guards by
	by   map[common.Hash]*sent
	rows []common.Hash
}

type sent struct {
	from    common.Address
	nonce   uint64
	scanned uint64 // no block up to this one holds it
}

func (o *own) add(tx *types.Transaction, from common.Address, head uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by == nil {
		o.by = map[common.Hash]*sent{}
	}
	if o.by[tx.Hash()] != nil {
		return
	}
	o.by[tx.Hash()] = &sent{from: from, nonce: tx.Nonce(), scanned: head}
	if o.rows = append(o.rows, tx.Hash()); len(o.rows) > maxOwn {
		delete(o.by, o.rows[0])
		o.rows = o.rows[1:]
	}
}

// next is the nonce after those that were sent and follow n without a gap.
func (o *own) next(from common.Address, n uint64) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	used := map[uint64]bool{}
	for _, s := range o.by {
		if s.from == from {
			used[s.nonce] = true
		}
	}
	for used[n] {
		n++
	}
	return n
}

func (o *own) get(h common.Hash) *sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.by[h]
}

// waiting reports that a transaction was sent through here and stands in none of the blocks since, each looked through.
func (o *own) waiting(ctx context.Context, e *ethAPI, h common.Hash) bool {
	s := o.get(h)
	if s == nil {
		return false
	}
	found := false
	err := e.at(ctx, nil, func(ctx context.Context, v *evm.View) error {
		o.mu.Lock()
		from := s.scanned + 1
		o.mu.Unlock()
		if v.Tip.Num() > from+maxScan {
			return evm.ErrUnprovable
		}
		for n := from; n <= v.Tip.Num(); n++ {
			b, err := v.Chain.Ancestor(ctx, v.Asker, v.Tip, n)
			if err != nil {
				return err
			}
			body, err := v.Chain.Body(ctx, v.Asker, b)
			if err != nil {
				return err
			}
			for _, tx := range body.Txs {
				found = found || tx.Hash() == h
			}
		}
		return nil
	})
	return err == nil && !found
}

// SendRawTransaction is eth_sendRawTransaction: the hash is computed here.
func (e *ethAPI) SendRawTransaction(ctx context.Context, raw hexutil.Bytes) (common.Hash, error) {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return common.Hash{}, badParams("transaction: %v", err)
	}
	from, err := types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx)
	if err != nil {
		return common.Hash{}, badParams("sender: %v", err)
	}
	head, err := e.head()
	if err != nil {
		return common.Hash{}, err
	}
	h, err := e.c.Send(ctx, raw)
	if err != nil {
		return common.Hash{}, told(err)
	}
	e.own.add(tx, from, head.Number)
	return common.Hash(h), nil
}
