package proof

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/triedb"
)

// reader is a State as the EVM wants it. Its first error sticks: the EVM goes on with zero after one, so whoever runs
// it must look at err before believing any result. The context is kept since the interface has none.
type reader struct {
	ctx context.Context
	s   *State
	err error
}

func (r *reader) fail(err error) error {
	if r.err == nil {
		r.err = err
	}
	return err
}

// Account is state.StateReader.
func (r *reader) Account(addr common.Address) (*types.StateAccount, error) {
	if r.err != nil {
		return nil, r.err
	}
	acc, err := r.s.Account(r.ctx, addr)
	if err != nil {
		return nil, r.fail(err)
	}
	if acc == nil {
		return nil, nil
	}
	return acc.Copy(), nil
}

// Storage is state.StateReader.
func (r *reader) Storage(addr common.Address, slot common.Hash) (common.Hash, error) {
	if r.err != nil {
		return common.Hash{}, r.err
	}
	v, err := r.s.Storage(r.ctx, addr, slot)
	if err != nil {
		return v, r.fail(err)
	}
	return v, nil
}

// Has is state.ContractCodeReader.
func (r *reader) Has(addr common.Address, hash common.Hash) bool { return len(r.Code(addr, hash)) > 0 }

// Code is state.ContractCodeReader.
func (r *reader) Code(addr common.Address, hash common.Hash) []byte {
	if b, ok := r.s.Codes.get(hash); ok {
		return b
	}
	if r.err != nil {
		return nil
	}
	b, err := r.s.Code(r.ctx, addr)
	if err != nil {
		r.fail(err) // told by err, since Code cannot
		return nil
	}
	return b
}

// CodeSize is state.ContractCodeReader.
func (r *reader) CodeSize(addr common.Address, hash common.Hash) int { return len(r.Code(addr, hash)) }

var errNoTrie = errors.New("there is no trie behind a proof")

// database gives one reader to state.New; nothing is ever committed.
type database struct{ r *reader }

// Type is state.Database.
func (d database) Type() state.DatabaseType { return state.TypeMPT }

// Reader is state.Database.
func (d database) Reader(common.Hash) (state.Reader, error) { return d.r, nil }

// Iteratee is state.Database.
func (d database) Iteratee(common.Hash) (state.Iteratee, error) { return nil, errNoTrie }

// OpenTrie is state.Database.
func (d database) OpenTrie(common.Hash) (state.Trie, error) { return nil, errNoTrie }

// OpenStorageTrie is state.Database.
func (d database) OpenStorageTrie(common.Hash, common.Address, common.Hash, state.Trie) (state.Trie, error) {
	return nil, errNoTrie
}

// TrieDB is state.Database.
func (d database) TrieDB() *triedb.Database { return nil }

// Commit is state.Database.
func (d database) Commit(*state.StateUpdate) error { return errNoTrie }
