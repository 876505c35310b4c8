package evm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"filippo.io/mldsa"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

// ErrSecret refuses a precompile that would be told a secret: keys are made, used to sign and to decapsulate here.
var ErrSecret = errors.New("a precompile that takes a secret is never called")

// Probe says whether a server's chain has a precompile. It is that server's word and no proof.
type Probe struct {
	Key     string
	Address Address
	Present bool
	Why     string // when it is absent
}

// question is what a precompile is asked, and a twin with one bit changed that must not get the same answer.
type question struct{ in, out, twin, twinOut []byte } // twinOut nil: anything but out

// Probes asks the first server that answers about every precompile of the profile: a known answer, and its twin with
// one bit wrong. Both must be right. It needs no verified head, and verifies nothing.
func (c *Client) Probes(ctx context.Context) ([]Probe, error) {
	var out []Probe
	err := c.servers(ctx, func(s server) error {
		r, ok := s.(*RPC)
		if !ok {
			return fmt.Errorf("a peer is not asked for what it cannot prove: %w", ErrUnprovable)
		}
		out = nil
		if err := c.CheckChain(ctx, r); err != nil {
			return err
		}
		for _, p := range c.Profile.Chain.Precompiles {
			one, err := probe(ctx, r, p)
			if err != nil {
				return fmt.Errorf("%s: %w", p.Key, err)
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

func probe(ctx context.Context, r *RPC, p profile.Precompile) (out Probe, err error) {
	if out.Address, err = ParseAddress(p.Address); err != nil {
		return out, err
	}
	out.Key = p.Key
	q, err := questionOf(p)
	if err != nil {
		out.Why = err.Error()
		return out, nil
	}
	ask := func(in []byte) proof.Ask {
		return proof.Ask{Method: "eth_call", Params: []any{map[string]any{"to": out.Address, "data": hexutil.Bytes(in)}, "latest"}}
	}
	list, err := r.Ask(ctx, []proof.Ask{ask(q.in), ask(q.twin)}, 1<<16)
	if err != nil {
		return out, err
	}
	var got [2]hexutil.Bytes
	for i, a := range list {
		if a.Err == nil && unmarshal(a.Result, &got[i]) != nil {
			return out, wire.Invalid("answer is no bytes")
		}
	}
	switch {
	case list[0].Err != nil:
		out.Why = "the known question fails: " + short(list[0].Err)
	case !bytes.Equal(got[0], q.out):
		out.Why = fmt.Sprintf("answers %.70x to the known question", []byte(got[0]))
	case list[1].Err == nil && (bytes.Equal(got[1], q.out) || q.twinOut != nil && !bytes.Equal(got[1], q.twinOut)):
		out.Why = "answers the question with one wrong bit as if it were right"
	default:
		out.Present = true
	}
	return out, nil
}

func questionOf(p profile.Precompile) (q question, err error) {
	for _, word := range []string{"keygen", "sign", "decap", "secret", "private"} {
		if strings.Contains(p.Key, word) {
			return q, ErrSecret
		}
	}
	if p.In != "" {
		if q.in, err = ParseHex(p.In); err != nil {
			return q, err
		}
		if q.out, err = ParseHex(p.Out); err != nil {
			return q, err
		}
		q.twin = bytes.Clone(q.in)
		if len(q.twin) == 0 {
			return q, wire.Invalid("a question of no bytes has no twin")
		}
		q.twin[len(q.twin)-1] ^= 1
		return q, nil
	}
	for name, mode := range map[string]struct {
		b byte
		p mldsa.Parameters
	}{"mldsa44": {0x44, mldsa.MLDSA44()}, "mldsa65": {0x65, mldsa.MLDSA65()}, "mldsa87": {0x87, mldsa.MLDSA87()}} {
		if name == p.Key {
			return signatureQuestion(mode.b, mode.p)
		}
	}
	return q, fmt.Errorf("no known question for %s: give in and out in the profile", p.Key)
}

// signatureQuestion is mode | public key | u256 length | signature | message, answered by a word 1, or 0 when a bit of
// the message is another.
func signatureQuestion(mode byte, params mldsa.Parameters) (q question, err error) {
	key, err := mldsa.NewPrivateKey(params, bytes.Repeat([]byte{mode}, mldsa.PrivateKeySize))
	if err != nil {
		return q, err
	}
	msg := []byte("pars")
	sig, err := key.SignDeterministic(msg, nil)
	if err != nil {
		return q, err
	}
	length := Hash{31: byte(len(msg))}
	q.in = append(append([]byte{mode}, key.PublicKey().Bytes()...), length[:]...)
	q.in = append(append(q.in, sig...), msg...)
	q.twin = bytes.Clone(q.in)
	q.twin[len(q.twin)-1] ^= 1
	yes, no := Hash{31: 1}, Hash{}
	q.out, q.twinOut = yes[:], no[:]
	return q, nil
}
