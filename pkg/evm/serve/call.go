package serve

import (
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/proof"
)

// callArgs is the message of a call. Fields that are not here change what runs and are refused.
type callArgs struct {
	From     *common.Address   `json:"from"`
	To       *common.Address   `json:"to"`
	Gas      *hexutil.Uint64   `json:"gas"`
	GasPrice *hexutil.Big      `json:"gasPrice"`
	MaxFee   *hexutil.Big      `json:"maxFeePerGas"`
	Tip      *hexutil.Big      `json:"maxPriorityFeePerGas"`
	Value    *hexutil.Big      `json:"value"`
	Nonce    *hexutil.Uint64   `json:"nonce"`
	Data     *hexutil.Bytes    `json:"data"`
	Input    *hexutil.Bytes    `json:"input"`
	Access   *types.AccessList `json:"accessList"`
	ChainID  *hexutil.Big      `json:"chainId"`
	Type     *hexutil.Uint64   `json:"type"`
	Blobs    []common.Hash     `json:"blobVersionedHashes"`
	Auth     []any             `json:"authorizationList"`
}

func (a *callArgs) message(chain uint64) (*proof.Message, error) {
	m := &proof.Message{From: a.From, To: a.To}
	switch {
	case a.Blobs != nil || a.Auth != nil:
		return nil, badParams("calls with blobs or authorisations are not run here")
	case a.ChainID != nil && (*big.Int)(a.ChainID).Cmp(new(big.Int).SetUint64(chain)) != 0:
		return nil, &apiError{code: CodeChain, text: "the message is for another chain"}
	case a.Data != nil && a.Input != nil && string(*a.Data) != string(*a.Input):
		return nil, badParams("data and input differ")
	case a.Input != nil:
		m.Data = *a.Input
	case a.Data != nil:
		m.Data = *a.Data
	}
	if len(m.Data) > 128<<10 {
		return nil, badParams("%d bytes of data", len(m.Data))
	}
	if a.Gas != nil {
		m.Gas = uint64(*a.Gas)
	}
	m.Value = (*big.Int)(a.Value)
	m.GasPrice = (*big.Int)(a.GasPrice)
	for _, n := range []*hexutil.Big{a.Value, a.GasPrice} {
		if n != nil && n.ToInt().BitLen() > 256 {
			return nil, badParams("a number above 256 bits")
		}
	}
	if a.Access != nil {
		m.Access = *a.Access
	}
	return m, nil
}

func (e *ethAPI) runAt(ctx context.Context, args callArgs, b *rpc.BlockNumberOrHash, f func(context.Context, *evm.View, *proof.Message) error) error {
	m, err := args.message(e.c.Profile.ChainID)
	if err != nil {
		return err
	}
	return e.at(ctx, b, func(ctx context.Context, v *evm.View) error { return f(ctx, v, m) })
}

// Call is eth_call. Overrides of state would be answers about another chain: there is no parameter for them.
func (e *ethAPI) Call(ctx context.Context, args callArgs, b *rpc.BlockNumberOrHash) (out hexutil.Bytes, err error) {
	err = e.runAt(ctx, args, b, func(ctx context.Context, v *evm.View, m *proof.Message) (err error) {
		out, err = v.Engine.Call(ctx, v.State(), v.Block.Header, m)
		return err
	})
	return out, err
}

// EstimateGas is eth_estimateGas.
func (e *ethAPI) EstimateGas(ctx context.Context, args callArgs, b *rpc.BlockNumberOrHash) (gas hexutil.Uint64, err error) {
	err = e.runAt(ctx, args, b, func(ctx context.Context, v *evm.View, m *proof.Message) error {
		n, err := v.Engine.Estimate(ctx, v.State(), v.Block.Header, m)
		gas = hexutil.Uint64(n)
		return err
	})
	return gas, err
}

type accessResult struct {
	List  types.AccessList `json:"accessList"`
	Error string           `json:"error,omitempty"`
	Gas   hexutil.Uint64   `json:"gasUsed"`
}

// CreateAccessList is eth_createAccessList, computed here.
func (e *ethAPI) CreateAccessList(ctx context.Context, args callArgs, b *rpc.BlockNumberOrHash) (out *accessResult, err error) {
	err = e.runAt(ctx, args, b, func(ctx context.Context, v *evm.View, m *proof.Message) error {
		list, gas, err := v.Engine.AccessList(ctx, v.State(), v.Block.Header, m)
		if list == nil {
			return err
		}
		out = &accessResult{List: list, Gas: hexutil.Uint64(gas)}
		if err != nil {
			out.Error = err.Error()
		}
		return nil
	})
	return out, err
}
