package serve

import (
	"context"
	"math/big"
	"slices"
	"sort"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/consensus/misc/eip1559"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/proof"
)

const (
	feeBlocks  = 20
	feeHistory = 128
	feeCached  = 64
	noTip      = 1_000_000_000 // wei, where no block has a transaction to learn from
)

// feeCache keeps the tips of blocks, ascending. The zero value is empty.
type feeCache struct {
	mu sync.Mutex // guards by
	by map[common.Hash][]*big.Int
}

func (f *feeCache) tips(ctx context.Context, v *evm.View, b *proof.Block) ([]*big.Int, error) {
	f.mu.Lock()
	list, ok := f.by[b.Hash]
	f.mu.Unlock()
	if ok {
		return list, nil
	}
	body, err := v.Chain.Body(ctx, v.Asker, b)
	if err != nil {
		return nil, err
	}
	for _, tx := range body.Txs {
		if tip, err := tx.EffectiveGasTip(b.BaseFee); err == nil && tip.Sign() > 0 {
			list = append(list, tip)
		}
	}
	slices.SortFunc(list, func(a, b *big.Int) int { return a.Cmp(b) })
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil || len(f.by) > feeCached {
		f.by = map[common.Hash][]*big.Int{}
	}
	f.by[b.Hash] = list
	return list, nil
}

// tip is the 60th percentile of the three smallest tips of each of the last blocks: what sufficed.
func (e *ethAPI) tip(ctx context.Context, v *evm.View) (*big.Int, error) {
	var all []*big.Int
	for n := v.Tip.Num(); n > 0 && n+feeBlocks > v.Tip.Num(); n-- {
		b, err := v.Chain.Ancestor(ctx, v.Asker, v.Tip, n)
		if err != nil {
			return nil, err
		}
		list, err := e.fees.tips(ctx, v, b)
		if err != nil {
			return nil, err
		}
		all = append(all, list[:min(3, len(list))]...)
	}
	if len(all) == 0 {
		return big.NewInt(noTip), nil
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Cmp(all[j]) < 0 })
	return all[(len(all)-1)*60/100], nil
}

// MaxPriorityFeePerGas is eth_maxPriorityFeePerGas, from the last 20 verified blocks.
func (e *ethAPI) MaxPriorityFeePerGas(ctx context.Context) (out *hexutil.Big, err error) {
	err = e.at(ctx, nil, func(ctx context.Context, v *evm.View) error {
		tip, err := e.tip(ctx, v)
		out = (*hexutil.Big)(tip)
		return err
	})
	return out, err
}

// GasPrice is eth_gasPrice: that tip on the base fee of the head.
func (e *ethAPI) GasPrice(ctx context.Context) (out *hexutil.Big, err error) {
	err = e.at(ctx, nil, func(ctx context.Context, v *evm.View) error {
		tip, err := e.tip(ctx, v)
		if err == nil {
			out = (*hexutil.Big)(new(big.Int).Add(tip, v.Tip.BaseFee))
		}
		return err
	})
	return out, err
}

// BlobBaseFee is eth_blobBaseFee, of the head.
func (e *ethAPI) BlobBaseFee(ctx context.Context) (out *hexutil.Big, err error) {
	err = e.at(ctx, nil, func(_ context.Context, v *evm.View) error {
		out = (*hexutil.Big)(new(big.Int))
		if v.Tip.ExcessBlobGas != nil {
			out = (*hexutil.Big)(eip4844.CalcBlobFee(v.Chain.Config, v.Tip.Header))
		}
		return nil
	})
	return out, err
}

type feeResult struct {
	Oldest    *hexutil.Big     `json:"oldestBlock"`
	Reward    [][]*hexutil.Big `json:"reward,omitempty"`
	BaseFee   []*hexutil.Big   `json:"baseFeePerGas"`
	UsedRatio []float64        `json:"gasUsedRatio"`
	BlobFee   []*hexutil.Big   `json:"baseFeePerBlobGas,omitempty"`
	BlobRatio []float64        `json:"blobGasUsedRatio,omitempty"`
}

