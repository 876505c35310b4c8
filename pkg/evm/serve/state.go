package serve

import (
	"context"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/proof"
)

// ethAPI is the name space eth_. Each exported method is one call.
type ethAPI struct {
	c    *evm.Client
	news *news
	ctx  context.Context // of the server: subscriptions outlive the call that made them
	wg   *sync.WaitGroup // of the server, which waits for them
	now  func() time.Time

	filters filters
	own     own
	fees    feeCache
}

type netAPI struct{ c *evm.Client }

// Version is net_version.
func (n *netAPI) Version() string { return new(big.Int).SetUint64(n.c.Profile.ChainID).String() }

type web3API struct{ version string }

// ClientVersion is web3_clientVersion.
func (w *web3API) ClientVersion() string { return w.version }

// tagOf names the block that a caller means. pending is the latest: nobody proves what is to come.
func tagOf(b *rpc.BlockNumberOrHash) (evm.Tag, error) {
	if b == nil {
		return "latest", nil
	}
	if b.BlockHash != nil {
		return evm.Tag(b.BlockHash.Hex()), nil
	}
	return tagOfNumber(*b.BlockNumber)
}

func tagOfNumber(n rpc.BlockNumber) (evm.Tag, error) {
	switch n {
	case rpc.LatestBlockNumber, rpc.PendingBlockNumber:
		return "latest", nil
	case rpc.FinalizedBlockNumber, rpc.SafeBlockNumber:
		return "finalized", nil
	case rpc.EarliestBlockNumber:
		return "0", nil
	}
	if n < 0 {
		return "", badParams("block %d", n)
	}
	return evm.Tag(hexutil.Uint64(n).String()), nil
}

func (e *ethAPI) at(ctx context.Context, b *rpc.BlockNumberOrHash, f func(context.Context, *evm.View) error) error {
	tag, err := tagOf(b)
	if err == nil {
		_, err = e.c.At(ctx, tag, f)
	}
	return told(err)
}

// ChainId is eth_chainId.
func (e *ethAPI) ChainId() hexutil.Uint64 { return hexutil.Uint64(e.c.Profile.ChainID) }

func (e *ethAPI) head() (evm.Head, error) {
	h, _, err := e.c.Heads()
	return h, told(err)
}

// BlockNumber is eth_blockNumber.
func (e *ethAPI) BlockNumber() (hexutil.Uint64, error) {
	h, err := e.head()
	return hexutil.Uint64(h.Number), err
}

// Syncing is eth_syncing: false while the head is fresh.
func (e *ethAPI) Syncing() (any, error) {
	if _, err := e.head(); err == nil {
		return false, nil
	}
	h, _ := e.c.Head()
	return map[string]any{"startingBlock": hexutil.Uint64(h.Number), "currentBlock": hexutil.Uint64(h.Number), "highestBlock": hexutil.Uint64(h.Number)}, nil
}

// Coinbase is eth_coinbase: who was paid for the head.
func (e *ethAPI) Coinbase(ctx context.Context) (a common.Address, err error) {
	err = e.at(ctx, nil, func(_ context.Context, v *evm.View) error {
		a = v.Block.Coinbase
		return nil
	})
	return a, err
}

// GetBalance is eth_getBalance.
func (e *ethAPI) GetBalance(ctx context.Context, addr common.Address, b *rpc.BlockNumberOrHash) (out *hexutil.Big, err error) {
	err = e.at(ctx, b, func(ctx context.Context, v *evm.View) error {
		acc, err := v.State().Account(ctx, addr)
		out = (*hexutil.Big)(balance(acc))
		return err
	})
	return out, err
}

func balance(acc *types.StateAccount) *big.Int {
	if acc == nil {
		return new(big.Int)
	}
	return acc.Balance.ToBig()
}

// GetTransactionCount is eth_getTransactionCount; pending counts what was sent through here too.
func (e *ethAPI) GetTransactionCount(ctx context.Context, addr common.Address, b *rpc.BlockNumberOrHash) (n hexutil.Uint64, err error) {
	err = e.at(ctx, b, func(ctx context.Context, v *evm.View) error {
		acc, err := v.State().Account(ctx, addr)
		if n = 0; acc != nil {
			n = hexutil.Uint64(acc.Nonce)
		}
		return err
	})
	if err == nil && b != nil && b.BlockNumber != nil && *b.BlockNumber == rpc.PendingBlockNumber {
		n = hexutil.Uint64(e.own.next(addr, uint64(n)))
	}
	return n, err
}

// GetCode is eth_getCode.
func (e *ethAPI) GetCode(ctx context.Context, addr common.Address, b *rpc.BlockNumberOrHash) (out hexutil.Bytes, err error) {
	err = e.at(ctx, b, func(ctx context.Context, v *evm.View) (err error) {
		out, err = v.State().Code(ctx, addr)
		return err
	})
	return out, err
}

// GetStorageAt is eth_getStorageAt.
func (e *ethAPI) GetStorageAt(ctx context.Context, addr common.Address, slot string, b *rpc.BlockNumberOrHash) (out hexutil.Bytes, err error) {
	w, err := evm.ParseWord(slot)
	if err != nil {
		return nil, badParams("%v", err)
	}
	err = e.at(ctx, b, func(ctx context.Context, v *evm.View) error {
		word, err := v.State().Storage(ctx, addr, common.Hash(w))
		out = word[:]
		return err
	})
	return out, err
}

type storageResult struct {
	Key   string          `json:"key"`
	Value *hexutil.Big    `json:"value"`
	Proof []hexutil.Bytes `json:"proof"`
}

type proofResult struct {
	Address  common.Address  `json:"address"`
	Account  []hexutil.Bytes `json:"accountProof"`
	Balance  *hexutil.Big    `json:"balance"`
	CodeHash common.Hash     `json:"codeHash"`
	Nonce    hexutil.Uint64  `json:"nonce"`
	Root     common.Hash     `json:"storageHash"`
	Storage  []storageResult `json:"storageProof"`
}

// GetProof is eth_getProof: the proofs themselves, checked.
func (e *ethAPI) GetProof(ctx context.Context, addr common.Address, keys []string, b *rpc.BlockNumberOrHash) (out *proofResult, err error) {
	slots := make([]common.Hash, len(keys))
	for i, k := range keys {
		w, err := evm.ParseWord(k)
		if err != nil {
			return nil, badParams("%v", err)
		}
		slots[i] = common.Hash(w)
	}
	err = e.at(ctx, b, func(ctx context.Context, v *evm.View) error {
		account, storage, err := v.State().Proof(ctx, addr, slots)
		if err != nil {
			return err
		}
		acc, words, err := proof.Check(v.Block.Root, addr, account, slots, storage)
		if err != nil {
			return err
		}
		out = &proofResult{Address: addr, Account: account, Balance: (*hexutil.Big)(balance(acc)), CodeHash: types.EmptyCodeHash, Root: types.EmptyRootHash, Storage: []storageResult{}}
		if acc != nil {
			out.CodeHash, out.Nonce, out.Root = common.BytesToHash(acc.CodeHash), hexutil.Uint64(acc.Nonce), acc.Root
		}
		for i, k := range keys {
			out.Storage = append(out.Storage, storageResult{k, (*hexutil.Big)(words[i].Big()), append([]hexutil.Bytes{}, storage[i]...)})
		}
		return nil
	})
	return out, err
}
