package identity

import (
	"crypto/sha256"
	"fmt"

	"filippo.io/mldsa"
)

// pinnedHash returns SHA-256 of the ML-DSA-65 public key (1,952 bytes) of a seed (FIPS 204, ξ). Only
// the hash is used: it lets signatures become hybrid later without new account ids. This file is the
// only one that knows the library.
func pinnedHash(seed [32]byte) ([32]byte, error) {
	key, err := mldsa.NewPrivateKey(mldsa.MLDSA65(), seed[:])
	if err != nil {
		return [32]byte{}, fmt.Errorf("pinned key: %w", err)
	}
	return sha256.Sum256(key.PublicKey().Bytes()), nil
}
