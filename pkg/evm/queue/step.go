package queue

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm/wallet"
)

// Facts are verified, all under one head.
type Facts struct {
	Now     uint64 // Unix seconds
	Head    uint64 // block number
	Final   uint64
	BaseFee *big.Int
	// Accounts holds balance and nonce by proof of each address in the queue.
	Accounts map[common.Address]Account
	// Taken holds, for entries whose nonce is used, the transaction that used it; none where it could not be found.
	Taken map[[16]byte]Taken
}

// Account by proof.
type Account struct {
	Nonce   uint64
	Balance *big.Int
}

// Taken is the transaction in a verified block that used a nonce.
type Taken struct {
	Tx    common.Hash
	Block uint64
	OK    bool // not reverted
}

// NonceUsed lists the entries whose taker is wanted in Facts.Taken: their nonce is below the account's.
func (q *Queue) NonceUsed(accounts map[common.Address]Account) []*Entry {
	var out []*Entry
	for _, e := range q.Entries {
		if a, ok := accounts[e.From]; ok && len(e.Versions) > 0 && !e.State.Ended() && a.Nonce > e.Nonce {
			out = append(out, e)
		}
	}
	return out
}

// Step brings every entry to where the facts put it.
func (q *Queue) Step(f *Facts) {
	for _, e := range q.Entries {
		acc, ok := f.Accounts[e.From]
		if e.State.Ended() || !ok {
			continue
		}
		switch {
		case len(e.Versions) == 0:
			q.draft(e, f)
		case acc.Nonce > e.Nonce:
			q.taken(e, f)
		default:
			q.free(e, acc, f)
		}
	}
}

func (q *Queue) draft(e *Entry, f *Facts) {
	if e.ValidUntil != 0 && f.Now > e.ValidUntil {
		e.State, e.Why = Expired, "its time passed before it was signed"
	}
}

// taken: the nonce is used under the verified head.
func (q *Queue) taken(e *Entry, f *Facts) {
	t, ok := f.Taken[e.ID]
	if !ok {
		e.State, e.Why = Unclear, "the nonce is used, and by what could not be proven; it is not sent again"
		return
	}
	e.Block, e.Tx, e.Why = t.Block, common.Hash{}, ""
	final := t.Block <= f.Final
	for _, v := range e.Versions {
		if v.hash() != t.Tx {
			continue
		}
		e.Tx = t.Tx
		switch {
		case !final:
			e.State = Included
		case v.Cancel:
			e.State = Cancelled
		case t.OK:
			e.State = Final
		default:
			e.State, e.Why = Reverted, "it is in a final block and the contract failed"
		}
		return
	}
	if final {
		e.State, e.Why = Replaced, fmt.Sprintf("transaction %v of this address has the nonce", t.Tx)
		return
	}
	if e.State = Sent; e.Attempts == 0 {
		e.State = Signed
	}
	e.Why = fmt.Sprintf("transaction %v of this address has the nonce, in a block that is not final", t.Tx)
}

// free: the nonce is not used under the verified head. A block that held it was undone.
func (q *Queue) free(e *Entry, acc Account, f *Facts) {
	if e.State == Included || e.State == Unclear {
		e.State, e.LastSent = Sent, 0
	}
	e.Block, e.Tx, e.LowBlock, e.Why = 0, common.Hash{}, f.Final, "" // free at the head, so at the final block, which stays
	if e.ValidUntil != 0 && f.Now > e.ValidUntil {
		if e.State == Signed && e.Attempts == 0 {
			e.State, e.Why = Expired, "its time passed before it left this device"
			return
		}
		e.Why = "its time passed and it is not sent any more, but it can still be included; cancel it to be sure"
		return
	}
	s, err := wallet.DecodeTx(e.Versions[len(e.Versions)-1].Raw, q.Chain)
	switch {
	case err != nil:
		e.Why = err.Error()
	case e.Nonce > acc.Nonce && !q.covers(e.From, acc.Nonce, e.Nonce):
		e.Why = fmt.Sprintf("waits for a transaction with nonce %d, which is not here", acc.Nonce)
	case f.BaseFee != nil && s.MaxFee.Cmp(f.BaseFee) < 0:
		e.Why = fmt.Sprintf("pays at most %v wei a unit of gas, the chain asks %v; bump it", s.MaxFee, f.BaseFee)
	case acc.Balance != nil && acc.Balance.Cmp(s.Cost) < 0:
		e.Why = fmt.Sprintf("may cost %v wei, the account has %v", s.Cost, acc.Balance)
	}
}

// covers reports that entries under way use every nonce from one on below another.
func (q *Queue) covers(from common.Address, low, high uint64) bool {
	have := map[uint64]bool{}
	for _, e := range q.Entries {
		if e.From == from && len(e.Versions) > 0 && !e.State.Ended() {
			have[e.Nonce] = true
		}
	}
	for ; low < high; low++ {
		if !have[low] {
			return false
		}
	}
	return true
}

// Due lists what is to be sent now, in the order of its nonce. Call Sending for each, commit the queue, then send.
func (q *Queue) Due(f *Facts) []*Entry {
	var out []*Entry
	for _, e := range q.Entries {
		acc, ok := f.Accounts[e.From]
		late := e.ValidUntil != 0 && f.Now > e.ValidUntil
		if ok && (e.State == Signed || e.State == Sent) && acc.Nonce <= e.Nonce && !late && (f.Now < e.LastSent || f.Now-e.LastSent >= Again) { // a clock set back holds up nothing
			out = append(out, e)
		}
	}
	sortByNonce(out)
	return out
}

// Sending marks an entry before its bytes leave, and returns them.
func (q *Queue) Sending(e *Entry, now uint64) []byte {
	e.State, e.LastSent = Sent, now
	e.Attempts++
	return e.Versions[len(e.Versions)-1].Raw
}
