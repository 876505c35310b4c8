package envelope

import "crypto/sha256"

// shortInput is up to how many bytes of input MAC hashes on the stack: all that a key schedule has.
const shortInput = 320

// MAC is HMAC-SHA-256 (RFC 2104) over the concatenation of parts. Opening one body takes four of them; written out
// over one buffer they cost half of what crypto/hmac takes for a key used once.
func MAC(key []byte, parts ...[]byte) [32]byte {
	var pad [sha256.BlockSize]byte
	if len(key) > len(pad) {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	inner := digest(&pad, parts)
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	var out [sha256.BlockSize + sha256.Size]byte
	copy(out[:], pad[:])
	copy(out[len(pad):], inner[:])
	return sha256.Sum256(out[:])
}

// digest hashes a block and what follows it.
func digest(block *[sha256.BlockSize]byte, parts [][]byte) (sum [32]byte) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n <= shortInput {
		var buf [sha256.BlockSize + shortInput]byte
		all := append(buf[:0], block[:]...)
		for _, p := range parts {
			all = append(all, p...)
		}
		return sha256.Sum256(all)
	}
	h := sha256.New()
	h.Write(block[:])
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// Expand is HKDF-Expand with SHA-256 (RFC 5869): n bytes, at most 8,160, from key, which is uniform, under info.
func Expand(key []byte, info string, n int) []byte {
	if n > 255*sha256.Size {
		panic("envelope: HKDF ends at 8,160 bytes")
	}
	out := make([]byte, 0, n+sha256.Size)
	var prev []byte
	for i := byte(1); len(out) < n; i++ {
		t := MAC(key, prev, []byte(info), []byte{i})
		out = append(out, t[:]...)
		prev = out[len(out)-sha256.Size:]
	}
	return out[:n:n]
}
