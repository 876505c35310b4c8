package wallet

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"github.com/pars-network/pars/pkg/wire"
)

const maxTyped = 64 << 10

// Typed is EIP-712 data to sign, with what a person must see of it before.
type Typed struct {
	Domain   string // name of who asks
	Contract string
	Type     string
	Message  string // JSON, each field that is signed
	Hash     common.Hash
}

// ErrChain refuses what is for another chain than the profile's.
var ErrChain = fmt.Errorf("another chain: %w", wire.ErrInvalid)

// DecodeTyped reads typed data (eth_signTypedData_v4) for a chain. Data of another chain, or of none, is refused.
func DecodeTyped(b []byte, chain uint64) (t *Typed, err error) {
	defer func() { // the reader below was not made for hostile input
		if recover() != nil {
			t, err = nil, wire.Invalid("typed data")
		}
	}()
	var d apitypes.TypedData
	if len(b) > maxTyped || json.Unmarshal(b, &d) != nil {
		return nil, wire.Invalid("typed data is no JSON, or more than %d bytes", maxTyped)
	}
	if d.Domain.ChainId == nil || (*big.Int)(d.Domain.ChainId).Cmp(new(big.Int).SetUint64(chain)) != 0 {
		return nil, fmt.Errorf("typed data is not for chain %d, or names none: %w", chain, ErrChain)
	}
	hash, _, err := apitypes.TypedDataAndHash(d)
	if err != nil {
		return nil, wire.Invalid("typed data: %v", err)
	}
	msg, err := json.MarshalIndent(d.Message, "", " ")
	if err != nil {
		return nil, wire.Invalid("typed data: %v", err)
	}
	return &Typed{d.Domain.Name, d.Domain.VerifyingContract, d.PrimaryType, string(msg), common.BytesToHash(hash)}, nil
}

// SignText signs a text as personal_sign does (EIP-191, version 0x45): what is signed can be no transaction.
func (k *Key) SignText(text []byte) ([]byte, error) {
	head := fmt.Sprintf("\x19Ethereum Signed Message:\n%d", len(text))
	sig, err := crypto.Sign(crypto.Keccak256([]byte(head), text), k.d)
	if err != nil {
		return nil, err
	}
	sig[64] += 27
	return sig, nil
}

// SignTyped returns the signature r ‖ s ‖ v of 65 bytes, v 27 or 28.
func (k *Key) SignTyped(t *Typed) ([]byte, error) {
	sig, err := crypto.Sign(t.Hash[:], k.d)
	if err != nil {
		return nil, err
	}
	sig[64] += 27
	return sig, nil
}

// SignerOf recovers who made a signature of 65 bytes, r ‖ s ‖ v with v 27 or 28. The second s that every signature has
// is refused, so that there is one form.
func SignerOf(t *Typed, by [65]byte) (common.Address, error) {
	v := by[64] - 27
	if v > 1 || !crypto.ValidateSignatureValues(v, new(big.Int).SetBytes(by[:32]), new(big.Int).SetBytes(by[32:64]), true) {
		return common.Address{}, wire.Invalid("no signature of an account")
	}
	by[64] = v
	pub, err := crypto.SigToPub(t.Hash[:], by[:])
	if err != nil {
		return common.Address{}, wire.Invalid("no signature of an account")
	}
	return crypto.PubkeyToAddress(*pub), nil
}
