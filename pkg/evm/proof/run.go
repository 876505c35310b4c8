package proof

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// MaxGas is the most gas of a call.
const MaxGas = 30_000_000

const callTime = 20 * time.Second

// Message is a call or a transaction to try.
type Message struct {
	From, To *common.Address // To nil: contract creation
	Gas      uint64          // 0: MaxGas
	GasPrice *big.Int        // nil: 0
	Value    *big.Int
	Data     []byte
	Access   types.AccessList
}

// RevertError carries what a contract gave back when it reverted.
type RevertError struct{ Data []byte }

// RevertData returns Data.
func (e *RevertError) RevertData() []byte { return e.Data }

// Error names the reason where it is a string.
func (e *RevertError) Error() string {
	if reason, err := unpackRevert(e.Data); err == nil {
		return fmt.Sprintf("execution reverted: %.200q", reason)
	}
	return fmt.Sprintf("execution reverted with %d bytes", len(e.Data))
}

// Engine runs messages on proven state.
type Engine struct {
	Config  *params.ChainConfig
	Foreign []common.Address // precompiles that nobody here can run
	// Hash gives the hash of an ancestor of the block that is run on, verified.
	Hash func(ctx context.Context, number uint64) (common.Hash, error)
}

func (m *Message) touches() []Touch {
	var from common.Address // nobody's account is looked at too
	if m.From != nil {
		from = *m.From
	}
	if m.To != nil && *m.To == from {
		return []Touch{{Addr: from, Code: true}}
	}
	out := []Touch{{Addr: from}}
	if m.To != nil {
		out = append(out, Touch{Addr: *m.To, Code: true})
	}
	return out
}

// json is the form of the server's API.
func (m *Message) json() map[string]any {
	out := map[string]any{"data": hexutil.Bytes(m.Data)}
	if m.To != nil {
		out["to"] = m.To
	}
	if m.From != nil {
		out["from"] = m.From
	}
	if m.Value != nil {
		out["value"] = (*hexutil.Big)(m.Value)
	}
	return out
}

// Prefetch asks the server what the call will touch, which is a hint, and fetches it in one more batch. What is
// missing is fetched when the call comes to it.
func (e *Engine) Prefetch(ctx context.Context, s *State, h *types.Header, m *Message) error {
	var hint struct {
		List types.AccessList `json:"accessList"`
	}
	touches := m.touches()
	payment := len(m.Data) == 0 && m.Value != nil && m.Value.Sign() > 0
	if m.To != nil && !payment && s.Trips < maxTrips {
		s.Trips++
		err := one(ctx, s.Ask, 1<<20, &hint, "eth_createAccessList", m.json(), s.at())
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			hint.List = nil // no hint is no harm
		}
	}
	if len(hint.List) > maxAddresses-len(touches) {
		return refuse("access list of %d addresses", len(hint.List))
	}
	if !slices.ContainsFunc(touches, func(t Touch) bool { return t.Addr == h.Coinbase }) {
		touches = append(touches, Touch{Addr: h.Coinbase}) // who is paid is looked at last
	}
	at := map[common.Address]int{}
	for i, t := range touches {
		at[t.Addr] = i
	}
	for _, t := range hint.List {
		i, ok := at[t.Address]
		if !ok {
			i = len(touches)
			at[t.Address] = i
			touches = append(touches, Touch{Addr: t.Address})
		}
		touches[i].Code = true
		touches[i].Slots = append(touches[i].Slots, t.StorageKeys...)
	}
	return s.Fetch(ctx, touches)
}

// Call runs a message and returns what it returned. A revert is a *RevertError, another fault of the contract an
// error that is neither wire.ErrInvalid nor ErrUnprovable.
func (e *Engine) Call(ctx context.Context, s *State, h *types.Header, m *Message) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := e.Prefetch(ctx, s, h, m); err != nil {
		return nil, err
	}
	res, err := e.run(ctx, s, h, m, m.Gas, nil)
	if err != nil {
		return nil, err
	}
	return res.ReturnData, failure(res)
}

