package envelope

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"math/bits"

	"github.com/pars-network/pars/pkg/wire"
)

const stampAt = 20

// stampPrefix returns what is hashed before the nonce: SHA-256("pars/stamp/v1" ‖ netid ‖ envelope without the stamp nonce ‖ nonce).
func stampPrefix(netid [32]byte, b []byte) []byte {
	p := append([]byte(wire.LabelStamp), netid[:]...)
	return append(append(p, b[:stampAt]...), b[stampAt+8:]...)
}

// Stamped reports whether the stamp of an envelope has at least so many leading zero bits.
func Stamped(netid [32]byte, b []byte, want int) bool {
	if len(b) < outerSize {
		return false
	}
	sum := sha256.Sum256(append(stampPrefix(netid, b), b[stampAt:stampAt+8]...))
	return leadingZeros(sum[:]) >= want
}

func leadingZeros(sum []byte) int {
	n := 0
	for _, c := range sum {
		if c != 0 {
			return n + bits.LeadingZeros8(c)
		}
		n += 8
	}
	return n
}

// Stamp finds a nonce so that Stamped holds, trying from start on, and writes it into b. stop is asked
// now and then; when it says so, Stamp gives up and reports false. 18 bits take about a quarter of a
// million hashes of one block.
func Stamp(netid [32]byte, b []byte, want int, start uint64, stop func() bool) bool {
	h := sha256.New()
	h.Write(stampPrefix(netid, b))
	mid, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return false
	}
	var sum [32]byte
	for n := start; ; n++ {
		if n%4096 == 0 && stop() {
			return false
		}
		if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(mid); err != nil {
			return false
		}
		var nonce [8]byte
		binary.BigEndian.PutUint64(nonce[:], n)
		h.Write(nonce[:])
		if leadingZeros(h.Sum(sum[:0])) >= want {
			copy(b[stampAt:], nonce[:])
			return true
		}
	}
}
