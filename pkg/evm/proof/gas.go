package proof

import (
	"context"
	"errors"
	"slices"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
)

const (
	maxTxGas  = 1 << 24 // EIP-7825
	plainCost = 21000
	maxRuns   = 20
)

func unpackRevert(b []byte) (string, error) { return abi.UnpackRevert(b) }

// Estimate returns gas with which a message does not fail, at most 1.5 % above the least. Its error is that of the
// message run with all the gas it may have.
func (e *Engine) Estimate(ctx context.Context, s *State, h *types.Header, m *Message) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := e.Prefetch(ctx, s, h, m); err != nil {
		return 0, err
	}
	high := min(h.GasLimit, MaxGas)
	if e.Config.IsOsaka(h.Number, h.Time) {
		high = min(high, maxTxGas)
	}
	if m.Gas >= plainCost {
		high = min(high, m.Gas)
	}
	res, err := e.run(ctx, s, h, m, high, nil)
	if err != nil {
		return 0, err
	}
	if err := failure(res); err != nil {
		return 0, err
	}
	if len(m.Data) == 0 && res.UsedGas <= plainCost { // most are plain payments
		if ok, err := e.enough(ctx, s, h, m, plainCost); ok || err != nil {
			return plainCost, err
		}
	}
	low := max(res.UsedGas, plainCost) - 1
	if guess := (res.MaxUsedGas + 2300) * 64 / 63; guess < high { // most messages need no more than this
		ok, err := e.enough(ctx, s, h, m, guess)
		if err != nil {
			return 0, err
		}
		if ok {
			high = guess
		} else {
			low = guess
		}
	}
	for range maxRuns {
		if low+1 >= high || float64(high-low)/float64(high) < 0.015 {
			break
		}
		mid := min(low+(high-low)/2, low*2)
		ok, err := e.enough(ctx, s, h, m, mid)
		if err != nil {
			return 0, err
		}
		if ok {
			high = mid
		} else {
			low = mid
		}
	}
	return high, nil
}

func (e *Engine) enough(ctx context.Context, s *State, h *types.Header, m *Message, gas uint64) (bool, error) {
	res, err := e.run(ctx, s, h, m, gas, nil)
	if errors.Is(err, core.ErrIntrinsicGas) || errors.Is(err, core.ErrFloorDataGas) {
		return false, nil
	}
	return err == nil && !res.Failed(), err
}

// AccessList runs a message until the list of what it touches is the list it ran with, and returns that list and the
// gas used. Sender, receiver and precompiles stand in it only with slots (EIP-2930).
func (e *Engine) AccessList(ctx context.Context, s *State, h *types.Header, m *Message) (types.AccessList, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := e.Prefetch(ctx, s, h, m); err != nil {
		return nil, 0, err
	}
	run := *m
	for range 8 {
		seen := &touched{slots: map[common.Address][]common.Hash{}}
		for _, t := range run.Access {
			seen.add(t.Address, t.StorageKeys...)
		}
		res, err := e.run(ctx, s, h, &run, m.Gas, &tracing.Hooks{OnOpcode: seen.opcode})
		if err != nil {
			return nil, 0, err
		}
		list := seen.list(m, vm.ActivePrecompiles(e.Config.Rules(h.Number, true, h.Time)))
		if slices.EqualFunc(list, run.Access, func(a, b types.AccessTuple) bool {
			return a.Address == b.Address && slices.Equal(a.StorageKeys, b.StorageKeys)
		}) {
			return list, res.UsedGas, failure(res)
		}
		run.Access = list
	}
	return nil, 0, errors.New("the access list does not settle")
}

// touched collects addresses and slots in the order of their first use.
type touched struct {
	order []common.Address
	slots map[common.Address][]common.Hash
}

func (t *touched) add(a common.Address, slots ...common.Hash) {
	if _, ok := t.slots[a]; !ok {
		t.order = append(t.order, a)
		t.slots[a] = nil
	}
	for _, s := range slots {
		if !slices.Contains(t.slots[a], s) {
			t.slots[a] = append(t.slots[a], s)
		}
	}
}

func (t *touched) opcode(_ uint64, op byte, _, _ uint64, scope tracing.OpContext, _ []byte, _ int, _ error) {
	stack := scope.StackData()
	n := len(stack)
	switch o := vm.OpCode(op); {
	case (o == vm.SLOAD || o == vm.SSTORE) && n >= 1:
		t.add(scope.Address(), common.Hash(stack[n-1].Bytes32()))
	case (o == vm.EXTCODECOPY || o == vm.EXTCODEHASH || o == vm.EXTCODESIZE || o == vm.BALANCE || o == vm.SELFDESTRUCT) && n >= 1:
		t.add(common.Address(stack[n-1].Bytes20()))
	case (o == vm.DELEGATECALL || o == vm.CALL || o == vm.STATICCALL || o == vm.CALLCODE) && n >= 5:
		t.add(common.Address(stack[n-2].Bytes20()))
	}
}

func (t *touched) list(m *Message, precompiles []common.Address) types.AccessList {
	out := types.AccessList{}
	for _, a := range t.order {
		bare := m.To != nil && a == *m.To || m.From != nil && a == *m.From || slices.Contains(precompiles, a)
		if bare && len(t.slots[a]) == 0 {
			continue
		}
		keys := t.slots[a]
		if keys == nil {
			keys = []common.Hash{}
		}
		out = append(out, types.AccessTuple{Address: a, StorageKeys: keys})
	}
	return out
}
