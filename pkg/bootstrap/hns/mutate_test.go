package hns

import (
	"bytes"
	"testing"

	"github.com/pars-network/pars/internal/evil"
)

func TestMutated(t *testing.T) { mutated(t, 1, 20_000) }

// mutated reads n changed headers, proofs, resources, slips and states: what is read has one form, and no proof says another thing.
func mutated(t *testing.T, seed uint64, n int) {
	net, check := mainNet(t)
	v := vectors(t)[9]
	good, err := DecodeProof(v.proof)
	if err != nil {
		t.Fatal(err)
	}
	value, err := good.Verify(v.root, v.key)
	if err != nil {
		t.Fatal(err)
	}
	slip := Slip{"pars", 7, v.root, good}
	seeds := [][]byte{check[36 : 36+HeaderSize], append([]byte{2}, check[36:36+2*HeaderSize]...), v.proof, slip.Encode(), value}
	evil.Mutated(t, seed, n, 64<<10, seeds, func(b []byte) {
		if h, err := DecodeHeader(b); err == nil && (!bytes.Equal(h.Append(nil), b) || h.Hash() == (Hash{})) {
			t.Errorf("header %x has another form", b)
		}
		if list, err := DecodeHeaders(b); err == nil && !bytes.Equal(encodeHeaders(list), b) {
			t.Errorf("headers %x have another form", b)
		}
		if p, err := DecodeProof(b); err == nil {
			if got, err := p.Verify(v.root, v.key); !bytes.Equal(p.Encode(), b) || err == nil && !bytes.Equal(got, value) {
				t.Errorf("proof %x says %x", b, got)
			}
		}
		if s, err := DecodeSlip(b); err == nil && !bytes.Equal(s.Encode(), b) {
			t.Errorf("slip %x has another form", b)
		}
		DecodeNameState(b)
		DecodeResource(b)
		DecodeCheckpoint(net, b)
	})
}
