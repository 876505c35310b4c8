package queue

import (
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	version = 1
	// MaxSize is the most bytes of an encoded queue.
	MaxSize = 16 << 20
)

func sortByNonce(list []*Entry) {
	slices.SortStableFunc(list, func(a, b *Entry) int {
		switch {
		case a.Nonce < b.Nonce:
			return -1
		case a.Nonce > b.Nonce:
			return 1
		}
		return 0
	})
}

// Encode writes canonical CBOR: [1, chain, [entry…]], an entry being an array of its fields in their order.
func (q *Queue) Encode() []byte {
	b := wire.AppendUint(wire.AppendUint(wire.AppendArray(nil, 3), version), q.Chain)
	b = wire.AppendArray(b, len(q.Entries))
	for _, e := range q.Entries {
		b = wire.AppendBytes(wire.AppendArray(b, 17), e.ID[:])
		b = wire.AppendBytes(b, e.From[:])
		var to []byte
		if e.To != nil {
			to = e.To[:]
		}
		b = wire.AppendBytes(wire.AppendBytes(b, to), e.Value.Bytes())
		b = wire.AppendUint(wire.AppendBytes(b, e.Data), e.Gas)
		pre := uint64(0)
		if e.Presigned {
			pre = 1
		}
		for _, n := range []uint64{pre, e.ValidUntil, uint64(e.State), e.Nonce, e.Attempts, e.LastSent, e.LowBlock, e.Block} {
			b = wire.AppendUint(b, n)
		}
		b = wire.AppendText(wire.AppendBytes(b, e.Tx[:]), e.Why)
		b = wire.AppendArray(b, 2*len(e.Versions))
		for _, v := range e.Versions {
			cancel := uint64(0)
			if v.Cancel {
				cancel = 1
			}
			b = wire.AppendUint(wire.AppendBytes(b, v.Raw), cancel)
		}
	}
	return b
}

// DecodeQueue reads what Encode wrote. The signed bytes in it are checked against the chain.
func DecodeQueue(b []byte) (*Queue, error) {
	if len(b) > MaxSize {
		return nil, wire.Invalid("queue of %d bytes", len(b))
	}
	d := wire.NewDecoder(b)
	q := &Queue{}
	if n := d.Array(3); n != 3 {
		d.Fail(wire.Invalid("queue"))
	}
	if v := d.Uint(1 << 32); v != version {
		d.Fail(wire.Invalid("queue of version %d", v))
	}
	q.Chain = d.Uint(1<<64 - 1)
	for range d.Array(maxEntries) {
		if d.Err() != nil {
			break
		}
		q.Entries = append(q.Entries, q.entry(d))
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return q, nil
}

func (q *Queue) entry(d *wire.Decoder) *Entry {
	if n := d.Array(17); n != 17 {
		d.Fail(wire.Invalid("entry of %d fields", n))
	}
	e := &Entry{}
	d.Fixed(e.ID[:])
	d.Fixed(e.From[:])
	if to := d.Bytes(0, 20); len(to) == 20 {
		a := common.Address(to)
		e.To = &a
	} else if len(to) != 0 {
		d.Fail(wire.Invalid("receiver of %d bytes", len(to)))
	}
	value := d.Bytes(0, 32)
	if len(value) > 0 && value[0] == 0 {
		d.Fail(wire.Invalid("value with a leading zero"))
	}
	e.Value = new(big.Int).SetBytes(value)
	e.Data = slices.Clone(d.Bytes(0, wallet.MaxRaw))
	e.Gas, e.Presigned = d.Uint(1<<64-1), d.Uint(1) == 1
	e.ValidUntil, e.State = d.Uint(1<<64-1), State(d.Uint(uint64(Unclear)))
	for _, n := range []*uint64{&e.Nonce, &e.Attempts, &e.LastSent, &e.LowBlock, &e.Block} {
		*n = d.Uint(1<<64 - 1)
	}
	d.Fixed(e.Tx[:])
	e.Why = d.Text(maxWhy)
	n := d.Array(2 * maxVersions)
	if n%2 != 0 || n == 0 && e.State != Draft && e.State != Expired {
		d.Fail(wire.Invalid("versions"))
	}
	for range n / 2 {
		v := Version{Raw: slices.Clone(d.Bytes(1, wallet.MaxRaw)), Cancel: d.Uint(1) == 1}
		if d.Err() != nil {
			return e
		}
		if s, err := wallet.DecodeTx(v.Raw, q.Chain); err != nil || s.From != e.From || s.Nonce != e.Nonce {
			d.Fail(wire.Invalid("signed bytes that do not belong to the entry"))
		}
		e.Versions = append(e.Versions, v)
	}
	return e
}
