package evm

import (
	"encoding/hex"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/wire"
)

// Hash is 32 bytes: of a block, a transaction, or a word of storage.
type Hash [32]byte

// String is 0x and 64 digits.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// MarshalText is String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is ParseHash.
func (h *Hash) UnmarshalText(b []byte) (err error) {
	*h, err = ParseHash(string(b))
	return err
}

// Address is that of an account or a contract.
type Address [20]byte

// String has the checksum of EIP-55.
func (a Address) String() string { return common.Address(a).Hex() }

// MarshalText is String.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is ParseAddress.
func (a *Address) UnmarshalText(b []byte) (err error) {
	*a, err = ParseAddress(string(b))
	return err
}

// ParseWei reads a decimal number of at most 256 bits.
func ParseWei(s string) (*big.Int, error) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 256 {
		return nil, wire.Invalid("%.80q is no decimal number of wei", s)
	}
	return n, nil
}

// ParseAddress reads 0x and 40 digits. Where letters of both cases occur, they must be the checksum of EIP-55.
func ParseAddress(s string) (a Address, err error) {
	b, err := ParseHex(s)
	if err != nil || len(b) != len(a) {
		return a, wire.Invalid("%.50q is no address: 0x and 40 digits", s)
	}
	a = Address(b)
	if d := s[2:]; d != strings.ToLower(d) && d != strings.ToUpper(d) && s != a.String() {
		return Address{}, wire.Invalid("%s has a wrong checksum; a digit is mistyped", s)
	}
	return a, nil
}

// ParseHash reads 0x and 64 digits.
func ParseHash(s string) (h Hash, err error) {
	b, err := ParseHex(s)
	if err != nil || len(b) != len(h) {
		return h, wire.Invalid("%.70q is no hash: 0x and 64 digits", s)
	}
	return Hash(b), nil
}

// ParseWord reads a number of at most 256 bits: 0x and up to 64 digits.
func ParseWord(s string) (h Hash, err error) {
	d, ok := strings.CutPrefix(s, "0x")
	if !ok || d == "" || len(d) > 64 {
		return h, wire.Invalid("%.70q is no word: 0x and 1 to 64 digits", s)
	}
	b, err := hex.DecodeString(strings.Repeat("0", 64-len(d)) + d)
	if err != nil {
		return h, wire.Invalid("%.70q is no word: 0x and 1 to 64 digits", s)
	}
	return Hash(b), nil
}

// ParseHex reads 0x and an even number of digits.
func ParseHex(s string) ([]byte, error) {
	d, ok := strings.CutPrefix(s, "0x")
	b, err := hex.DecodeString(d)
	if !ok || err != nil {
		return nil, wire.Invalid("%.50q is not 0x and an even number of hexadecimal digits", s)
	}
	return b, nil
}

// Geth is an address as the packages below know it; nil stays nil.
func Geth(a *Address) *common.Address { return (*common.Address)(a) }
