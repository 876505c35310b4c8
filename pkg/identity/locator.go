package identity

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"github.com/pars-network/pars/pkg/wire"
)

// Locator derives the locator of an account's card from a secret of the device. A code that is given out is known by
// its number alone, so nothing has to be kept to print it again or to answer whoever holds it; another number is
// another code, and no holder of one can tell that both are of one secret.
func Locator(secret [32]byte, account Account, number uint32) (l [16]byte) {
	info := binary.BigEndian.AppendUint32([]byte(wire.LabelCardLocator), number)
	out, err := hkdf.Key(sha256.New, secret[:], account.ID[:], string(info), len(l))
	if err != nil {
		panic("identity: HKDF of 16 bytes fails") // the length is a constant within its limit
	}
	copy(l[:], out)
	return l
}
