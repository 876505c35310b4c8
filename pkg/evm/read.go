package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/wire"
)

// Tag names a block: "latest", "finalized", "safe" (the same), "pending" (the latest), a number in decimal or 0x, or a
// hash. Empty is "latest".
type Tag string

// Mark says under which block an answer was proven.
type Mark struct {
	Block uint64
	Hash  Hash
	Final bool
	// Weak: the chain is followed from a checkpoint that was too old.
	Weak bool
	// Age is that of the head, when it is stale and Client.Stale let it pass; else 0.
	Age time.Duration
}

// block returns the verified block of a tag and the head above it.
func (c *Client) heads() (tip, final *proof.Block, m Mark, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.fin.Head()
	switch {
	case !ok && c.fin.conflict:
		return nil, nil, m, ErrConflict
	case !ok:
		return nil, nil, m, ErrNoCheckpoint
	}
	age := c.Now().Sub(time.Unix(c.fin.Spec.TimeOf(h.Slot), 0))
	if age > MaxAge {
		if !c.Stale {
			return nil, nil, m, &StaleError{Age: age, Slot: h.Slot, Why: c.why}
		}
		m.Age = age
	}
	m.Weak = c.fin.Weak
	return c.tip, c.final, m, nil
}

// BaseFee is that of the newest verified head, nil where there is none to answer from.
func (c *Client) BaseFee() *big.Int {
	tip, _, _, err := c.heads()
	if err != nil {
		return nil
	}
	return tip.BaseFee
}

// Heads tells the newest verified heads, or why there are none to answer from.
func (c *Client) Heads() (tip Head, m Mark, err error) {
	if _, _, m, err = c.heads(); err != nil {
		return tip, m, err
	}
	tip, _ = c.Head()
	return tip, m, nil
}

// find resolves a tag with the help of one server.
func (c *Client) find(ctx context.Context, a proof.Asker, tip, final *proof.Block, tag Tag) (*proof.Block, error) {
	switch s := string(tag); {
	case s == "" || s == "latest" || s == "pending":
		return tip, nil
	case s == "finalized" || s == "safe":
		return final, nil
	case strings.HasPrefix(s, "0x") && len(s) == 66:
		h, err := ParseHash(s)
		if err != nil {
			return nil, err
		}
		return c.chain.ByHash(ctx, a, tip, common.Hash(h))
	default:
		n, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("%.40q is no block: a number, a hash, latest, safe or finalized", s)
		}
		return c.chain.Ancestor(ctx, a, tip, n)
	}
}

// View is a verified block, with one server to ask for what lies under it.
type View struct {
	Asker proof.Asker
	// Block is what the tag named; Tip is the head above it, Final the final one.
	Block, Tip, Final *proof.Block
	Chain             *proof.Chain
	Engine            *proof.Engine
}

// State is the state under the block.
func (v *View) State() *proof.State { return v.Chain.State(v.Asker, v.Block) }

// At runs f on one server after the other until one gives what verifies. f may run more than once.
func (c *Client) At(ctx context.Context, tag Tag, f func(context.Context, *View) error) (Mark, error) {
	tip, final, m, err := c.heads()
	if err != nil {
		return m, err
	}
	err = c.servers(ctx, func(a server) error {
		b, err := c.find(ctx, a, tip, final, tag)
		if err != nil {
			return err
		}
		m.Block, m.Hash, m.Final = b.Num(), Hash(b.Hash), b.Num() <= final.Num()
		e := c.engine
		e.Hash = c.chain.HashAt(a, b)
		return f(ctx, &View{a, b, tip, final, c.chain, &e})
	})
	return m, err
}

// Through runs f on one server after the other, and on peers when they may be asked, until one gives what verifies, under
// heads of any age. f sees the tip as Block.
func (c *Client) Through(ctx context.Context, peers bool, f func(*View) error) error {
	c.mu.Lock()
	tip, final, conflict := c.tip, c.final, c.fin.conflict
	c.mu.Unlock()
	switch {
	case conflict:
		return ErrConflict
	case tip == nil:
		return ErrNoCheckpoint
	}
	return c.serversOf(ctx, peers, func(a server) error { return f(&View{a, tip, tip, final, c.chain, &c.engine}) })
}

func (c *Client) under(ctx context.Context, tag Tag, f func(context.Context, proof.Asker, *proof.Block) error) (Mark, error) {
	return c.At(ctx, tag, func(ctx context.Context, v *View) error { return f(ctx, v.Asker, v.Block) })
}

