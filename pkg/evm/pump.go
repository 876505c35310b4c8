package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/evm/wallet"
)

const defaultTip = 1_000_000_000 // wei

// Pump brings the queue to where the verified chain puts it, signs drafts whose key is there, and sends what is due.
// The vault is saved before anything leaves. What a server says to a send is told in the entry and changes nothing.
func (c *Client) Pump(ctx context.Context, v *Vault) error {
	f, err := c.facts(ctx, v.Queue)
	if err != nil {
		return err
	}
	v.Queue.Step(f)
	var errs []error
	for _, e := range v.Queue.Entries {
		if e.State == queue.Draft {
			if err := c.signDraft(ctx, v, e, f); err != nil {
				e.Tell(err)
				errs = append(errs, fmt.Errorf("entry %x: %w", e.ID, err))
			}
		}
	}
	due := v.Queue.Due(f)
	raws := make([][]byte, len(due))
	for i, e := range due {
		raws[i] = v.Queue.Sending(e, f.Now)
	}
	if err := v.Save(); err != nil {
		return err
	}
	for i, e := range due {
		if _, err := c.Send(ctx, raws[i]); err != nil {
			e.Tell(err)
		}
	}
	if len(due) > 0 {
		errs = append(errs, v.Save())
	}
	return errors.Join(errs...)
}

func short(err error) string {
	s := err.Error()
	return s[:min(len(s), 300)]
}

// facts reads, under one head, all that the queue needs.
func (c *Client) facts(ctx context.Context, q *queue.Queue) (f *queue.Facts, err error) {
	_, err = c.At(ctx, "latest", func(ctx context.Context, v *View) error {
		f = &queue.Facts{Now: uint64(c.Now().Unix()), Head: v.Tip.Num(), Final: v.Final.Num(), BaseFee: v.Tip.BaseFee,
			Accounts: map[common.Address]queue.Account{}, Taken: map[[16]byte]queue.Taken{}}
		s := v.State()
		for _, e := range q.Entries {
			if _, ok := f.Accounts[e.From]; ok || e.State.Ended() {
				continue
			}
			acc, err := s.Account(ctx, e.From)
			if err != nil {
				return err
			}
			a := accountOf(acc)
			f.Accounts[e.From] = queue.Account{Nonce: a.Nonce, Balance: a.Balance}
		}
		for _, e := range q.NonceUsed(f.Accounts) {
			t, err := v.taker(ctx, q.Chain, e)
			if errors.Is(err, ErrUnprovable) {
				continue // unclear, and so never sent again
			}
			if err != nil {
				return err
			}
			f.Taken[e.ID] = t
		}
		return nil
	})
	return f, err
}

// taker finds the transaction that used an entry's nonce: one of its own where the server knows the block, else by
// cutting the blocks since the nonce was last seen free in halves, a proof of the nonce each.
func (v *View) taker(ctx context.Context, chain uint64, e *queue.Entry) (t queue.Taken, err error) {
	for i := len(e.Versions) - 1; i >= 0; i-- {
		s, err := wallet.DecodeTx(e.Versions[i].Raw, chain)
		if err != nil {
			return t, err
		}
		in, err := v.Chain.Transaction(ctx, v.Asker, v.Tip, s.Hash)
		if err == nil {
			return v.outcome(ctx, in)
		}
	}
	low, high := e.LowBlock, v.Tip.Num() // free at low, used at high
	for high > low+1 {
		mid := low + (high-low)/2
		b, err := v.Chain.Ancestor(ctx, v.Asker, v.Tip, mid)
		if err != nil {
			return t, err
		}
		acc, err := v.Chain.State(v.Asker, b).Account(ctx, e.From)
		if err != nil {
			return t, err
		}
		if accountOf(acc).Nonce > e.Nonce {
			high = mid
		} else {
			low = mid
		}
	}
	b, err := v.Chain.Ancestor(ctx, v.Asker, v.Tip, high)
	if err != nil {
		return t, err
	}
	body, err := v.Chain.Body(ctx, v.Asker, b)
	if err != nil {
		return t, err
	}
	signer := types.MakeSigner(v.Chain.Config, b.Number, b.Time)
	for i, tx := range body.Txs {
		if from, err := types.Sender(signer, tx); err == nil && from == e.From && tx.Nonce() == e.Nonce {
			return v.outcome(ctx, &proof.Included{Body: body, Index: i})
		}
	}
	return t, fmt.Errorf("what used nonce %d: %w", e.Nonce, ErrUnprovable)
}

