package readers

import (
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// maxTx is the most bytes of a carried transaction.
const maxTx = 128 << 10

// Tx is a pending transaction as a record carries it.
type Tx struct {
	Chain    uint64
	Raw      []byte // signed; what is in it is for the chain's reader to tell
	NotAfter uint64 // Unix seconds, after which it is not sent any more; 0: never
}

// Encode is cbor[chain, raw, not after].
func (t *Tx) Encode() []byte {
	b := wire.AppendUint(wire.AppendArray(nil, 3), t.Chain)
	return wire.AppendUint(wire.AppendBytes(b, t.Raw), t.NotAfter)
}

// DecodeTx reads what Encode writes, and nothing else.
func DecodeTx(b []byte) (t Tx, err error) {
	d := wire.NewDecoder(b)
	if d.Array(3) != 3 {
		d.Fail(wire.Invalid("transaction without its three parts"))
	}
	t.Chain, t.Raw, t.NotAfter = d.Uint(1<<64-1), d.Bytes(1, maxTx), d.Uint(1<<64-1)
	return t, d.End()
}

// Chain is what a node that follows a chain adds to the readers: it can verify what needs the chain's machine. All fields
// are set, or the zero value says that no such node reads here.
type Chain struct {
	Fresh  func()                              // makes the head in the home's files the newest
	Proof  func(b []byte, now time.Time) error // checks a proof file
	Tx     func(t Tx, now time.Time) error     // checks a transaction
	TakeTx func(t Tx) error                    // and queues it
	Took   func()                              // something came
}

// checkTx verifies a transaction where a chain is followed; elsewhere its form alone.
func (h Home) checkTx(b []byte, now time.Time) error {
	t, err := DecodeTx(b)
	switch {
	case err != nil:
		return err
	case t.NotAfter != 0 && uint64(now.Unix()) > t.NotAfter:
		return wire.Invalid("its time passed")
	case h.Chain.Tx == nil:
		return later("a node that follows the chain checks it and sends it: pars-node run --chain")(b, now)
	}
	return h.Chain.Tx(t, now)
}

func (h Home) takeTx(b []byte, _ time.Time) error {
	t, err := DecodeTx(b)
	if err != nil || h.Chain.TakeTx == nil {
		return err
	}
	return h.Chain.TakeTx(t)
}

func (h Home) checkProof(b []byte, now time.Time) error {
	if h.Chain.Proof == nil {
		return later("pars-evm verify checks it")(b, now)
	}
	return h.Chain.Proof(b, now)
}
