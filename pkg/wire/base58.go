package wire

import (
	"bytes"
	"math/big"
	"slices"
)

// base58 is Bitcoin's alphabet: no 0, O, I and l.
const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// maxBase58 keeps the square of the length small: the text of a peer id has 46 to 53 characters.
const maxBase58 = 128

// AppendBase58 appends b as libp2p writes peer ids: a number of base 58 behind a 1 for each leading zero byte.
func AppendBase58(dst, b []byte) []byte {
	start := len(dst)
	n, rest, base := new(big.Int).SetBytes(b), new(big.Int), big.NewInt(58)
	for n.Sign() > 0 {
		n.DivMod(n, base, rest)
		dst = append(dst, base58[rest.Int64()])
	}
	for _, c := range b {
		if c != 0 {
			break
		}
		dst = append(dst, '1')
	}
	slices.Reverse(dst[start:])
	return dst
}

// DecodeBase58 reads what AppendBase58 writes, at most 128 characters. There is one form. Errors wrap ErrInvalid.
func DecodeBase58(s string) ([]byte, error) {
	if len(s) > maxBase58 {
		return nil, Invalid("base58 of %d characters", len(s))
	}
	n, base, zeros := new(big.Int), big.NewInt(58), 0
	for i := range len(s) {
		v := bytes.IndexByte([]byte(base58), s[i])
		if v < 0 {
			return nil, Invalid("base58 character %q", s[i])
		}
		if v == 0 && n.Sign() == 0 {
			zeros++
		}
		n.Mul(n, base).Add(n, big.NewInt(int64(v)))
	}
	return append(make([]byte, zeros), n.Bytes()...), nil
}
