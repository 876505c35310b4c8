package deposit

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"

	blsu "github.com/protolambda/bls12-381-util"

	"github.com/pars-network/pars/pkg/wire"
)

// Pubkey is a compressed point of G1.
type Pubkey [48]byte

// String is 0x and 96 digits.
func (p Pubkey) String() string { return "0x" + hex.EncodeToString(p[:]) }

// MarshalText is String.
func (p Pubkey) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Key signs as one validator.
type Key struct {
	sk   *blsu.SecretKey
	pub  Pubkey
	path string
}

// Derive returns the signing key m/12381/3600/index/0/0 of a BIP-39 seed (EIP-2334).
func Derive(seed [64]byte, index uint32) (*Key, error) {
	sk, err := master(seed[:])
	if err != nil {
		return nil, err
	}
	for _, i := range []uint32{12381, 3600, index, 0, 0} {
		if sk, err = child(sk, i); err != nil {
			return nil, err
		}
	}
	k, err := FromBytes(sk[:])
	if err != nil {
		return nil, err
	}
	k.path = fmt.Sprintf("m/12381/3600/%d/0/0", index)
	return k, nil
}

// FromBytes reads a secret key: 32 bytes, big-endian, neither zero nor above the order of the group.
func FromBytes(b []byte) (*Key, error) {
	if len(b) != 32 {
		return nil, wire.Invalid("secret key of %d bytes", len(b))
	}
	n := new(big.Int).SetBytes(b)
	if n.Sign() == 0 || n.Cmp(order()) >= 0 {
		return nil, wire.Invalid("not a secret key of BLS12-381")
	}
	k := &Key{sk: new(blsu.SecretKey)}
	if err := k.sk.Deserialize((*[32]byte)(b)); err != nil {
		return nil, wire.Invalid("not a secret key of BLS12-381")
	}
	p, err := blsu.SkToPk(k.sk)
	if err != nil {
		return nil, err
	}
	k.pub = p.Serialize()
	return k, nil
}

// Pubkey is the validator's name on the beacon chain.
func (k *Key) Pubkey() Pubkey { return k.pub }

// Path is where in the tree of the phrase the key stands; empty for one that came as bytes.
func (k *Key) Path() string { return k.path }

// order of the group, r.
func order() *big.Int {
	r, _ := new(big.Int).SetString("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001", 16)
	return r
}

// master is derive_master_SK of EIP-2333.
func master(seed []byte) ([32]byte, error) {
	if len(seed) < 32 {
		return [32]byte{}, wire.Invalid("seed of %d bytes", len(seed))
	}
	return modR(seed)
}

// child is derive_child_SK of EIP-2333.
func child(parent [32]byte, index uint32) (sk [32]byte, err error) {
	salt := binary.BigEndian.AppendUint32(nil, index)
	sum := sha256.New()
	for _, flip := range []byte{0, 0xff} {
		ikm := parent
		for i := range ikm {
			ikm[i] ^= flip
		}
		okm, err := hkdf.Key(sha256.New, ikm[:], salt, "", 255*32)
		if err != nil {
			return sk, err
		}
		for ; len(okm) > 0; okm = okm[32:] {
			part := sha256.Sum256(okm[:32])
			sum.Write(part[:])
		}
	}
	return modR(sum.Sum(nil))
}

// modR is hkdf_mod_r of EIP-2333.
func modR(ikm []byte) (sk [32]byte, err error) {
	salt := []byte("BLS-SIG-KEYGEN-SALT-")
	for {
		h := sha256.Sum256(salt)
		salt = h[:]
		okm, err := hkdf.Key(sha256.New, append(append([]byte{}, ikm...), 0), salt, string([]byte{0, 48}), 48)
		if err != nil {
			return sk, err
		}
		if n := new(big.Int).SetBytes(okm); n.Mod(n, order()).Sign() != 0 {
			n.FillBytes(sk[:])
			return sk, nil
		}
	}
}