func failure(res *core.ExecutionResult) error {
	switch {
	case errors.Is(res.Err, vm.ErrExecutionReverted):
		return &RevertError{res.Revert()}
	case res.Err != nil:
		return fmt.Errorf("execution: %w", res.Err)
	}
	return nil
}

// run executes once. Its error is of the proofs, or says that the message cannot be run at all.
func (e *Engine) run(ctx context.Context, s *State, h *types.Header, m *Message, gas uint64, tracer *tracing.Hooks) (*core.ExecutionResult, error) {
	r := &reader{ctx: ctx, s: s}
	db, err := state.New(h.Root, database{r})
	if err != nil {
		return nil, err
	}
	if gas == 0 || gas > MaxGas {
		gas = MaxGas
	}
	block, unknown := e.block(r, h), error(nil)
	evm := vm.NewEVM(block, db, e.Config, vm.Config{NoBaseFee: true, Tracer: tracer})
	evm.SetPrecompiles(e.precompiles(h, &unknown))
	stop := context.AfterFunc(ctx, evm.Cancel)
	defer stop()
	res, err := core.ApplyMessage(evm, m.message(gas), core.NewGasPool(gas))
	switch { // in this order: what follows a failed fetch means nothing
	case r.err != nil:
		return nil, r.err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case unknown != nil:
		return nil, unknown
	case db.Error() != nil:
		return nil, db.Error()
	}
	return res, err
}

func (m *Message) message(gas uint64) *core.Message {
	out := &core.Message{To: m.To, GasLimit: gas, Data: m.Data, AccessList: m.Access, Value: new(uint256.Int), GasPrice: new(uint256.Int),
		GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int), BlobGasFeeCap: new(uint256.Int)}
	if m.From != nil {
		out.From = *m.From
	}
	if m.Value != nil {
		out.Value.SetFromBig(m.Value)
	}
	if m.GasPrice != nil {
		out.GasPrice.SetFromBig(m.GasPrice)
		out.GasFeeCap, out.GasTipCap = out.GasPrice, out.GasPrice
	}
	return out.SkipNonceCheck().SkipEOACheck().SkipGasLimitCapCheck()
}

func (e *Engine) block(r *reader, h *types.Header) vm.BlockContext {
	c := vm.BlockContext{CanTransfer: core.CanTransfer, Transfer: core.Transfer, Coinbase: h.Coinbase, GasLimit: h.GasLimit, BlockNumber: h.Number,
		Time: h.Time, Difficulty: new(big.Int), BaseFee: h.BaseFee, BlobBaseFee: new(big.Int), Random: &h.MixDigest, CostPerStateByte: params.CostPerStateByte}
	if h.ExcessBlobGas != nil {
		c.BlobBaseFee = eip4844.CalcBlobFee(e.Config, h)
	}
	c.GetHash = func(n uint64) common.Hash {
		if r.err != nil || e.Hash == nil {
			r.fail(fmt.Errorf("hash of block %d: %w", n, ErrUnprovable))
			return common.Hash{}
		}
		hash, err := e.Hash(r.ctx, n)
		if err != nil {
			r.fail(err)
		}
		return hash
	}
	return c
}

// foreign stands at the address of a precompile that is not known here: an address without code would look like success.
type foreign struct {
	addr common.Address
	err  *error
}

// RequiredGas is vm.PrecompiledContract.
func (f foreign) RequiredGas([]byte) uint64 { return 0 }

// Name is vm.PrecompiledContract.
func (f foreign) Name() string { return "foreign" }

// Run is vm.PrecompiledContract.
func (f foreign) Run([]byte) ([]byte, error) {
	*f.err = fmt.Errorf("precompile at %v is not known here: %w", f.addr, ErrUnprovable)
	return nil, *f.err
}

func (e *Engine) precompiles(h *types.Header, err *error) vm.PrecompiledContracts {
	out := maps.Clone(vm.ActivePrecompiledContracts(e.Config.Rules(h.Number, true, h.Time)))
	for _, a := range e.Foreign {
		if _, known := out[a]; !known {
			out[a] = foreign{a, err}
		}
	}
	return out
}
