package list

import (
	"crypto/sha256"
	"encoding/binary"
)

// Hash is a node of the tree: SHA-256 cut to 16 bytes. Whoever wants a wrong leaf in needs a second preimage.
type Hash [16]byte

// leafHash is SHA-256(00 ‖ network ‖ seq ‖ issued ‖ index u16 ‖ leaf without its siblings): issued keeps who gets a peer listed
// from looking for collisions ahead of time.
func (r *Root) leafHash(index int, leaf []byte) (h Hash) {
	b := append([]byte{0}, r.Network[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = binary.BigEndian.AppendUint64(b, r.Issued)
	b = binary.BigEndian.AppendUint16(b, uint16(index))
	sum := sha256.Sum256(append(b, leaf...))
	copy(h[:], sum[:])
	return h
}

func inner(l, r Hash) (h Hash) {
	sum := sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
	copy(h[:], sum[:])
	return h
}

// tree returns the levels of the padded tree from the leaves up to the row. Leaves that are not there are zero.
func tree(leaves []Hash) [][]Hash {
	level := make([]Hash, padded(len(leaves)))
	copy(level, leaves)
	levels := [][]Hash{level}
	for len(level) > rowLen(len(leaves)) {
		up := make([]Hash, len(level)/2)
		for i := range up {
			up[i] = inner(level[2*i], level[2*i+1])
		}
		levels, level = append(levels, up), up
	}
	return levels
}

// siblings returns the path of a leaf, bottom up, to the row.
func siblings(levels [][]Hash, index int) []Hash {
	var out []Hash
	for _, level := range levels[:len(levels)-1] {
		out = append(out, level[index^1])
		index /= 2
	}
	return out
}

// climb returns the node of the row that a leaf leads to, and its place there.
func climb(h Hash, index int, path []Hash) (Hash, int) {
	for _, s := range path {
		if index&1 == 0 {
			h = inner(h, s)
		} else {
			h = inner(s, h)
		}
		index /= 2
	}
	return h, index
}
