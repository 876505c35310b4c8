package proof

import (
	"context"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

const (
	maxCode      = 49152
	maxTrips     = 64
	maxBytes     = 8 << 20
	maxAddresses = 256
	maxSlots     = 1024
)

// Codes keeps contract code by its hash, for ever: code that fits its hash never changes. It is safe for concurrent
// use. The zero value is empty.
type Codes struct {
	mu   sync.Mutex // guards by and size
	by   map[common.Hash][]byte
	size int
}

const maxCodes = 32 << 20

func (c *Codes) get(h common.Hash) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.by[h]
	return b, ok
}

func (c *Codes) put(h common.Hash, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil || c.size > maxCodes {
		c.by, c.size = map[common.Hash][]byte{}, 0
	}
	c.by[h] = b
	c.size += len(b)
}

// Touch names what of one address is to be fetched.
type Touch struct {
	Addr  common.Address
	Slots []common.Hash
	Code  bool
}

type entry struct {
	acc   *types.StateAccount // nil: proven absent
	slots map[common.Hash]common.Hash
}

// State is the state under one verified block.
type State struct {
	Ask   Asker
	Block common.Hash // asked for by its hash, since "latest" slides
	Root  common.Hash
	Codes *Codes
	// Trips counts round trips.
	Trips int

	known map[common.Address]*entry
}

type proofAnswer struct {
	Account []hexutil.Bytes `json:"accountProof"`
	Storage []struct {
		Proof []hexutil.Bytes `json:"proof"`
	} `json:"storageProof"`
}

func (s *State) at() any { return map[string]any{"blockHash": s.Block} }

func raw(list []hexutil.Bytes) [][]byte {
	out := make([][]byte, len(list))
	for i, b := range list {
		out[i] = b
	}
	return out
}

// Fetch asks for all touches in one batch. Values are taken from proofs alone, for the keys that were asked.
func (s *State) Fetch(ctx context.Context, touches []Touch) error {
	var batch []Ask
	slots := 0
	for _, t := range touches {
		keys := make([]string, len(t.Slots))
		for i, k := range t.Slots {
			keys[i] = k.Hex()
		}
		slots += len(keys)
		batch = append(batch, Ask{"eth_getProof", []any{t.Addr, keys, s.at()}})
	}
	for _, t := range touches {
		if t.Code {
			batch = append(batch, Ask{"eth_getCode", []any{t.Addr, s.at()}})
		}
	}
	if len(touches) > maxAddresses || slots > maxSlots {
		return fmt.Errorf("%d addresses and %d slots: %w", len(touches), slots, ErrBudget)
	}
	if s.Trips++; s.Trips > maxTrips {
		return fmt.Errorf("%d round trips: %w", s.Trips, ErrBudget)
	}
	answers, err := s.Ask.Ask(ctx, batch, maxBytes)
	if err != nil {
		return err
	}
	for i, t := range touches {
		if err := s.take(t, answers[i]); err != nil {
			return fmt.Errorf("proof of %v: %w", t.Addr, err)
		}
	}
	rest := answers[len(touches):]
	for _, t := range touches {
		if !t.Code {
			continue
		}
		if err := s.takeCode(t.Addr, rest[0]); err != nil {
			return fmt.Errorf("code of %v: %w", t.Addr, err)
		}
		rest = rest[1:]
	}
	return nil
}

// Check verifies the proofs of an account and of words of its storage under a state root. A nil account is proven
// absent.
func Check(state common.Hash, addr common.Address, account []hexutil.Bytes, slots []common.Hash, storage [][]hexutil.Bytes) (*types.StateAccount, []common.Hash, error) {
	acc, err := verifyAccount(state, addr, raw(account))
	if err != nil {
		return nil, nil, err
	}
	root := types.EmptyRootHash
	if acc != nil {
		root = acc.Root
	}
	if len(storage) != len(slots) {
		return nil, nil, refuse("%d storage proofs, asked for %d", len(storage), len(slots))
	}
	out := make([]common.Hash, len(slots))
	for i, k := range slots {
		if out[i], err = verifySlot(root, k, raw(storage[i])); err != nil {
			return nil, nil, fmt.Errorf("slot %v: %w", k, err)
		}
	}
	return acc, out, nil
}

