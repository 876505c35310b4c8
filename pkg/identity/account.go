package identity

import (
	"encoding/hex"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// Suite1 is Ed25519, X25519 with ML-KEM-768, XChaCha20-Poly1305, HKDF-SHA256, SHA-256 and a pinned
// ML-DSA-65 key. Suite bytes are one name space for every record of the project; 0 is invalid, 2 is
// reserved.
const Suite1 = 1

// Account says who a person is. It is comparable and may be a map key.
type Account struct {
	// Suite names the algorithms.
	Suite byte
	// ID commits to the account's public keys.
	ID [32]byte
}

const (
	accountHRP = "pars"
	accountLen = 64 // characters: "pars1", 53 of data, 6 of checksum
)

// String returns the account as bech32m text, 64 characters from "pars1".
func (a Account) String() string {
	return wire.EncodeBech32m(accountHRP, append([]byte{a.Suite}, a.ID[:]...))
}

// ParseAccount is the inverse of String; all upper case is accepted. What people paste by mistake,
// chain addresses and ids of other networks, is refused with its own reason. Errors wrap
// wire.ErrInvalid and do not repeat the text.
func ParseAccount(s string) (Account, error) {
	switch {
	case isForeign(s):
		return Account{}, wire.Invalid("an id of another network, not an account")
	case isChainAddress(s):
		return Account{}, wire.Invalid("a chain address, not an account")
	case len(s) != accountLen:
		return Account{}, wire.Invalid("account of %d characters, %d expected", len(s), accountLen)
	}
	hrp, data, err := wire.DecodeBech32m(s, 33)
	if err != nil {
		return Account{}, err
	}
	if hrp != accountHRP || len(data) != 33 {
		return Account{}, wire.Invalid("not an account: it does not begin with pars1")
	}
	if data[0] != Suite1 {
		return Account{}, wire.Invalid("unknown suite %d", data[0])
	}
	return Account{Suite: data[0], ID: [32]byte(data[1:])}, nil
}

// isForeign recognises 05… and 07… ids: 33 bytes in hexadecimal, for which five definitions exist.
func isForeign(s string) bool {
	if len(s) != 66 || s[0] != '0' || s[1] != '5' && s[1] != '7' {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

// isChainAddress recognises pars1… of 20 bytes with a bech32 checksum, with or without the letter of
// its chain (X-, P-, C-) before it.
func isChainAddress(s string) bool {
	const bare = 43 // "pars1", 32 of data, 6 of checksum
	low := strings.ToLower(s)
	if len(low) == bare+2 && low[1] == '-' && low[0] >= 'a' && low[0] <= 'z' {
		low = low[2:]
	}
	return len(low) == bare && strings.HasPrefix(low, accountHRP+"1")
}
