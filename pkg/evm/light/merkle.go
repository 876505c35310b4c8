package light

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Root is a hash_tree_root or another hash of 32 bytes.
type Root [32]byte

func (r Root) String() string { return "0x" + hex.EncodeToString(r[:]) }

func pair(a, b Root) Root {
	var buf [64]byte
	copy(buf[:32], a[:])
	copy(buf[32:], b[:])
	return sha256.Sum256(buf[:])
}

// merkle hashes leaves up to a tree of 1<<depth leaves, the missing ones zero. It uses leaves as scratch.
func merkle(leaves []Root, depth int) Root {
	var zero Root
	for range depth {
		n := (len(leaves) + 1) / 2
		for i := range n {
			right := zero
			if 2*i+1 < len(leaves) {
				right = leaves[2*i+1]
			}
			leaves[i] = pair(leaves[2*i], right)
		}
		leaves = leaves[:n]
		zero = pair(zero, zero)
	}
	if len(leaves) == 0 {
		return zero
	}
	return leaves[0]
}

// chunks cuts bytes into leaves, the last one filled with zeros.
func chunks(b []byte) []Root {
	out := make([]Root, (len(b)+31)/32)
	for i := range out {
		copy(out[i][:], b[32*i:])
	}
	return out
}

func number(n uint64) (r Root) {
	binary.LittleEndian.PutUint64(r[:], n)
	return r
}

// leads reports whether branch connects leaf, at a generalised index, with root: is_valid_merkle_branch.
func leads(leaf Root, branch []Root, gindex int, root Root) bool {
	if len(branch) != depth(gindex) {
		return false
	}
	at := leaf
	for _, side := range branch {
		if gindex&1 == 1 {
			at = pair(side, at)
		} else {
			at = pair(at, side)
		}
		gindex >>= 1
	}
	return at == root
}

func allZero(branch []Root) bool {
	for _, r := range branch {
		if r != (Root{}) {
			return false
		}
	}
	return true
}
