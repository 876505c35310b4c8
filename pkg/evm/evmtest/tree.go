package evmtest

import (
	"crypto/sha256"

	"github.com/pars-network/pars/pkg/evm/light"
)

// tree is a sparse Merkle tree: leaves at generalised indices, zero elsewhere.
type tree map[int]light.Root

func (t tree) node(g int) light.Root {
	if r, ok := t[g]; ok {
		return r
	}
	if !t.below(g) {
		return light.Root{}
	}
	l, r := t.node(2*g), t.node(2*g+1)
	return sha256.Sum256(append(l[:], r[:]...))
}

func (t tree) below(g int) bool {
	for leaf := range t {
		for ; leaf > g; leaf /= 2 {
		}
		if leaf == g {
			return true
		}
	}
	return false
}

func (t tree) branch(g int) (out []light.Root) {
	for ; g > 1; g /= 2 {
		out = append(out, t.node(g^1))
	}
	return out
}