func (v *View) outcome(ctx context.Context, in *proof.Included) (t queue.Taken, err error) {
	rs, err := v.Chain.Receipts(ctx, v.Asker, in.Body)
	if err != nil {
		return t, err
	}
	return queue.Taken{Tx: in.Tx().Hash(), Block: in.Body.Block.Num(), OK: rs[in.Index].Status == types.ReceiptStatusSuccessful}, nil
}

// signDraft gives an intent nonce, gas and fees of this head. The signed bytes are kept before they are sent.
func (c *Client) signDraft(ctx context.Context, v *Vault, e *queue.Entry, f *queue.Facts) error {
	k, err := v.Key((*Address)(&e.From))
	if err != nil {
		return err
	}
	gas := e.Gas
	if gas == 0 {
		from := Address(e.From)
		if gas, _, err = c.Estimate(ctx, &Message{From: &from, To: (*Address)(e.To), Data: e.Data, Value: e.Value}, "latest"); err != nil {
			return fmt.Errorf("it would fail: %w", err)
		}
		if gas > 21000 {
			gas += gas / 5 // the next block is another
		}
	}
	tip := big.NewInt(defaultTip)
	raw, err := k.Sign(v.Queue.Chain, wallet.Tx{Nonce: v.Queue.NextNonce(e.From, f.Accounts[e.From].Nonce), To: e.To, Value: e.Value, Data: e.Data,
		Gas: gas, MaxFee: maxFee(f.BaseFee, tip), Tip: tip})
	if err != nil {
		return err
	}
	if err := v.Queue.Sign(e, raw, false); err != nil {
		return err
	}
	e.LowBlock, e.Why = f.Final, ""
	return v.Save()
}

// Resign gives an entry under way another version with a tenth more of both fees, and at least what a draft would get
// where the base fee of the head is known (nil: it is not). It pays the same as the newest version; with cancel, or
// where that is a cancellation, nothing to oneself.
func (v *Vault) Resign(id [16]byte, cancel bool, base *big.Int) (*queue.Entry, error) {
	e, err := v.Queue.Find(id)
	if err != nil {
		return nil, err
	}
	if len(e.Versions) == 0 {
		return nil, fmt.Errorf("entry %x is not signed yet; drop it instead", id)
	}
	k, err := v.Key((*Address)(&e.From))
	if err != nil {
		return nil, err
	}
	last := e.Versions[len(e.Versions)-1]
	s, err := wallet.DecodeTx(last.Raw, v.Queue.Chain)
	if err != nil {
		return nil, err
	}
	t := s.Tx
	t.MaxFee, t.Tip = wallet.Bumped(t.MaxFee), wallet.Bumped(t.Tip)
	if base != nil {
		if now := maxFee(base, t.Tip); now.Cmp(t.MaxFee) > 0 {
			t.MaxFee = now
		}
	}
	if cancel = cancel || last.Cancel; cancel {
		t.To, t.Value, t.Data, t.Gas = &e.From, new(big.Int), nil, 21000
	}
	raw, err := k.Sign(v.Queue.Chain, t)
	if err != nil {
		return nil, err
	}
	if err := v.Queue.Sign(e, raw, cancel); err != nil {
		return nil, err
	}
	return e, v.Save()
}

// MaxFee is the most wei a unit of gas that a draft gets under a base fee.
func MaxFee(base *big.Int) *big.Int { return maxFee(base, big.NewInt(defaultTip)) }

// maxFee lets the base fee double before a transaction is stuck.
func maxFee(base, tip *big.Int) *big.Int {
	fee := new(big.Int).Lsh(base, 1)
	return fee.Add(fee, tip)
}
