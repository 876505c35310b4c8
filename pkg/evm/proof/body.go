package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/consensus/misc/eip4844"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"
)

const maxBody = 16 << 20

// Body is what a block holds, checked against the roots in its header.
type Body struct {
	Block       *Block
	Txs         types.Transactions
	Withdrawals types.Withdrawals
	// Size is the length of the block in RLP.
	Size uint64
}

// Body fetches the transactions and withdrawals of a block.
func (c *Chain) Body(ctx context.Context, a Asker, b *Block) (*Body, error) {
	var raw struct {
		Txs         []json.RawMessage `json:"transactions"`
		Withdrawals types.Withdrawals `json:"withdrawals"`
	}
	list, err := a.Ask(ctx, []Ask{{"eth_getBlockByHash", []any{b.Hash, true}}}, maxBody)
	if err != nil {
		return nil, err
	}
	full, err := header(list[0], b.Hash)
	if err != nil {
		return nil, err
	}
	c.keep(full)
	if err := list[0].into(&raw, "block"); err != nil {
		return nil, err
	}
	out := &Body{Block: full, Withdrawals: raw.Withdrawals}
	for i, t := range raw.Txs {
		tx := new(types.Transaction)
		if err := tx.UnmarshalJSON(t); err != nil {
			return nil, refuse("transaction %d: %v", i, err)
		}
		out.Txs = append(out.Txs, tx)
	}
	if types.DeriveSha(out.Txs, trie.NewListHasher()) != full.TxHash {
		return nil, refuse("transactions do not have the root of block %d", full.Num())
	}
	if full.WithdrawalsHash != nil && types.DeriveSha(out.Withdrawals, trie.NewListHasher()) != *full.WithdrawalsHash {
		return nil, refuse("withdrawals do not have the root of block %d", full.Num())
	}
	body := types.Body{Transactions: out.Txs}
	if full.WithdrawalsHash != nil {
		body.Withdrawals = out.Withdrawals
	}
	out.Size = types.NewBlockWithHeader(full.Header).WithBody(body).Size()
	return out, nil
}

// Receipts fetches all receipts of a block. Fields that no root covers are computed from those that one does.
func (c *Chain) Receipts(ctx context.Context, a Asker, body *Body) (types.Receipts, error) {
	b := body.Block
	rs, err := c.bareReceipts(ctx, a, b, body.Txs)
	if err != nil {
		return nil, err
	}
	if len(rs) != len(body.Txs) {
		return nil, refuse("%d receipts for %d transactions", len(rs), len(body.Txs))
	}
	var blobFee *big.Int
	if b.ExcessBlobGas != nil {
		blobFee = eip4844.CalcBlobFee(c.Config, b.Header)
	}
	if err := rs.DeriveFields(c.Config, b.Hash, b.Num(), b.Time, b.BaseFee, blobFee, body.Txs); err != nil {
		return nil, refuse("receipts: %v", err)
	}
	return rs, nil
}

// bareReceipts returns receipts whose root is that of the header. txs may be nil; without them a server that has no
// eth_getBlockReceipts cannot be asked in another way.
func (c *Chain) bareReceipts(ctx context.Context, a Asker, b *Block, txs types.Transactions) (types.Receipts, error) {
	list, err := a.Ask(ctx, []Ask{{"eth_getBlockReceipts", []any{b.Hash}}}, maxBody)
	if err != nil {
		return nil, err
	}
	var raw []json.RawMessage
	if list[0].Err != nil && txs != nil {
		raw, err = receiptsOneByOne(ctx, a, txs)
	} else {
		err = list[0].into(&raw, "eth_getBlockReceipts")
	}
	if err != nil {
		return nil, err
	}
	rs := make(types.Receipts, len(raw))
	for i, r := range raw {
		if rs[i], err = BareReceipt(r); err != nil {
			return nil, refuse("receipt %d: %v", i, err)
		}
	}
	if types.DeriveSha(rs, trie.NewListHasher()) != b.ReceiptHash {
		return nil, refuse("receipts do not have the root of block %d", b.Num())
	}
	return rs, nil
}

func receiptsOneByOne(ctx context.Context, a Asker, txs types.Transactions) ([]json.RawMessage, error) {
	if len(txs) == 0 {
		return nil, nil
	}
	var batch []Ask
	for _, tx := range txs {
		batch = append(batch, Ask{"eth_getTransactionReceipt", []any{tx.Hash()}})
	}
	list, err := a.Ask(ctx, batch, maxBody)
	if err != nil {
		return nil, err
	}
	raw := make([]json.RawMessage, len(list))
	for i, r := range list {
		if r.Err != nil || r.isNull() {
			return nil, fmt.Errorf("receipt %d: %w", i, ErrServer)
		}
		raw[i] = r.Result
	}
	return raw, nil
}

// BareReceipt reads a receipt as JSON-RPC has it, and takes only the fields that are under the root.
func BareReceipt(raw json.RawMessage) (*types.Receipt, error) {
	var j struct {
		Type       hexutil.Uint64 `json:"type"`
		Status     hexutil.Uint64 `json:"status"`
		Root       hexutil.Bytes  `json:"root"`
		Cumulative hexutil.Uint64 `json:"cumulativeGasUsed"`
		Bloom      hexutil.Bytes  `json:"logsBloom"`
		Logs       []struct {
			Address common.Address `json:"address"`
			Topics  []common.Hash  `json:"topics"`
			Data    hexutil.Bytes  `json:"data"`
		} `json:"logs"`
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&j); err != nil {
		return nil, err
	}
	if j.Type > 255 || len(j.Bloom) != types.BloomByteLength {
		return nil, fmt.Errorf("type or bloom of another size")
	}
	r := &types.Receipt{Type: uint8(j.Type), Status: uint64(j.Status), PostState: j.Root, CumulativeGasUsed: uint64(j.Cumulative), Bloom: types.BytesToBloom(j.Bloom)}
	if len(j.Root) == 0 {
		r.PostState = nil
	}
	for _, l := range j.Logs {
		r.Logs = append(r.Logs, &types.Log{Address: l.Address, Topics: l.Topics, Data: l.Data})
	}
	return r, nil
}

// Included is a transaction in a verified block.
type Included struct {
	Body  *Body
	Index int
}

// Tx is the transaction.
func (i *Included) Tx() *types.Transaction { return i.Body.Txs[i.Index] }

// Transaction finds a transaction on the chain of a head. The server tells the block; that there is none is
// ErrUnprovable.
func (c *Chain) Transaction(ctx context.Context, a Asker, head *Block, hash common.Hash) (*Included, error) {
	var at *struct {
		Block  *common.Hash    `json:"blockHash"`
		Number *hexutil.Uint64 `json:"blockNumber"`
	}
	if err := one(ctx, a, 1<<20, &at, "eth_getTransactionByHash", hash); err != nil {
		return nil, err
	}
	if at == nil || at.Block == nil || at.Number == nil {
		return nil, fmt.Errorf("that transaction %v is in no block: %w", hash, ErrUnprovable)
	}
	if n := uint64(*at.Number); n > head.Num() {
		return nil, fmt.Errorf("the server names block %d for transaction %v, the verified head is %d: %w", n, hash, head.Num(), ErrUnprovable)
	}
	b, err := c.contains(ctx, a, head, uint64(*at.Number), *at.Block)
	if err != nil {
		return nil, err
	}
	body, err := c.Body(ctx, a, b)
	if err != nil {
		return nil, err
	}
	for i, tx := range body.Txs {
		if tx.Hash() == hash {
			return &Included{body, i}, nil
		}
	}
	return nil, refuse("transaction %v is not in the block that the server names", hash)
}