// Proof fetches the proofs themselves, checked.
func (s *State) Proof(ctx context.Context, addr common.Address, slots []common.Hash) (account []hexutil.Bytes, storage [][]hexutil.Bytes, err error) {
	keys := make([]string, len(slots))
	for i, k := range slots {
		keys[i] = k.Hex()
	}
	if len(slots) > maxSlots {
		return nil, nil, fmt.Errorf("%d slots: %w", len(slots), ErrBudget)
	}
	var p proofAnswer
	s.Trips++
	if err := one(ctx, s.Ask, maxBytes, &p, "eth_getProof", addr, keys, s.at()); err != nil {
		return nil, nil, err
	}
	for _, w := range p.Storage {
		storage = append(storage, w.Proof)
	}
	_, _, err = Check(s.Root, addr, p.Account, slots, storage)
	return p.Account, storage, err
}

func (s *State) take(t Touch, a Answer) error {
	var p proofAnswer
	if err := a.into(&p, "eth_getProof"); err != nil {
		return err
	}
	storage := make([][]hexutil.Bytes, len(p.Storage))
	for i, w := range p.Storage {
		storage[i] = w.Proof
	}
	acc, got, err := Check(s.Root, t.Addr, p.Account, t.Slots, storage)
	if err != nil {
		return err
	}
	e := &entry{acc: acc, slots: map[common.Hash]common.Hash{}}
	if old := s.known[t.Addr]; old != nil {
		e.slots = old.slots
	}
	for i, k := range t.Slots {
		e.slots[k] = got[i]
	}
	if s.known == nil {
		s.known = map[common.Address]*entry{}
	}
	s.known[t.Addr] = e
	return nil
}

func (s *State) takeCode(addr common.Address, a Answer) error {
	var code hexutil.Bytes
	if err := a.into(&code, "eth_getCode"); err != nil {
		return err
	}
	want := types.EmptyCodeHash
	if acc := s.known[addr].acc; acc != nil {
		want = common.BytesToHash(acc.CodeHash)
	}
	if len(code) > maxCode {
		return refuse("%d bytes", len(code))
	}
	if crypto.Keccak256Hash(code) != want {
		return refuse("hash is not that of the account")
	}
	s.Codes.put(want, code)
	return nil
}

// Account returns what is at an address; nil is proven absent.
func (s *State) Account(ctx context.Context, addr common.Address) (*types.StateAccount, error) {
	if e := s.known[addr]; e != nil {
		return e.acc, nil
	}
	if err := s.Fetch(ctx, []Touch{{Addr: addr}}); err != nil {
		return nil, err
	}
	return s.known[addr].acc, nil
}

// Storage returns a slot; zero is proven.
func (s *State) Storage(ctx context.Context, addr common.Address, slot common.Hash) (common.Hash, error) {
	if e := s.known[addr]; e != nil {
		if v, ok := e.slots[slot]; ok {
			return v, nil
		}
	}
	if err := s.Fetch(ctx, []Touch{{Addr: addr, Slots: []common.Hash{slot}}}); err != nil {
		return common.Hash{}, err
	}
	return s.known[addr].slots[slot], nil
}

// Code returns the code at an address; empty is proven.
func (s *State) Code(ctx context.Context, addr common.Address) ([]byte, error) {
	if e := s.known[addr]; e != nil {
		if e.acc == nil || common.BytesToHash(e.acc.CodeHash) == types.EmptyCodeHash {
			return nil, nil
		}
		if b, ok := s.Codes.get(common.BytesToHash(e.acc.CodeHash)); ok {
			return b, nil
		}
	}
	if err := s.Fetch(ctx, []Touch{{Addr: addr, Code: true}}); err != nil {
		return nil, err
	}
	e := s.known[addr]
	if e.acc == nil {
		return nil, nil
	}
	b, _ := s.Codes.get(common.BytesToHash(e.acc.CodeHash))
	return b, nil
}
