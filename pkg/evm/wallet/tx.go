package wallet

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pars-network/pars/pkg/wire"
)

// MaxRaw is the largest signed transaction in bytes.
const MaxRaw = 128 << 10

// Tx is a transaction to sign, of type 2 (EIP-1559).
type Tx struct {
	Nonce  uint64
	To     *common.Address // nil: contract creation
	Value  *big.Int        // wei
	Data   []byte
	Gas    uint64
	MaxFee *big.Int // wei a unit of gas, at most
	Tip    *big.Int // of it, to the proposer
}

// Sign returns the signed transaction in the form that is sent.
func (k *Key) Sign(chain uint64, t Tx) ([]byte, error) {
	if chain == 0 || t.MaxFee == nil || t.Tip == nil || t.Tip.Cmp(t.MaxFee) > 0 || t.Tip.Sign() < 0 || t.MaxFee.BitLen() > 256 {
		return nil, wire.Invalid("fees: the tip is at most the whole fee")
	}
	value := t.Value
	if value == nil {
		value = new(big.Int)
	}
	if value.Sign() < 0 || value.BitLen() > 256 {
		return nil, wire.Invalid("value is not of 256 bits")
	}
	id := new(big.Int).SetUint64(chain)
	tx, err := types.SignNewTx(k.d, types.LatestSignerForChainID(id), &types.DynamicFeeTx{ChainID: id, Nonce: t.Nonce, To: t.To, Value: value,
		Data: t.Data, Gas: t.Gas, GasFeeCap: t.MaxFee, GasTipCap: t.Tip})
	if err != nil {
		return nil, err
	}
	return tx.MarshalBinary()
}

// Signed is what a signed transaction says.
type Signed struct {
	Hash  common.Hash
	From  common.Address
	Chain uint64
	Cost  *big.Int // the most that it can take from the sender, in wei
	Tx
}

// DecodeTx reads a signed transaction for a chain: EIP-155 with its chain id, 2930 or 1559. Blobs and authorisations
// (EIP-7702) are refused: the one is no payment, the other hands the account over.
func DecodeTx(raw []byte, chain uint64) (*Signed, error) {
	if len(raw) > MaxRaw {
		return nil, wire.Invalid("transaction of %d bytes", len(raw))
	}
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return nil, wire.Invalid("transaction: %v", err)
	}
	switch {
	case tx.Type() > types.DynamicFeeTxType:
		return nil, wire.Invalid("transaction of type %d is refused", tx.Type())
	case !tx.Protected():
		return nil, wire.Invalid("transaction names no chain, so that it could be repeated on any")
	case !tx.ChainId().IsUint64() || tx.ChainId().Uint64() != chain:
		return nil, fmt.Errorf("transaction is for chain %v, the profile is %d: %w", tx.ChainId(), chain, ErrChain)
	}
	from, err := types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx)
	if err != nil {
		return nil, wire.Invalid("signature of the transaction: %v", err)
	}
	return &Signed{tx.Hash(), from, chain, tx.Cost(), Tx{tx.Nonce(), tx.To(), tx.Value(), tx.Data(), tx.Gas(), tx.GasFeeCap(), tx.GasTipCap()}}, nil
}

// Bumped returns a fee that a pool takes in place of an old one: a tenth more, rounded up.
func Bumped(fee *big.Int) *big.Int {
	out := new(big.Int).Mul(fee, big.NewInt(110))
	return out.Add(out, big.NewInt(99)).Div(out, big.NewInt(100))
}

// String names a signed transaction in one line.
func (s *Signed) String() string {
	to := "a new contract"
	if s.To != nil {
		to = s.To.Hex()
	}
	return fmt.Sprintf("%v wei from %v to %s, nonce %d", s.Value, s.From, to, s.Nonce)
}
