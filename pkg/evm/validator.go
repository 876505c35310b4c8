package evm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm/deposit"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/wire"
)

// ErrDeposited: the validator's key has a deposit already, and another would only be added to it.
var ErrDeposited = errors.New("the key has a deposit already")

// MaxLookBack is the most blocks that CheckDeposit looks through.
const MaxLookBack = proof.MaxLogBlocks

const maxPending = 64 << 20 // bytes of the pending deposits of a beacon state

// DepositRules returns the contract of the profile and the fork version that deposits are signed under.
func (c *Client) DepositRules() (contract Address, fork [4]byte, err error) {
	d := c.Profile.Chain.Deposit
	if d == nil {
		return contract, fork, fmt.Errorf("profile %s names no deposit contract: %w", c.Profile.Name, wire.ErrNotFound)
	}
	b, err := ParseHex(d.ForkVersion)
	if err != nil || len(b) != len(fork) {
		return contract, fork, wire.Invalid("fork_version %q", d.ForkVersion)
	}
	contract, err = ParseAddress(d.Contract)
	return contract, [4]byte(b), err
}

// DepositCheck says what CheckDeposit looked at: blocks From to To by proof, and what so many beacon servers say,
// which proves nothing.
type DepositCheck struct {
	From, To uint64
	Servers  int
	// Gas with which the contract takes the deposit, found by running it on proven state.
	Gas uint64
}

// CheckDeposit makes sure of all that can be known before the money moves: servers are of the profile's chain, the
// contract is there and takes the deposit from this sender, and no deposit of the key is in the queue, in the events
// of the last blocks, or known to a beacon server. That there is none in older blocks no light client can prove.
func (c *Client) CheckDeposit(ctx context.Context, q *queue.Queue, from Address, d *deposit.Data, blocks uint64) (out DepositCheck, err error) {
	contract, fork, err := c.DepositRules()
	if err != nil {
		return out, err
	}
	if err := d.Verify(fork); err != nil {
		return out, err
	}
	if h, ok := c.Head(); ok && d.Credentials[0] == 2 && c.fin.Spec.ForkAt(h.Slot) < light.Electra {
		return out, fmt.Errorf("the chain is in %v and knows credentials 0x02 from Electra on", c.fin.Spec.ForkAt(h.Slot))
	}
	for _, r := range c.RPCs {
		if err := c.CheckChain(ctx, r); err != nil {
			return out, fmt.Errorf("%s: %w", r.Name(), err)
		}
	}
	if err := queuedDeposit(q, contract, d.Pubkey); err != nil {
		return out, err
	}
	if out.From, out.To, err = c.deposits(ctx, contract, d.Pubkey, blocks); err != nil {
		return out, err
	}
	if out.Servers, err = c.knownValidator(ctx, d.Pubkey); err != nil {
		return out, err
	}
	if out.Servers == 0 && out.From > 0 {
		return out, fmt.Errorf("no beacon server says whether %v has an older deposit; name one with --beacon: %w", d.Pubkey, wire.ErrNotFound)
	}
	code, _, err := c.Code(ctx, contract, "latest")
	if err == nil && len(code) == 0 {
		err = fmt.Errorf("no contract stands at %v: money sent there is lost", contract)
	}
	if err != nil {
		return out, err
	}
	value := new(big.Int).Mul(new(big.Int).SetUint64(d.Amount), big.NewInt(deposit.Gwei))
	if out.Gas, _, err = c.Estimate(ctx, &Message{From: &from, To: &contract, Value: value, Data: d.Call()}, "latest"); err != nil {
		return out, fmt.Errorf("the deposit of %d ETH by %v would fail: %w", d.Amount/deposit.ETH, from, err)
	}
	return out, nil
}

// queuedDeposit looks for the key among transactions that were paid or may be.
func queuedDeposit(q *queue.Queue, contract Address, key deposit.Pubkey) error {
	for _, e := range q.Entries {
		switch e.State {
		case queue.Reverted, queue.Replaced, queue.Cancelled, queue.Expired:
			continue
		}
		if e.To == nil || *e.To != common.Address(contract) {
			continue
		}
		gwei := new(big.Int).Div(e.Value, big.NewInt(deposit.Gwei))
		if d, err := deposit.DecodeCall(e.Data, gwei.Uint64()); err == nil && d.Pubkey == key {
			return fmt.Errorf("entry %x of the queue is %v: %w", e.ID, e.State, ErrDeposited)
		}
	}
	return nil
}

// deposits looks through the events of the last blocks.
func (c *Client) deposits(ctx context.Context, contract Address, key deposit.Pubkey, blocks uint64) (from, to uint64, err error) {
	h, _, err := c.Heads()
	if err != nil {
		return 0, 0, err
	}
	if to = h.Number; to+1 > blocks {
		from = to + 1 - blocks
	}
	list, _, err := c.Logs(ctx, Tag(fmt.Sprint(from)), Tag(fmt.Sprint(to)), LogFilter{Addresses: []Address{contract}, Topics: [][]Hash{{Hash(deposit.Event())}}})
	if err != nil {
		return from, to, err
	}
	for _, l := range list {
		if d, n, err := deposit.DecodeEvent(l.Data); err == nil && d.Pubkey == key {
			return from, to, fmt.Errorf("deposit %d in block %d pays %d Gwei for %v: %w", n, l.Block, d.Amount, key, ErrDeposited)
		}
	}
	return from, to, nil
}

// knownValidator asks the beacon servers, and returns how many answered that they know none.
func (c *Client) knownValidator(ctx context.Context, key deposit.Pubkey) (n int, err error) {
	for _, s := range c.Sources {
		b, ok := s.(*Beacon)
		if !ok {
			continue
		}
		status, err := b.Validator(ctx, key)
		switch {
		case err != nil:
		case status != "":
			return n, fmt.Errorf("%s says that %v is %.40s: %w", b.URL, key, status, ErrDeposited)
		default:
			n++
		}
	}
	return n, nil
}

// Validator asks for the state of a validator: "" for one that the server does not know, "deposited" for one whose
// deposit waits. Nothing proves the answer.
func (b *Beacon) Validator(ctx context.Context, key deposit.Pubkey) (status string, err error) {
	body, _, err := b.get(ctx, "/eth/v1/beacon/states/head/validators?id="+key.String(), 1<<16)
	if err != nil {
		return "", err
	}
	var known struct {
		Data []struct {
			Status string `json:"status"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &known); err != nil || known.Data == nil {
		return "", wire.Invalid("no JSON")
	}
	if len(known.Data) > 0 {
		return cmp.Or(known.Data[0].Status, "known"), nil
	}
	body, _, err = b.get(ctx, "/eth/v1/beacon/states/head/pending_deposits", maxPending)
	if errors.Is(err, ErrNone) { // before Electra
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var pending struct {
		Data []struct {
			Pubkey string `json:"pubkey"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &pending); err != nil {
		return "", wire.Invalid("no JSON")
	}
	for _, p := range pending.Data {
		if strings.EqualFold(p.Pubkey, key.String()) {
			return "deposited", nil
		}
	}
	return "", nil
}
