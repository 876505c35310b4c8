package identity

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Root is what a phrase gives: the account key, which signs certificates and nothing else, and the
// hash of the pinned post-quantum key. It does not stay on a device.
type Root struct {
	key sig.Private
	pqh [32]byte
}

// NewRoot derives the account's keys from the seed of its phrase.
func NewRoot(seed [64]byte) (*Root, error) {
	ak, err := expand(seed, wire.LabelAccountEd25519)
	if err != nil {
		return nil, err
	}
	aq, err := expand(seed, wire.LabelAccountMLDSA65)
	if err != nil {
		return nil, err
	}
	pqh, err := pinnedHash(aq)
	if err != nil {
		return nil, err
	}
	return &Root{key: sig.FromSeed(ak), pqh: pqh}, nil
}

// expand is HKDF-SHA256 with the account label as salt.
func expand(seed [64]byte, info string) (out [32]byte, err error) {
	b, err := hkdf.Key(sha256.New, seed[:], []byte(wire.LabelAccount), info, len(out))
	if err != nil {
		return out, fmt.Errorf("derive account key: %w", err)
	}
	copy(out[:], b)
	return out, nil
}

// Public returns the public half.
func (r *Root) Public() RootPublic {
	return RootPublic{Suite: Suite1, Key: r.key.Public(), PQHash: r.pqh}
}

// RootPublic is the public half of a Root: what an account id commits to.
type RootPublic struct {
	// Suite names the algorithms; Suite1 is the only one known.
	Suite byte
	// Key is the account key AK.
	Key sig.Public
	// PQHash is SHA-256 of the ML-DSA-65 public key, or zero for an account made without one.
	PQHash [32]byte
}

// Account returns the account: SHA-256("pars/account/v1" ‖ suite ‖ AK ‖ hash of the pinned key).
func (p RootPublic) Account() Account {
	b := append([]byte(wire.LabelAccount), p.Suite)
	b = append(append(b, p.Key[:]...), p.PQHash[:]...)
	return Account{Suite: p.Suite, ID: sha256.Sum256(b)}
}
