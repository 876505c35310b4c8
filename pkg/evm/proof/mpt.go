package proof

import (
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/holiman/uint256"
)

const (
	maxNodes    = 64
	maxNodeSize = 1 << 10
)

var errNoNode = errors.New("no node")

// nodes are keyed by their own hash: trie.VerifyProof believes the keys of what it reads from.
type nodes struct {
	by   map[common.Hash][]byte
	used int
}

// Has reports whether a node of that hash was sent.
func (n *nodes) Has(key []byte) (bool, error) {
	_, ok := n.by[common.BytesToHash(key)]
	return ok, nil
}

// Get returns a node by its hash.
func (n *nodes) Get(key []byte) ([]byte, error) {
	b, ok := n.by[common.BytesToHash(key)]
	if !ok {
		return nil, errNoNode
	}
	n.used++
	return b, nil
}

// VerifyMPT returns the value of a key below root, nil where the proof shows that there is none. key is hashed here.
// A node that is not on the way is refused, but for those so small that they also stand inside another.
func VerifyMPT(root common.Hash, key []byte, list [][]byte) ([]byte, error) {
	if root == types.EmptyRootHash {
		return nil, nil // proves every absence
	}
	if len(list) == 0 || len(list) > maxNodes {
		return nil, refuse("proof of %d nodes", len(list))
	}
	db, large := &nodes{by: make(map[common.Hash][]byte, len(list))}, 0
	for _, b := range list {
		if len(b) > maxNodeSize {
			return nil, refuse("proof node of %d bytes", len(b))
		}
		if len(b) >= 32 {
			large++
		}
		db.by[crypto.Keccak256Hash(b)] = b
	}
	v, err := trie.VerifyProof(root, crypto.Keccak256(key), db)
	if err != nil {
		return nil, refuse("%v", err)
	}
	if large > db.used {
		return nil, refuse("proof has %d nodes, %d lead to the key", len(list), db.used)
	}
	return v, nil
}

// account is what a proof shows of an address; nil is proven absent.
func verifyAccount(root common.Hash, addr common.Address, list [][]byte) (*types.StateAccount, error) {
	v, err := VerifyMPT(root, addr[:], list)
	if err != nil || v == nil {
		return nil, err
	}
	acc := new(types.StateAccount)
	if err := rlp.DecodeBytes(v, acc); err != nil {
		return nil, refuse("account %v: %v", addr, err)
	}
	return acc, nil
}

func verifySlot(root, slot common.Hash, list [][]byte) (common.Hash, error) {
	v, err := VerifyMPT(root, slot[:], list)
	if err != nil || v == nil {
		return common.Hash{}, err
	}
	var n []byte
	if err := rlp.DecodeBytes(v, &n); err != nil || len(n) > 32 {
		return common.Hash{}, refuse("storage value is no number of 256 bits")
	}
	return common.Hash(new(uint256.Int).SetBytes(n).Bytes32()), nil
}
