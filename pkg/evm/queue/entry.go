package queue

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/wire"
)

// State of an entry.
type State uint8

// The states. From Included on back to Sent is possible by a reorg; Final, Reverted, Replaced, Cancelled and Expired end.
const (
	Draft     State = iota // an intent without a nonce
	Signed                 // bytes exist and have not left this device
	Sent                   // they may have
	Included               // in a verified block that is not final
	Final                  // in a final one
	Reverted               // final, and the contract failed
	Replaced               // another transaction has the nonce, finally
	Cancelled              // the own cancellation has it, finally
	Expired                // its time passed before it left this device
	Unclear                // the nonce is taken and it is not known by what; never sent again
)

func names() []string {
	return []string{"draft", "signed", "sent", "included", "final", "reverted", "replaced", "cancelled", "expired", "unclear"}
}

func (s State) String() string {
	if n := names(); int(s) < len(n) {
		return n[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Ended reports that nothing can happen to an entry any more.
func (s State) Ended() bool {
	return s == Final || s == Reverted || s == Replaced || s == Cancelled || s == Expired
}

const (
	maxEntries  = 256
	maxVersions = 8
	// MaxOut is how many transactions of one address may be under way.
	MaxOut = 16
	// Again is after how many seconds the bytes are sent once more.
	Again = 600
)

// Version is one set of bytes for an entry's nonce.
type Version struct {
	Raw    []byte
	Cancel bool // pays nothing, to oneself
}

// Entry is one transaction on its way.
type Entry struct {
	ID         [16]byte
	From       common.Address
	To         *common.Address
	Value      *big.Int
	Data       []byte
	Gas        uint64 // 0: estimated when it is signed
	Presigned  bool   // came as bytes: it is never signed anew
	ValidUntil uint64 // Unix seconds; 0: for ever. It stops the sending; the chain knows no such thing
	State      State
	Nonce      uint64 // once signed
	Versions   []Version
	Attempts   uint64
	LastSent   uint64 // Unix seconds
	LowBlock   uint64 // newest verified block under which the nonce was still free
	Block      uint64 // that holds it
	Tx         common.Hash
	Why        string // what keeps it, for a person
}

// Hash of a version.
func (v *Version) hash(chain uint64) common.Hash {
	s, err := wallet.DecodeTx(v.Raw, chain)
	if err != nil {
		return common.Hash{}
	}
	return s.Hash
}

// Queue is all entries for one chain. The zero value with Chain set is empty. It is not safe for concurrent use.
type Queue struct {
	Chain   uint64
	Entries []*Entry
}

// Find returns the entry of an id.
func (q *Queue) Find(id [16]byte) (*Entry, error) {
	for _, e := range q.Entries {
		if e.ID == id {
			return e, nil
		}
	}
	return nil, fmt.Errorf("no entry %x: %w", id, wire.ErrNotFound)
}

func (q *Queue) room() error {
	q.Entries = slices.Clip(q.Entries)
	if len(q.Entries) >= maxEntries {
		return fmt.Errorf("the queue holds %d transactions; drop some that have ended", len(q.Entries))
	}
	return nil
}

// Add puts an intent at the end: it gets nonce, fees and signature when a verified head is there.
func (q *Queue) Add(e *Entry) error {
	if e.Value == nil || e.Value.Sign() < 0 || e.Value.BitLen() > 256 || len(e.Data) > wallet.MaxRaw {
		return wire.Invalid("value or data of the transaction")
	}
	if err := q.room(); err != nil {
		return err
	}
	e.State, e.Presigned, e.Versions = Draft, false, nil
	q.Entries = append(q.Entries, e)
	return nil
}

// AddRaw puts signed bytes at the end. Bytes that are there already change nothing.
func (q *Queue) AddRaw(id [16]byte, raw []byte, until uint64) (*Entry, error) {
	s, err := wallet.DecodeTx(raw, q.Chain)
	if err != nil {
		return nil, err
	}
	for _, e := range q.Entries {
		for _, v := range e.Versions {
			if v.hash(q.Chain) == s.Hash {
				return e, nil
			}
		}
		if e.From == s.From && len(e.Versions) > 0 && e.Nonce == s.Nonce && !e.State.Ended() {
			return nil, fmt.Errorf("entry %x has nonce %d of %v already", e.ID, s.Nonce, s.From)
		}
	}
	if err := q.room(); err != nil {
		return nil, err
	}
	e := &Entry{ID: id, From: s.From, To: s.To, Value: s.Value, Data: s.Data, Gas: s.Gas, Presigned: true, ValidUntil: until, State: Signed, Nonce: s.Nonce, Versions: []Version{{Raw: raw}}}
	q.Entries = append(q.Entries, e)
	return e, nil
}

// NextNonce is the first that is neither used under the verified head nor by an entry.
func (q *Queue) NextNonce(from common.Address, chain uint64) uint64 {
	used := map[uint64]bool{}
	for _, e := range q.Entries {
		if e.From == from && len(e.Versions) > 0 && e.State != Expired {
			used[e.Nonce] = true
		}
	}
	for used[chain] {
		chain++
	}
	return chain
}

// out counts the transactions of an address that are under way.
func (q *Queue) out(from common.Address) int {
	n := 0
	for _, e := range q.Entries {
		if e.From == from && len(e.Versions) > 0 && !e.State.Ended() {
			n++
		}
	}
	return n
}

// Sign gives an intent its nonce and bytes, or an entry under way another version with the same nonce.
func (q *Queue) Sign(e *Entry, raw []byte, cancel bool) error {
	s, err := wallet.DecodeTx(raw, q.Chain)
	switch {
	case err != nil:
		return err
	case s.From != e.From:
		return wire.Invalid("signed by %v, the entry is of %v", s.From, e.From)
	case e.State.Ended() || e.State == Unclear:
		return fmt.Errorf("entry %x is %v and is not signed again", e.ID, e.State)
	case len(e.Versions) >= maxVersions:
		return fmt.Errorf("entry %x has %d versions; wait for one of them", e.ID, len(e.Versions))
	case e.Presigned && !cancel:
		return fmt.Errorf("entry %x came signed and is not signed again", e.ID)
	case len(e.Versions) > 0 && s.Nonce != e.Nonce:
		return wire.Invalid("version has nonce %d, the entry %d: both could be paid", s.Nonce, e.Nonce)
	}
	if len(e.Versions) == 0 {
		if q.out(e.From) >= MaxOut {
			return fmt.Errorf("%d transactions of %v are under way; wait for some", MaxOut, e.From)
		}
		if q.NextNonce(e.From, s.Nonce) != s.Nonce {
			return wire.Invalid("nonce %d is used by another entry", s.Nonce)
		}
		e.State, e.Nonce = Signed, s.Nonce
	}
	e.Versions = append(e.Versions, Version{raw, cancel})
	e.LastSent = 0 // it goes out at once
	return nil
}

// Drop forgets an entry that can do no harm: one that ended, or never left this device.
func (q *Queue) Drop(id [16]byte) error {
	e, err := q.Find(id)
	if err != nil {
		return err
	}
	if !e.State.Ended() && e.State != Draft && e.State != Signed {
		return fmt.Errorf("entry %x is %v: its bytes left this device and can be paid at any time; cancel it instead", id, e.State)
	}
	q.Entries = slices.DeleteFunc(q.Entries, func(x *Entry) bool { return x.ID == id })
	return nil
}

// Hash is that of the transaction which was included, or of the newest version; false for a draft.
func (e *Entry) Hash(chain uint64) (common.Hash, bool) {
	switch {
	case e.Tx != common.Hash{}:
		return e.Tx, true
	case len(e.Versions) == 0:
		return common.Hash{}, false
	}
	return e.Versions[len(e.Versions)-1].hash(chain), true
}
