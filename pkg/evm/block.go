package evm

import (
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pars-network/pars/pkg/evm/proof"
)

// Log is one event of a contract.
type Log struct {
	Block   uint64
	Tx      Hash
	Index   uint
	Address Address
	Topics  []Hash
	Data    []byte
}

// Receipt is what became of a transaction.
type Receipt struct {
	Tx       Hash
	Index    uint
	OK       bool // false: reverted
	GasUsed  uint64
	GasPrice *big.Int // wei, as paid
	Contract *Address // created by it
	Logs     []Log
}

func logOf(l *types.Log) Log {
	out := Log{Block: l.BlockNumber, Tx: Hash(l.TxHash), Index: l.Index, Address: Address(l.Address), Data: l.Data}
	for _, t := range l.Topics {
		out.Topics = append(out.Topics, Hash(t))
	}
	return out
}

func receiptOf(r *types.Receipt) Receipt {
	out := Receipt{Tx: Hash(r.TxHash), Index: r.TransactionIndex, OK: r.Status == types.ReceiptStatusSuccessful, GasUsed: r.GasUsed, GasPrice: r.EffectiveGasPrice}
	if r.ContractAddress != (common.Address{}) {
		a := Address(r.ContractAddress)
		out.Contract = &a
	}
	for _, l := range r.Logs {
		out.Logs = append(out.Logs, logOf(l))
	}
	return out
}

// Receipt finds a transaction in a verified block and proves what became of it. That there is none is ErrUnprovable.
func (c *Client) Receipt(ctx context.Context, tx Hash) (out Receipt, m Mark, err error) {
	var at *proof.Block
	m, err = c.under(ctx, "latest", func(ctx context.Context, a proof.Asker, tip *proof.Block) error {
		in, err := c.chain.Transaction(ctx, a, tip, common.Hash(tx))
		if err != nil {
			return err
		}
		rs, err := c.chain.Receipts(ctx, a, in.Body)
		if err != nil {
			return err
		}
		out, at = receiptOf(rs[in.Index]), in.Body.Block
		return nil
	})
	if err == nil {
		m = c.markOf(at, m)
	}
	return out, m, err
}

// markOf marks another block than the one that was asked for.
func (c *Client) markOf(b *proof.Block, m Mark) Mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.Block, m.Hash, m.Final = b.Num(), Hash(b.Hash), b.Num() <= c.final.Num()
	return m
}

// LogFilter chooses logs by address and topics; each is a list of alternatives, empty for any.
type LogFilter struct {
	Addresses []Address
	Topics    [][]Hash
}

func (f *LogFilter) core() *proof.Filter {
	out := &proof.Filter{}
	for _, a := range f.Addresses {
		out.Addresses = append(out.Addresses, common.Address(a))
	}
	for _, any := range f.Topics {
		var list []common.Hash
		for _, t := range any {
			list = append(list, common.Hash(t))
		}
		out.Topics = append(out.Topics, list)
	}
	return out
}

// Logs returns every log of the blocks from..to that matches, and proves that there are no others.
func (c *Client) Logs(ctx context.Context, from, to Tag, f LogFilter) (out []Log, m Mark, err error) {
	tip, final, _, err := c.heads()
	if err != nil {
		return nil, m, err
	}
	m, err = c.under(ctx, to, func(ctx context.Context, a proof.Asker, top *proof.Block) error {
		low, err := c.find(ctx, a, tip, final, from)
		if err != nil {
			return err
		}
		list, err := c.chain.Logs(ctx, a, top, low.Num(), top.Num(), f.core())
		out = nil
		for _, l := range list {
			out = append(out, logOf(l))
		}
		return err
	})
	return out, m, err
}
