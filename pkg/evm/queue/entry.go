package queue

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

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
	maxEntries = 256
	// maxVersions of an entry; the last quarter is kept for cancellations.
	maxVersions = 16
	maxPayments = 12
	// maxWhy is the most bytes of Entry.Why.
	maxWhy = 512
	// perEntry is more than an entry takes beside its data and versions, and reserve what cancellations may take.
	perEntry, reserve = 1024, 2 << 20
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
	LastSent   uint64      // Unix seconds
	LowBlock   uint64      // newest final block under which the nonce was still free
	Block      uint64      // that holds what took the nonce
	Tx         common.Hash // the version that was included
	Why        string      // what keeps it, for a person
}

// hash of a version, as the chain tells it: that of the bytes, for each type of transaction.
func (v *Version) hash() common.Hash { return crypto.Keccak256Hash(v.Raw) }

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

// room refuses what could not be read back: DecodeQueue takes no more than it says.
func (q *Queue) room(entries, bytes int) error {
	q.Entries = slices.Clip(q.Entries)
	for _, e := range q.Entries {
		entries, bytes = entries+1, bytes+perEntry+len(e.Data)
		for _, v := range e.Versions {
			bytes += len(v.Raw) + 16
		}
	}
	if entries > maxEntries || bytes > MaxSize-reserve {
		return fmt.Errorf("the queue is full: %d transactions of %d bytes; drop some that have ended", len(q.Entries), bytes)
	}
	return nil
}

// Add puts an intent at the end: it gets nonce, fees and signature when a verified head is there.
func (q *Queue) Add(e *Entry) error {
	if e.Value == nil || e.Value.Sign() < 0 || e.Value.BitLen() > 256 || len(e.Data) > wallet.MaxRaw {
		return wire.Invalid("value or data of the transaction")
	}
	if err := q.room(1, perEntry+2*len(e.Data)); err != nil { // it is signed later
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
			if bytes.Equal(v.Raw, raw) {
				return e, nil
			}
		}
		if e.From == s.From && len(e.Versions) > 0 && e.Nonce == s.Nonce && !e.State.Ended() {
			return nil, fmt.Errorf("entry %x has nonce %d of %v already", e.ID, s.Nonce, s.From)
		}
	}
	if err := q.room(1, perEntry+len(s.Data)+len(raw)); err != nil {
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
	case len(e.Versions) >= maxVersions || !cancel && len(e.Versions) >= maxPayments:
		return fmt.Errorf("entry %x has %d versions; wait for one of them, or cancel it", e.ID, len(e.Versions))
	case e.Presigned && !cancel:
		return fmt.Errorf("entry %x came signed and is not signed again", e.ID)
	case cancel && (len(e.Versions) == 0 || s.To == nil || *s.To != e.From || s.Value.Sign() != 0 || len(s.Data) > 0):
		return wire.Invalid("a cancellation pays nothing to its sender, in place of another version")
	case !cancel && !e.pays(s):
		return wire.Invalid("the version does not pay what the entry says")
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
	}
	if err := q.room(0, len(raw)); !cancel && err != nil {
		return err
	}
	if len(e.Versions) == 0 {
		e.State, e.Nonce = Signed, s.Nonce
	}
	e.Versions = append(e.Versions, Version{raw, cancel})
	e.LastSent = 0 // it goes out at once
	return nil
}

// pays reports that a version does what the entry is for.
func (e *Entry) pays(s *wallet.Signed) bool {
	same := (s.To == nil) == (e.To == nil) && (s.To == nil || *s.To == *e.To)
	return same && s.Value.Cmp(e.Value) == 0 && bytes.Equal(s.Data, e.Data)
}

// Tell sets Why to what an error says, cut to what can be kept: a server may have put anything into it.
func (e *Entry) Tell(err error) {
	s := strings.ToValidUTF8(err.Error(), "?")
	if len(s) > maxWhy {
		s = strings.ToValidUTF8(s[:maxWhy], "")
	}
	e.Why = s
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
func (e *Entry) Hash() (common.Hash, bool) {
	switch {
	case e.Tx != common.Hash{}:
		return e.Tx, true
	case len(e.Versions) == 0:
		return common.Hash{}, false
	}
	return e.Versions[len(e.Versions)-1].hash(), true
}
