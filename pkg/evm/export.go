package evm

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/wire"
)

const proofType = "pars-evm-proof/1"

// MaxProofFile is the largest proof file in bytes.
const MaxProofFile = 4 << 20

// ProofFile is an account, and words of its storage, with all that proves them but the committee, which the reader
// knows. Whoever follows the same chain can check it without a network.
type ProofFile struct {
	Type    string          `json:"type"`
	Chain   hexutil.Bytes   `json:"chain"`  // light.Spec.ID
	Update  hexutil.Bytes   `json:"update"` // as Finality.Verify takes it
	Block   common.Hash     `json:"block_hash"`
	Address common.Address  `json:"address"`
	Account []hexutil.Bytes `json:"account_proof"`
	Storage []StorageProof  `json:"storage_proof"`
}

// StorageProof is the proof of one word.
type StorageProof struct {
	Slot  common.Hash     `json:"slot"`
	Proof []hexutil.Bytes `json:"proof"`
}

// Proven is what a proof file shows.
type Proven struct {
	Address Address
	Account Account
	Slots   []Hash
	Values  []Hash
	Mark
}

// Prove makes a proof file for an account at the latest or the final head.
func (c *Client) Prove(ctx context.Context, addr Address, slots []Hash, tag Tag) ([]byte, Mark, error) {
	out := ProofFile{Type: proofType, Address: common.Address(addr)}
	m, err := c.under(ctx, tag, func(ctx context.Context, a proof.Asker, b *proof.Block) error {
		c.mu.Lock()
		update, id := c.proofs[Hash(b.Hash)], c.fin.Spec.ID()
		c.mu.Unlock()
		if update == nil {
			return fmt.Errorf("block %d is no head that a committee signed; use latest or finalized: %w", b.Num(), wire.ErrNotFound)
		}
		out.Chain, out.Update, out.Block = id[:], update, b.Hash
		list := make([]common.Hash, len(slots))
		for i, s := range slots {
			list[i] = common.Hash(s)
		}
		acc, words, err := c.chain.State(a, b).Proof(ctx, common.Address(addr), list)
		if err != nil {
			return err
		}
		out.Account, out.Storage = acc, make([]StorageProof, len(slots))
		for i, w := range words {
			out.Storage[i] = StorageProof{list[i], w}
		}
		return nil
	})
	if err != nil {
		return nil, m, err
	}
	b, err := json.Marshal(out)
	return append(b, '\n'), m, err
}

// DecodeProofFile reads a file that Prove wrote. Nothing of it is checked yet.
func DecodeProofFile(b []byte) (*ProofFile, error) {
	var f ProofFile
	if len(b) > MaxProofFile || json.Unmarshal(b, &f) != nil || f.Type != proofType || len(f.Update) == 0 {
		return nil, wire.Invalid("no proof file of type %s", proofType)
	}
	return &f, nil
}

// Check verifies a proof file with what is known here, and asks nobody.
func (c *Client) Check(f *ProofFile) (out Proven, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := c.fin.Spec.ID(); string(f.Chain) != string(id[:]) {
		return out, wire.Invalid("the proof belongs to another chain")
	}
	if !c.fin.Begun() {
		return out, ErrNoCheckpoint
	}
	u, err := c.fin.decode(light.Kind(f.Update[0]), f.Update[1:])
	if err != nil {
		return out, err
	}
	if u.Signers() < c.fin.Threshold {
		return out, wire.Invalid("%d signers, at least %d", u.Signers(), c.fin.Threshold)
	}
	if err := c.fin.store.Proves(u, c.fin.Spec.SlotAt(c.Now().Add(early).UnixMilli())); err != nil {
		return out, err
	}
	h := headerOf(u, f.Block)
	if h == nil {
		return out, wire.Invalid("the update does not prove block %v", f.Block)
	}
	b := proof.BlockOf(c.fin.Spec, h)
	acc, words, err := f.values(b.Root)
	if err != nil {
		return out, err
	}
	out = Proven{Address: Address(f.Address), Account: accountOf(acc), Mark: Mark{Block: b.Num(), Hash: Hash(b.Hash), Final: h == &u.Finalized, Weak: c.fin.Weak}}
	if age := c.Now().Sub(time.Unix(c.fin.Spec.TimeOf(h.Beacon.Slot), 0)); age > MaxAge {
		out.Age = age
	}
	for i, s := range f.Storage {
		out.Slots, out.Values = append(out.Slots, Hash(s.Slot)), append(out.Values, Hash(words[i]))
	}
	return out, nil
}

func (f *ProofFile) values(root common.Hash) (*types.StateAccount, []common.Hash, error) {
	slots, proofs := make([]common.Hash, len(f.Storage)), make([][]hexutil.Bytes, len(f.Storage))
	for i, s := range f.Storage {
		slots[i], proofs[i] = s.Slot, s.Proof
	}
	return proof.Check(root, f.Address, f.Account, slots, proofs)
}