// blobs adds what a block says of blob gas, zero before there was any.
func (f *feeResult) blobs(config *params.ChainConfig, b *proof.Block) {
	fee, ratio := new(big.Int), 0.0
	if b.ExcessBlobGas != nil {
		fee = eip4844.CalcBlobFee(config, b.Header)
	}
	if most := eip4844.MaxBlobGasPerBlock(config, b.Time); most > 0 && b.BlobGasUsed != nil {
		ratio = float64(*b.BlobGasUsed) / float64(most)
	}
	f.BlobFee, f.BlobRatio = append(f.BlobFee, (*hexutil.Big)(fee)), append(f.BlobRatio, ratio)
}

// nextBlobFee is the blob fee of the block after b.
func nextBlobFee(config *params.ChainConfig, b *proof.Block) *hexutil.Big {
	if b.ExcessBlobGas == nil {
		return new(hexutil.Big)
	}
	excess := eip4844.CalcExcessBlobGas(config, b.Header, b.Time)
	return (*hexutil.Big)(eip4844.CalcBlobFee(config, &types.Header{Number: b.Number, Time: b.Time, ExcessBlobGas: &excess}))
}

// FeeHistory is eth_feeHistory, for at most 128 blocks, 20 with percentiles.
func (e *ethAPI) FeeHistory(ctx context.Context, count math.HexOrDecimal64, newest rpc.BlockNumber, percentiles []float64) (out *feeResult, err error) {
	most := uint64(feeHistory)
	if len(percentiles) > 0 {
		most = feeBlocks
	}
	for i, p := range percentiles {
		if p < 0 || p > 100 || i > 0 && p < percentiles[i-1] || len(percentiles) > 100 {
			return nil, badParams("percentiles")
		}
	}
	err = e.at(ctx, byNumber(newest), func(ctx context.Context, v *evm.View) error {
		n := min(uint64(count), most, v.Block.Num()+1)
		if n == 0 {
			out = &feeResult{Oldest: new(hexutil.Big)}
			return nil
		}
		first := v.Block.Num() + 1 - n
		out = &feeResult{Oldest: (*hexutil.Big)(new(big.Int).SetUint64(first))}
		for i := range n {
			b, err := v.Chain.Ancestor(ctx, v.Asker, v.Tip, first+i)
			if err != nil {
				return err
			}
			out.BaseFee = append(out.BaseFee, (*hexutil.Big)(b.BaseFee))
			out.UsedRatio = append(out.UsedRatio, float64(b.GasUsed)/float64(b.GasLimit))
			out.blobs(v.Chain.Config, b)
			if len(percentiles) > 0 {
				row, err := rewards(ctx, v, b, percentiles)
				if err != nil {
					return err
				}
				out.Reward = append(out.Reward, row)
			}
		}
		out.BaseFee = append(out.BaseFee, (*hexutil.Big)(eip1559.CalcBaseFee(v.Chain.Config, v.Block.Header)))
		out.BlobFee = append(out.BlobFee, nextBlobFee(v.Chain.Config, v.Block))
		return nil
	})
	return out, err
}

// rewards are the tips at percentiles of the gas that was used.
func rewards(ctx context.Context, v *evm.View, b *proof.Block, percentiles []float64) ([]*hexutil.Big, error) {
	body, err := v.Chain.Body(ctx, v.Asker, b)
	if err != nil {
		return nil, err
	}
	out := make([]*hexutil.Big, len(percentiles))
	if len(body.Txs) == 0 {
		for i := range out {
			out[i] = new(hexutil.Big)
		}
		return out, nil
	}
	rs, err := v.Chain.Receipts(ctx, v.Asker, body)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(rs))
	for i := range order {
		order[i] = i
	}
	tip := func(i int) *big.Int { return tipOf(body.Txs[i], b) }
	slices.SortStableFunc(order, func(x, y int) int { return tip(x).Cmp(tip(y)) })
	at, sum := 0, rs[order[0]].GasUsed
	for i, p := range percentiles {
		for limit := uint64(float64(b.GasUsed) * p / 100); sum < limit && at < len(order)-1; {
			at++
			sum += rs[order[at]].GasUsed
		}
		out[i] = (*hexutil.Big)(tip(order[at]))
	}
	return out, nil
}

func tipOf(tx *types.Transaction, b *proof.Block) *big.Int {
	tip, err := tx.EffectiveGasTip(b.BaseFee)
	if err != nil {
		return new(big.Int)
	}
	return tip
}