// Send hands a signed transaction to peers that pass it on, or where there are none, to every server whose chain id is the
// profile's, and returns its hash. What they answer is no proof of anything; see Receipt. It fails when nobody took it.
func (c *Client) Send(ctx context.Context, raw []byte) (Hash, error) {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return Hash{}, wire.Invalid("transaction: %v", err)
	}
	if !tx.Protected() || tx.ChainId().Uint64() != c.Profile.ChainID || !tx.ChainId().IsUint64() {
		return Hash{}, fmt.Errorf("transaction is for chain %v, the profile is %d: %w", tx.ChainId(), c.Profile.ChainID, ErrChain)
	}
	var err error
	if c.Submit != nil {
		if err = c.Submit(ctx, raw); err == nil {
			return Hash(tx.Hash()), nil
		}
	}
	if len(c.RPCs) == 0 && c.Submit != nil {
		return Hash(tx.Hash()), err
	}
	return Hash(tx.Hash()), c.Broadcast(ctx, raw)
}

// Broadcast hands a signed transaction to every server whose chain id is the profile's. It fails when nobody took it.
func (c *Client) Broadcast(ctx context.Context, raw []byte) error {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return wire.Invalid("transaction: %v", err)
	}
	if len(c.RPCs) == 0 {
		return fmt.Errorf("no server of the chain to send to; name one with --rpc: %w", wire.ErrNotFound)
	}
	took := false
	var errs []error
	for _, r := range c.RPCs {
		if err := c.sendTo(ctx, r, tx, raw); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Name(), err))
			continue
		}
		took = true
	}
	if took {
		return nil
	}
	return errors.Join(errs...)
}

func (c *Client) sendTo(ctx context.Context, r *RPC, tx *types.Transaction, raw []byte) error {
	if err := c.CheckChain(ctx, r); err != nil {
		return err
	}
	list, err := r.Ask(ctx, []proof.Ask{{Method: "eth_sendRawTransaction", Params: []any{hexutil.Bytes(raw)}}}, 1<<16)
	if err != nil {
		return err
	}
	if list[0].Err != nil {
		return list[0].Err
	}
	var h common.Hash
	if err := unmarshal(list[0].Result, &h); err != nil || h != tx.Hash() {
		return wire.Invalid("server answers with the hash of another transaction")
	}
	return nil
}

// CheckChain asks a server for its chain id; another than the profile's is ErrChain. It is asked each time, since a
// server may change its mind.
func (c *Client) CheckChain(ctx context.Context, r *RPC) error {
	list, err := r.Ask(ctx, []proof.Ask{{Method: "eth_chainId"}}, 4096)
	if err != nil {
		return err
	}
	var id hexutil.Uint64
	if list[0].Err != nil {
		return list[0].Err
	}
	if err := unmarshal(list[0].Result, &id); err != nil {
		return wire.Invalid("chain id is no number")
	}
	if uint64(id) != c.Profile.ChainID {
		return fmt.Errorf("server is of chain %d, the profile is %d: %w", uint64(id), c.Profile.ChainID, ErrChain)
	}
	return nil
}

// server answers questions about the execution chain.
type server interface {
	Name() string
	proof.Asker
}

// servers runs f with each server, and then each peer, until it succeeds, or ends in a way that no other would change.
func (c *Client) servers(ctx context.Context, f func(server) error) error {
	return c.serversOf(ctx, true, f)
}

