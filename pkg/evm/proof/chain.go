package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	maxWalk    = 256  // parents followed one by one
	maxHistory = 8191 // EIP-2935
	maxRing    = 4096 + maxWalk
	walkBatch  = 64
	headerSize = 4 << 10 // JSON of one header
)

// FromExec builds the header that the beacon chain proves: all that a call and a proof need. The roots of
// transactions and withdrawals are left out, which the beacon chain hashes in another way; Full fetches them.
func FromExec(e *light.Exec, blobs bool) *types.Header {
	fee := slices.Clone(e.BaseFee[:])
	slices.Reverse(fee)
	h := &types.Header{ParentHash: common.Hash(e.Parent), Coinbase: common.Address(e.Recipient), Root: common.Hash(e.StateRoot),
		ReceiptHash: common.Hash(e.Receipts), Bloom: types.Bloom(e.Bloom), Difficulty: new(big.Int), Number: new(big.Int).SetUint64(e.Number),
		GasLimit: e.GasLimit, GasUsed: e.GasUsed, Time: e.Time, Extra: e.Extra, MixDigest: common.Hash(e.Randao), BaseFee: new(big.Int).SetBytes(fee)}
	if blobs {
		h.ExcessBlobGas, h.BlobGasUsed = &e.ExcessBlob, &e.BlobGas
	}
	return h
}

// Block is a verified header. Full tells whether it has all fields; Hash is right in any case.
type Block struct {
	*types.Header
	Hash common.Hash
	Full bool
}

// Num is the block's number.
func (b *Block) Num() uint64 { return b.Number.Uint64() }

// BlockOf is the block of a light-client header from Capella on.
func BlockOf(s *light.Spec, h *light.Header) *Block {
	return &Block{Header: FromExec(h.Exec, s.ForkAt(h.Beacon.Slot) >= light.Deneb), Hash: common.Hash(h.Exec.Hash)}
}

// Chain finds ancestors of a verified head. It keeps the headers it has checked. Safe for concurrent use.
type Chain struct {
	Config *params.ChainConfig
	Codes  Codes

	mu   sync.Mutex // guards by and rows
	by   map[common.Hash]*Block
	rows []common.Hash // in the order they came
}

func (c *Chain) keep(b *Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[common.Hash]*Block{}
	}
	if old := c.by[b.Hash]; old == nil {
		c.rows = append(c.rows, b.Hash)
	} else if old.Full && !b.Full {
		return
	}
	c.by[b.Hash] = b
	for len(c.rows) > maxRing {
		delete(c.by, c.rows[0])
		c.rows = c.rows[1:]
	}
}

func (c *Chain) known(h common.Hash) *Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[h]
}

// Full returns the header of a hash that is already believed, with all its fields.
func (c *Chain) Full(ctx context.Context, a Asker, hash common.Hash) (*Block, error) {
	if b := c.known(hash); b != nil && b.Full {
		return b, nil
	}
	list, err := a.Ask(ctx, []Ask{{"eth_getBlockByHash", []any{hash, false}}}, 1<<20)
	if err != nil {
		return nil, err
	}
	b, err := header(list[0], hash)
	if err != nil {
		return nil, err
	}
	c.keep(b)
	return b, nil
}

func header(a Answer, want common.Hash) (*Block, error) {
	if a.Err == nil && a.isNull() {
		return nil, fmt.Errorf("server does not have block %v: %w", want, ErrServer)
	}
	h := new(types.Header)
	if err := a.into(h, "header"); err != nil {
		return nil, err
	}
	if !h.Number.IsUint64() {
		return nil, refuse("block number")
	}
	if got := h.Hash(); got != want {
		return nil, refuse("header has hash %v, asked for %v", got, want)
	}
	return &Block{h, want, true}, nil
}

// Ancestor returns the block of a number at or below a verified head: from what is known, by parents, or by the
// history contract of EIP-2935. What lies deeper is ErrUnprovable.
func (c *Chain) Ancestor(ctx context.Context, a Asker, head *Block, number uint64) (*Block, error) {
	switch n := head.Num(); {
	case number > n:
		return nil, fmt.Errorf("block %d is after the head %d: %w", number, n, wire.ErrNotFound)
	case number == n:
		return head, nil
	}
	low := c.lowest(head, number) // follow what is known, for nothing
	if low.Num() == number {
		return low, nil
	}
	gap := head.Num() - number
	if c.Config.IsPrague(head.Number, head.Time) && low.Num()-number > 4 && gap <= maxHistory && gap > 0 {
		hash, err := c.historical(ctx, a, head, number)
		if err != nil {
			return nil, err
		}
		return c.Full(ctx, a, hash)
	}
	if low.Num()-number > maxWalk {
		return nil, fmt.Errorf("block %d is %d before the head, too deep for this chain: %w", number, gap, ErrUnprovable)
	}
	return c.walk(ctx, a, low, number)
}

