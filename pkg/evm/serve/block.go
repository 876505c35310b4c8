package serve

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/wire"
)

type object map[string]any

// headerObject is a header as JSON, with its hash.
func headerObject(b *proof.Block) (object, error) {
	raw, err := json.Marshal(b.Header)
	if err != nil {
		return nil, err
	}
	out := object{}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, err
	}
	for k, v := range out {
		if v == nil {
			delete(out, k) // a field that this fork does not have
		}
	}
	out["hash"] = b.Hash
	return out, nil
}

func blockObject(config *params.ChainConfig, body *proof.Body, full bool) (object, error) {
	out, err := headerObject(body.Block)
	if err != nil {
		return nil, err
	}
	out["size"], out["uncles"] = hexutil.Uint64(body.Size), []common.Hash{}
	if body.Block.WithdrawalsHash != nil {
		out["withdrawals"] = append(types.Withdrawals{}, body.Withdrawals...)
	}
	txs := make([]any, len(body.Txs))
	for i, tx := range body.Txs {
		if txs[i] = tx.Hash(); full {
			if txs[i], err = txObject(config, body, i); err != nil {
				return nil, err
			}
		}
	}
	out["transactions"] = txs
	return out, nil
}

func signerOf(config *params.ChainConfig, b *proof.Block) types.Signer {
	return types.MakeSigner(config, b.Number, b.Time)
}

func txObject(config *params.ChainConfig, body *proof.Body, i int) (object, error) {
	tx, b := body.Txs[i], body.Block
	raw, err := tx.MarshalJSON()
	if err != nil {
		return nil, err
	}
	out := object{}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, err
	}
	from, err := types.Sender(signerOf(config, b), tx)
	if err != nil {
		return nil, wire.Invalid("sender of transaction %d: %v", i, err)
	}
	if tx.Type() == types.LegacyTxType {
		delete(out, "maxFeePerGas")
		delete(out, "maxPriorityFeePerGas")
		if !tx.Protected() {
			delete(out, "chainId")
		} else {
			out["chainId"] = (*hexutil.Big)(tx.ChainId())
		}
	}
	for k, v := range out {
		if v == nil && k != "to" {
			delete(out, k)
		}
	}
	price := tx.GasPrice()
	if tx.Type() >= types.DynamicFeeTxType {
		price = new(big.Int).Add(tx.EffectiveGasTipValue(b.BaseFee), b.BaseFee)
	}
	out["gasPrice"] = (*hexutil.Big)(price)
	out["from"], out["blockHash"], out["blockNumber"], out["transactionIndex"] = from, b.Hash, (*hexutil.Big)(b.Number), hexutil.Uint64(i)
	out["blockTimestamp"] = hexutil.Uint64(b.Time)
	return out, nil
}

func receiptObject(config *params.ChainConfig, body *proof.Body, r *types.Receipt) (object, error) {
	tx := body.Txs[r.TransactionIndex]
	from, err := types.Sender(signerOf(config, body.Block), tx)
	if err != nil {
		return nil, wire.Invalid("sender of transaction %d: %v", r.TransactionIndex, err)
	}
	logs := r.Logs
	if logs == nil {
		logs = []*types.Log{}
	}
	out := object{"blockHash": r.BlockHash, "blockNumber": hexutil.Uint64(r.BlockNumber.Uint64()), "transactionHash": r.TxHash,
		"transactionIndex": hexutil.Uint64(r.TransactionIndex), "from": from, "to": tx.To(), "gasUsed": hexutil.Uint64(r.GasUsed),
		"cumulativeGasUsed": hexutil.Uint64(r.CumulativeGasUsed), "contractAddress": nil, "logs": logs, "logsBloom": r.Bloom,
		"type": hexutil.Uint(r.Type), "effectiveGasPrice": (*hexutil.Big)(r.EffectiveGasPrice)}
	if len(r.PostState) > 0 {
		out["root"] = hexutil.Bytes(r.PostState)
	} else {
		out["status"] = hexutil.Uint(r.Status)
	}
	if tx.Type() == types.BlobTxType {
		out["blobGasUsed"], out["blobGasPrice"] = hexutil.Uint64(r.BlobGasUsed), (*hexutil.Big)(r.BlobGasPrice)
	}
	if r.ContractAddress != (common.Address{}) {
		out["contractAddress"] = r.ContractAddress
	}
	return out, nil
}

func byNumber(n rpc.BlockNumber) *rpc.BlockNumberOrHash {
	return &rpc.BlockNumberOrHash{BlockNumber: &n}
}

func byHash(h common.Hash) *rpc.BlockNumberOrHash { return &rpc.BlockNumberOrHash{BlockHash: &h} }

// body runs f on the body of a block. That a number lies after the head is null, which is no claim about the chain.
func (e *ethAPI) body(ctx context.Context, b *rpc.BlockNumberOrHash, f func(context.Context, *evm.View, *proof.Body) (any, error)) (out any, err error) {
	err = e.at(ctx, b, func(ctx context.Context, v *evm.View) error {
		body, err := v.Chain.Body(ctx, v.Asker, v.Block)
		if err != nil {
			return err
		}
		out, err = f(ctx, v, body)
		return err
	})
	if err != nil && b.BlockNumber != nil && e.ahead(*b.BlockNumber) {
		return nil, nil
	}
	return out, err
}

