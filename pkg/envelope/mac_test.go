package envelope

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"math/rand/v2"
	"testing"
)

func fill(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// The standard library is the judge, below, at and above each border of a block and of the stack buffer.
func TestMACAgainstTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, key := range []int{0, 4, 32, 63, 64, 65, 200} {
		for n := range 2 * shortInput {
			k, in := fill(r, key), fill(r, n)
			h := hmac.New(sha256.New, k)
			h.Write(in)
			if got := MAC(k, in[:n/3], in[n/3:]); !bytes.Equal(got[:], h.Sum(nil)) {
				t.Fatalf("key of %d, input of %d bytes", key, n)
			}
		}
	}
}

func TestExpandAgainstTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 8, 31, 32, 33, 56, 64, 96, 8160} {
		for _, info := range []int{0, 20, 300, 1000} {
			k, i := fill(r, 32), string(fill(r, info))
			want, err := hkdf.Expand(sha256.New, k, i, n)
			if got := Expand(k, i, n); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes under %d: %v", n, info, err)
			}
		}
	}
}