// lowest follows known parents down to a number.
func (c *Chain) lowest(b *Block, number uint64) *Block {
	for b.Num() > number {
		p := c.known(b.ParentHash)
		if p == nil {
			return b
		}
		b = p
	}
	return b
}

// historical reads the hash of a block from the ring of the history contract.
func (c *Chain) historical(ctx context.Context, a Asker, head *Block, number uint64) (common.Hash, error) {
	s := c.State(a, head)
	v, err := s.Storage(ctx, params.HistoryStorageAddress, common.Hash(uint256.NewInt(number%maxHistory).Bytes32()))
	if err == nil && v == (common.Hash{}) {
		err = fmt.Errorf("the history contract does not know block %d: %w", number, ErrUnprovable)
	}
	return v, err
}

// walk follows parents from b, in batches by number whose links are checked.
func (c *Chain) walk(ctx context.Context, a Asker, b *Block, number uint64) (*Block, error) {
	for b.Num() > number {
		n := min(b.Num()-number, walkBatch)
		var batch []Ask
		for i := range n {
			batch = append(batch, Ask{"eth_getBlockByNumber", []any{hexutil.Uint64(b.Num() - 1 - i), false}})
		}
		list, err := a.Ask(ctx, batch, int(n)*64*headerSize)
		if err != nil {
			return nil, err
		}
		for _, answer := range list {
			p, err := header(answer, b.ParentHash)
			if err != nil {
				return nil, fmt.Errorf("parent of %d: %w", b.Num(), err)
			}
			if p.Num()+1 != b.Num() {
				return nil, refuse("parent of block %d has number %d", b.Num(), p.Num())
			}
			c.keep(p)
			b = p
		}
	}
	return b, nil
}

// Keep remembers a head, so that later ones find their way down to it.
func (c *Chain) Keep(b *Block) { c.keep(b) }

// State returns the state under a block.
func (c *Chain) State(a Asker, b *Block) *State {
	return &State{Ask: a, Block: b.Hash, Root: b.Root, Codes: &c.Codes}
}

// HashAt is Engine.Hash for messages run on a block: BLOCKHASH sees its 256 ancestors.
func (c *Chain) HashAt(a Asker, b *Block) func(context.Context, uint64) (common.Hash, error) {
	return func(ctx context.Context, n uint64) (common.Hash, error) {
		if n >= b.Num() || b.Num()-n > maxWalk {
			return common.Hash{}, nil // what the chain itself says
		}
		anc, err := c.Ancestor(ctx, a, b, n)
		if err != nil {
			return common.Hash{}, err
		}
		return anc.Hash, nil
	}
}

// contains reports whether a block lies on the chain of a head.
func (c *Chain) contains(ctx context.Context, a Asker, head *Block, number uint64, hash common.Hash) (*Block, error) {
	b, err := c.Ancestor(ctx, a, head, number)
	if err != nil {
		return nil, err
	}
	if b.Hash != hash {
		return nil, refuse("block %v is not on the verified chain, which has %v at %d", hash, b.Hash, number)
	}
	return b, nil
}

// ByHash returns the verified block of a hash, found by the number that the server tells for it.
func (c *Chain) ByHash(ctx context.Context, a Asker, head *Block, hash common.Hash) (*Block, error) {
	if hash == head.Hash {
		return head, nil
	}
	var raw json.RawMessage
	if err := one(ctx, a, 1<<20, &raw, "eth_getBlockByHash", hash, false); err != nil {
		return nil, err
	}
	if string(raw) == "null" {
		return nil, fmt.Errorf("that there is no block %v: %w", hash, ErrUnprovable)
	}
	b, err := header(Answer{Result: raw}, hash)
	if err != nil {
		return nil, err
	}
	if _, err := c.contains(ctx, a, head, b.Num(), hash); err != nil {
		return nil, err
	}
	c.keep(b)
	return b, nil
}