func (c *Client) serversOf(ctx context.Context, peers bool, f func(server) error) error {
	var list []server
	for _, r := range c.RPCs {
		list = append(list, r)
	}
	if peers {
		for _, p := range c.peers() {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("no server of the chain to ask; name one with --rpc: %w", wire.ErrNotFound)
	}
	var errs []error
	for _, r := range order(&c.bad, list, server.Name, c.Now()) {
		err := f(r)
		var revert *proof.RevertError
		if err == nil || errors.As(err, &revert) || errors.Is(err, proof.ErrBudget) || ctx.Err() != nil {
			return err
		}
		if !errors.Is(err, ErrUnprovable) && !errors.Is(err, wire.ErrNotFound) { // which is no fault of the server
			c.punish(r.Name(), err)
		}
		if lacks(err) {
			err = fmt.Errorf("the server does not offer what a proof needs; name another with --rpc: %w", err)
		}
		errs = append(errs, fmt.Errorf("%s: %w", r.Name(), err))
	}
	return errors.Join(errs...)
}

// Account is what the chain holds of an address.
type Account struct {
	Nonce       uint64
	Balance     *big.Int // wei
	CodeHash    Hash
	StorageRoot Hash
	Exists      bool
}

func accountOf(a *types.StateAccount) Account {
	if a == nil {
		return Account{Balance: new(big.Int), CodeHash: Hash(types.EmptyCodeHash), StorageRoot: Hash(types.EmptyRootHash)}
	}
	return Account{a.Nonce, a.Balance.ToBig(), Hash(a.CodeHash), Hash(a.Root), true}
}

// Account reads balance and nonce by proof. That there is none is proven too.
func (c *Client) Account(ctx context.Context, addr Address, tag Tag) (out Account, m Mark, err error) {
	m, err = c.under(ctx, tag, func(ctx context.Context, a proof.Asker, b *proof.Block) error {
		acc, err := c.chain.State(a, b).Account(ctx, common.Address(addr))
		if err == nil {
			out = accountOf(acc)
		}
		return err
	})
	return out, m, err
}

// Code reads the code of a contract; empty is proven.
func (c *Client) Code(ctx context.Context, addr Address, tag Tag) (out []byte, m Mark, err error) {
	m, err = c.under(ctx, tag, func(ctx context.Context, a proof.Asker, b *proof.Block) (err error) {
		out, err = c.chain.State(a, b).Code(ctx, common.Address(addr))
		return err
	})
	return out, m, err
}

// Storage reads one word of a contract's storage.
func (c *Client) Storage(ctx context.Context, addr Address, slot Hash, tag Tag) (out Hash, m Mark, err error) {
	m, err = c.under(ctx, tag, func(ctx context.Context, a proof.Asker, b *proof.Block) error {
		v, err := c.chain.State(a, b).Storage(ctx, common.Address(addr), common.Hash(slot))
		out = Hash(v)
		return err
	})
	return out, m, err
}

// Message is a call.
type Message struct {
	From  *Address
	To    *Address // nil: contract creation
	Data  []byte
	Value *big.Int // wei; nil: 0
	Gas   uint64   // 0: the most
}

func (m *Message) core() *proof.Message {
	return &proof.Message{From: (*common.Address)(m.From), To: (*common.Address)(m.To), Data: m.Data, Value: m.Value, Gas: m.Gas}
}

func (c *Client) run(ctx context.Context, m *Message, tag Tag, f func(context.Context, *proof.Engine, *proof.State, *types.Header, *proof.Message) error) (Mark, error) {
	if m.Value != nil {
		if _, over := uint256.FromBig(m.Value); over || m.Value.Sign() < 0 {
			return Mark{}, wire.Invalid("value is not of 256 bits")
		}
	}
	return c.At(ctx, tag, func(ctx context.Context, v *View) error {
		return f(ctx, v.Engine, v.State(), v.Block.Header, m.core())
	})
}

// Result is what a call returned.
type Result struct {
	Return []byte
	Mark
}

// RevertError carries what a contract gave back when it reverted.
type RevertError = proof.RevertError

// Call runs a contract on proven state. A revert is a *RevertError.
func (c *Client) Call(ctx context.Context, to Address, data []byte, tag Tag) (Result, error) {
	return c.CallMessage(ctx, &Message{To: &to, Data: data}, tag)
}

// CallMessage is Call with all that a message can say.
func (c *Client) CallMessage(ctx context.Context, msg *Message, tag Tag) (out Result, err error) {
	out.Mark, err = c.run(ctx, msg, tag, func(ctx context.Context, e *proof.Engine, s *proof.State, h *types.Header, m *proof.Message) (err error) {
		out.Return, err = e.Call(ctx, s, h, m)
		return err
	})
	return out, err
}

// Estimate returns gas with which a message does not fail.
func (c *Client) Estimate(ctx context.Context, msg *Message, tag Tag) (gas uint64, m Mark, err error) {
	m, err = c.run(ctx, msg, tag, func(ctx context.Context, e *proof.Engine, s *proof.State, h *types.Header, m *proof.Message) (err error) {
		gas, err = e.Estimate(ctx, s, h, m)
		return err
	})
	return gas, m, err
}

// Find resolves another tag on the chain of a view.
func (c *Client) Find(ctx context.Context, v *View, tag Tag) (*proof.Block, error) {
	return c.find(ctx, v.Asker, v.Tip, v.Final, tag)
}

// Calls is a Client for whoever only calls contracts, at one block.
type Calls struct {
	Client *Client
	Tag    Tag // empty: latest
}

// Call runs a contract on proven state. A revert is a *RevertError.
func (c Calls) Call(ctx context.Context, to [20]byte, data []byte) ([]byte, error) {
	r, err := c.Client.Call(ctx, to, data, c.Tag)
	return r.Return, err
}
