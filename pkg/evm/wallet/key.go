package wallet

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pars-network/pars/pkg/wire"
)

// Key signs for one address.
type Key struct{ d *ecdsa.PrivateKey }

const hardened = 1 << 31

// Derive returns the key at m/44'/60'/0'/0/index of a BIP-39 seed.
func Derive(seed [64]byte, index uint32) (*Key, error) {
	if index >= hardened {
		return nil, wire.Invalid("index %d", index)
	}
	k, chain := split(hmacSHA512([]byte("Bitcoin seed"), seed[:]))
	for _, i := range []uint32{44 + hardened, 60 + hardened, hardened, 0, index} {
		var err error
		if k, chain, err = child(k, chain, i); err != nil {
			return nil, err
		}
	}
	return FromBytes(k)
}

func hmacSHA512(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha512.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func split(b []byte) (k, chain []byte) { return b[:32], b[32:] }

// child is CKDpriv of BIP-32.
func child(k, chain []byte, i uint32) (ck, cc []byte, err error) {
	n := crypto.S256().Params().N
	data := append([]byte{0}, k...)
	if i < hardened {
		d, err := crypto.ToECDSA(k)
		if err != nil {
			return nil, nil, errors.New("key of the path is out of range") // happens once in 2^127
		}
		data = crypto.CompressPubkey(&d.PublicKey)
	}
	il, cc := split(hmacSHA512(chain, data, binary.BigEndian.AppendUint32(nil, i)))
	sum := new(big.Int).SetBytes(il)
	if sum.Cmp(n) >= 0 {
		return nil, nil, errors.New("key of the path is out of range")
	}
	sum.Add(sum, new(big.Int).SetBytes(k)).Mod(sum, n)
	return sum.FillBytes(make([]byte, 32)), cc, nil
}

// FromBytes reads a private key of 32 bytes.
func FromBytes(b []byte) (*Key, error) {
	d, err := crypto.ToECDSA(b)
	if err != nil {
		return nil, wire.Invalid("not a private key")
	}
	return &Key{d}, nil
}

// Bytes returns the private key.
func (k *Key) Bytes() []byte { return crypto.FromECDSA(k.d) }

// Address is the account that the key signs for.
func (k *Key) Address() common.Address { return crypto.PubkeyToAddress(k.d.PublicKey) }
