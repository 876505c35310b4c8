package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/proof"
)

const relayTogether = 4

// Relay answers what a Server is asked out of a client's servers, and hands on only what it verified itself: a lie is
// noticed here, where it can be laid at the door of who told it. It is a proof.Asker.
type Relay struct {
	Client *evm.Client
	// Peers lets it ask the client's peers too. A server of strangers does not: two such would ask each other.
	Peers bool
}

// Ask answers a batch, some of it at a time.
func (r Relay) Ask(ctx context.Context, batch []proof.Ask, _ int) ([]proof.Answer, error) {
	out := make([]proof.Answer, len(batch))
	var wg sync.WaitGroup
	slots := make(chan struct{}, relayTogether)
	for i, a := range batch {
		item, ok := itemOf(a)
		if !ok {
			out[i].Err = fmt.Errorf("%s: %w", a.Method, ErrRefused)
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			v, err := r.item(ctx, &item)
			if err == nil {
				out[i].Result, err = json.Marshal(v)
			}
			out[i].Err = err
		})
	}
	wg.Wait()
	return out, nil
}

// item fetches one thing and verifies it; nil is null.
func (r Relay) item(ctx context.Context, i *Item) (out any, err error) {
	err = r.Client.Through(ctx, r.Peers, func(v *evm.View) (err error) {
		out, err = i.read(ctx, v)
		return err
	})
	if i.Kind == ItemFind && errors.Is(err, evm.ErrUnprovable) {
		return nil, nil
	}
	return out, err
}

func (i *Item) read(ctx context.Context, v *evm.View) (any, error) {
	hash := common.Hash(i.Block)
	switch i.Kind {
	case ItemProof, ItemCode:
		b, err := v.Chain.Full(ctx, v.Asker, hash)
		if err != nil {
			return nil, err
		}
		if i.Kind == ItemCode {
			code, err := v.Chain.State(v.Asker, b).Code(ctx, common.Address(i.Address))
			return hexutil.Bytes(code), err
		}
		return i.proof(ctx, v, b)
	case ItemHeader:
		b, err := v.Chain.Full(ctx, v.Asker, hash)
		if err != nil {
			return nil, err
		}
		return b.Header, nil
	case ItemNumber:
		b, err := v.Chain.Ancestor(ctx, v.Asker, v.Tip, i.Number)
		if err == nil {
			b, err = v.Chain.Full(ctx, v.Asker, b.Hash)
		}
		if err != nil {
			return nil, err
		}
		return b.Header, nil
	case ItemFind:
		in, err := v.Chain.Transaction(ctx, v.Asker, v.Tip, hash)
		if err != nil {
			return nil, err
		}
		n := hexutil.Uint64(in.Body.Block.Num())
		return placeJSON{&in.Body.Block.Hash, &n}, nil
	}
	body, err := v.Chain.Body(ctx, v.Asker, &proof.Block{Hash: hash})
	if err != nil {
		return nil, err
	}
	if i.Kind == ItemBody {
		return blockOf(body)
	}
	return v.Chain.Receipts(ctx, v.Asker, body)
}

func (i *Item) proof(ctx context.Context, v *evm.View, b *proof.Block) (any, error) {
	keys := make([]common.Hash, len(i.Keys))
	for j, k := range i.Keys {
		keys[j] = common.Hash(k)
	}
	acc, words, err := v.Chain.State(v.Asker, b).Proof(ctx, common.Address(i.Address), keys)
	if err != nil {
		return nil, err
	}
	out := proofJSON{Account: acc, Storage: []wordJSON{}}
	for _, w := range words {
		out.Storage = append(out.Storage, wordJSON{w})
	}
	return out, nil
}

// blockOf is a block with all it holds as JSON-RPC has it.
func blockOf(b *proof.Body) (json.RawMessage, error) {
	head, err := json.Marshal(b.Block.Header)
	if err != nil {
		return nil, err
	}
	rest, err := json.Marshal(blockJSON{append(types.Transactions{}, b.Txs...), b.Withdrawals})
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s,%s", head[:len(head)-1], rest[1:]), nil
}
