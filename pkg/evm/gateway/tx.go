package gateway

import (
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	passedFor = time.Hour // a transaction is passed on once within
	maxPassed = 4096
)

// CheckTx judges a transaction as far as a gateway may: that it reads, is of the chain, has a sender, pays for its own
// bytes, and offers at least half of the base fee, wei; nil: not known. Whether the account can pay is for the pool.
func CheckTx(raw []byte, chain uint64, base *big.Int) error {
	s, err := wallet.DecodeTx(raw, chain)
	if err != nil {
		return err
	}
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return wire.Invalid("transaction: %v", err)
	}
	value, _ := uint256.FromBig(tx.Value())
	rules := params.Rules{IsHomestead: true, IsIstanbul: true, IsShanghai: true}
	gas, err := core.IntrinsicGas(tx.Data(), tx.AccessList(), nil, s.From, tx.To(), value, rules)
	if err != nil || gas > tx.Gas() {
		return wire.Invalid("transaction brings %d gas, its bytes alone cost %d", tx.Gas(), gas)
	}
	if base != nil && new(big.Int).Lsh(s.MaxFee, 1).Cmp(base) < 0 {
		return wire.Invalid("transaction pays %v wei a unit of gas, less than half of the base fee %v", s.MaxFee, base)
	}
	return nil
}

// HashOf is the hash of a transaction's bytes.
func HashOf(raw []byte) evm.Hash { return evm.Hash(crypto.Keccak256Hash(raw)) }

// first reports whether a transaction was not passed on within the hour, and notes it.
func (s *Server) first(raw []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, now := HashOf(raw), s.Now()
	if t, ok := s.passed[h]; ok && now.Sub(t) < passedFor {
		return false
	}
	for k, t := range s.passed {
		if now.Sub(t) >= passedFor {
			delete(s.passed, k)
		}
	}
	if s.passed == nil || len(s.passed) >= maxPassed {
		s.passed = map[evm.Hash]time.Time{}
	}
	s.passed[h] = now
	return true
}

// again lets a transaction that nobody took be passed once more.
func (s *Server) again(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.passed, HashOf(raw))
}