func (e *ethAPI) ahead(n rpc.BlockNumber) bool {
	h, err := e.head()
	return err == nil && n > 0 && uint64(n) > h.Number
}

func (e *ethAPI) block(ctx context.Context, b *rpc.BlockNumberOrHash, full bool) (any, error) {
	return e.body(ctx, b, func(_ context.Context, v *evm.View, body *proof.Body) (any, error) {
		return blockObject(v.Chain.Config, body, full)
	})
}

// GetBlockByNumber is eth_getBlockByNumber.
func (e *ethAPI) GetBlockByNumber(ctx context.Context, n rpc.BlockNumber, full bool) (any, error) {
	return e.block(ctx, byNumber(n), full)
}

// GetBlockByHash is eth_getBlockByHash.
func (e *ethAPI) GetBlockByHash(ctx context.Context, h common.Hash, full bool) (any, error) {
	return e.block(ctx, byHash(h), full)
}

func (e *ethAPI) count(ctx context.Context, b *rpc.BlockNumberOrHash) (any, error) {
	return e.body(ctx, b, func(_ context.Context, _ *evm.View, body *proof.Body) (any, error) {
		return hexutil.Uint(len(body.Txs)), nil
	})
}

// GetBlockTransactionCountByNumber is eth_getBlockTransactionCountByNumber.
func (e *ethAPI) GetBlockTransactionCountByNumber(ctx context.Context, n rpc.BlockNumber) (any, error) {
	return e.count(ctx, byNumber(n))
}

// GetBlockTransactionCountByHash is eth_getBlockTransactionCountByHash.
func (e *ethAPI) GetBlockTransactionCountByHash(ctx context.Context, h common.Hash) (any, error) {
	return e.count(ctx, byHash(h))
}

// GetUncleCountByBlockNumber is eth_getUncleCountByBlockNumber: there are none since the merge.
func (e *ethAPI) GetUncleCountByBlockNumber(rpc.BlockNumber) hexutil.Uint { return 0 }

// GetUncleCountByBlockHash is eth_getUncleCountByBlockHash.
func (e *ethAPI) GetUncleCountByBlockHash(common.Hash) hexutil.Uint { return 0 }

func receiptObjects(ctx context.Context, v *evm.View, body *proof.Body) ([]any, error) {
	rs, err := v.Chain.Receipts(ctx, v.Asker, body)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(rs))
	for i, r := range rs {
		if out[i], err = receiptObject(v.Chain.Config, body, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// GetBlockReceipts is eth_getBlockReceipts.
func (e *ethAPI) GetBlockReceipts(ctx context.Context, b rpc.BlockNumberOrHash) (any, error) {
	return e.body(ctx, &b, func(ctx context.Context, v *evm.View, body *proof.Body) (any, error) {
		return receiptObjects(ctx, v, body)
	})
}

func (e *ethAPI) indexed(ctx context.Context, b *rpc.BlockNumberOrHash, i hexutil.Uint) (any, error) {
	return e.body(ctx, b, func(_ context.Context, v *evm.View, body *proof.Body) (any, error) {
		if uint64(i) >= uint64(len(body.Txs)) {
			return nil, nil // the whole list is proven
		}
		return txObject(v.Chain.Config, body, int(i))
	})
}

// GetTransactionByBlockNumberAndIndex is eth_getTransactionByBlockNumberAndIndex.
func (e *ethAPI) GetTransactionByBlockNumberAndIndex(ctx context.Context, n rpc.BlockNumber, i hexutil.Uint) (any, error) {
	return e.indexed(ctx, byNumber(n), i)
}

// GetTransactionByBlockHashAndIndex is eth_getTransactionByBlockHashAndIndex.
func (e *ethAPI) GetTransactionByBlockHashAndIndex(ctx context.Context, h common.Hash, i hexutil.Uint) (any, error) {
	return e.indexed(ctx, byHash(h), i)
}

func (e *ethAPI) included(ctx context.Context, h common.Hash, f func(context.Context, *evm.View, *proof.Included) (any, error)) (out any, err error) {
	err = e.at(ctx, nil, func(ctx context.Context, v *evm.View) error {
		in, err := v.Chain.Transaction(ctx, v.Asker, v.Tip, h)
		if err != nil {
			return err
		}
		out, err = f(ctx, v, in)
		return err
	})
	var api *apiError
	if errors.As(err, &api) && api.code == CodeUnprovable && e.own.waiting(ctx, e, h) {
		return nil, nil // sent through here, and in no block since
	}
	return out, err
}

// GetTransactionByHash is eth_getTransactionByHash. That there is none cannot be proven, but of one that was sent
// through here.
func (e *ethAPI) GetTransactionByHash(ctx context.Context, h common.Hash) (any, error) {
	return e.included(ctx, h, func(_ context.Context, v *evm.View, in *proof.Included) (any, error) {
		return txObject(v.Chain.Config, in.Body, in.Index)
	})
}

// GetTransactionReceipt is eth_getTransactionReceipt.
func (e *ethAPI) GetTransactionReceipt(ctx context.Context, h common.Hash) (any, error) {
	return e.included(ctx, h, func(ctx context.Context, v *evm.View, in *proof.Included) (any, error) {
		rs, err := v.Chain.Receipts(ctx, v.Asker, in.Body)
		if err != nil {
			return nil, err
		}
		return receiptObject(v.Chain.Config, in.Body, rs[in.Index])
	})
}
