package light

import (
	"math/big"
	"slices"
	"strings"
)

// decimal is a number of up to 256 bits, little endian.
type decimal Root

// UnmarshalJSON reads a decimal number in quotes.
func (d *decimal) UnmarshalJSON(b []byte) error {
	n, ok := new(big.Int).SetString(strings.Trim(string(b), `"`), 10)
	if len(b) > 80 || !ok || n.Sign() < 0 || n.BitLen() > 256 {
		return because(ErrSize, "%.20q is no number of 256 bits", b)
	}
	n.FillBytes(d[:])
	slices.Reverse(d[:])
	return nil
}

// converter copies fields of exact length. The first other length sticks.
type converter struct {
	s   *Spec
	err error // the first fault
}

// need keeps the first fault.
func (x *converter) need(ok bool, format string, args ...any) {
	if !ok && x.err == nil {
		x.err = because(ErrSize, format, args...)
	}
}

func (x *converter) bytes(to, from []byte) {
	x.need(len(to) == len(from), "field of %d bytes, not %d", len(from), len(to))
	copy(to, from)
}

func (x *converter) root(from hexBytes) (r Root) {
	x.bytes(r[:], from)
	return r
}

func (x *converter) branch(from []hexBytes, n int) []Root {
	x.need(len(from) == n, "branch of %d nodes, not %d", len(from), n)
	out := make([]Root, n)
	for i := range min(n, len(from)) {
		out[i] = x.root(from[i])
	}
	return out
}

func (x *converter) shape(h *jsonHeader) shape {
	f := x.s.ForkAt(uint64(h.Beacon.Slot))
	x.need(f >= Altair, "slot %d is of no known fork", h.Beacon.Slot)
	return f.shape()
}

func (x *converter) header(h *jsonHeader, f shape) Header {
	b := &h.Beacon
	out := Header{Beacon: BeaconHeader{uint64(b.Slot), uint64(b.Proposer), x.root(b.Parent), x.root(b.StateRoot), x.root(b.Body)}}
	if !f.exec {
		return out
	}
	out.Exec, out.Branch = &Exec{}, x.branch(h.Branch, depth(payloadIndex))
	if x.need(h.Exec != nil, "no execution header"); x.err != nil {
		return out
	}
	e, j := out.Exec, h.Exec
	*e = Exec{Parent: x.root(j.Parent), StateRoot: x.root(j.StateRoot), Receipts: x.root(j.Receipts), Randao: x.root(j.Randao), Number: uint64(j.Number),
		GasLimit: uint64(j.GasLimit), GasUsed: uint64(j.GasUsed), Time: uint64(j.Time), Extra: j.Extra, BaseFee: Root(j.BaseFee), Hash: x.root(j.Hash),
		Txs: x.root(j.Txs), Withdrawals: x.root(j.Withdrawals), BlobGas: uint64(j.BlobGas), ExcessBlob: uint64(j.ExcessBlob)}
	x.bytes(e.Recipient[:], j.Recipient)
	x.bytes(e.Bloom[:], j.Bloom)
	x.need(len(e.Extra) <= maxExtra, "extra data of %d bytes", len(e.Extra))
	return out
}

func (x *converter) committee(c *jsonCommittee) *Committee {
	out := &Committee{Keys: make([][48]byte, x.s.CommitteeSize)}
	if x.need(len(c.Keys) == len(out.Keys), "committee of %d keys, not %d", len(c.Keys), len(out.Keys)); x.err != nil {
		return out
	}
	for i := range out.Keys {
		x.bytes(out.Keys[i][:], c.Keys[i])
	}
	x.bytes(out.Aggregate[:], c.Aggregate)
	return out
}
