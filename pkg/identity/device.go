package identity

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// DeviceID names one installation of an account. The zero value names none.
type DeviceID [16]byte

// NewDeviceID returns the first 16 bytes of SHA-256("pars/device/v1" ‖ account id ‖ DS ‖ ID). The
// account is in it because nothing proves possession of the two keys: without it somebody could
// certify another's device as his own.
func NewDeviceID(account [32]byte, sign sig.Public, agree [32]byte) (d DeviceID) {
	b := append([]byte(wire.LabelDevice), account[:]...)
	b = append(append(b, sign[:]...), agree[:]...)
	sum := sha256.Sum256(b)
	copy(d[:], sum[:])
	return d
}

// String returns the id as 32 hexadecimal digits.
func (d DeviceID) String() string { return hex.EncodeToString(d[:]) }
