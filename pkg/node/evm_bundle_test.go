package node

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/courier/readers"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/teller"
	"github.com/pars-network/pars/pkg/wire"
)

// TestChainByBundle: two nodes that share no network. One's transaction goes to a gateway's queue by a bundle and is sent
// from there; updates and a proof come back by the next, are verified, and the one without a network follows.
func TestChainByBundle(t *testing.T) {
	l := newChainLab(t)
	alone := l.node(tempHome(t), false, func(n *Node) { n.NoDHT, n.Peers = true, nil })
	town := l.node(tempHome(t), true, func(n *Node) { n.NoDHT, n.Peers = true, nil })
	l.follows(town, labHead)
	boot, err := town.chain.shelf.Bootstrap(t.Context(), evm.Hash(l.c.Root(136)))
	if err != nil {
		t.Fatal(err)
	}
	alone.chain.c.Sources = []evm.Source{only{boot}} // a checkpoint, from a contact
	until(t, "it began", func() bool { alone.chain.kick(); return alone.chain.status().Slot == 136 })
	trip := func(from, to *Node, add ...courier.AddedFile) (results map[string]string) {
		t.Helper()
		results = map[string]string{}
		pack, err := from.home.Courier()
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "stick")
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := pack.Pack(t.Context(), courier.PackQuery{Passphrases: []string{"tea"}, Carried: true, Add: add}, f); err != nil {
			t.Fatal(err)
		}
		unpack, err := to.home.Courier()
		if err != nil {
			t.Fatal(err)
		}
		_, err = unpack.Unpack(t.Context(), courier.FileQuery{Path: name, Passphrases: []string{"tea"}}, func(r courier.Result) error {
			results[r.ID] = r.Result + " " + r.Reason
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	raw, err := l.c.Blocks[labHead+1].Transactions()[0].MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (chainDesk{alone}).Send(t.Context(), teller.Sending{ID: [16]byte{1}, Raw: raw}); err != nil {
		t.Fatal(err)
	}
	verified := func(got map[string]string, kinds ...string) {
		t.Helper()
		for _, k := range kinds {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(id string) bool { return strings.HasPrefix(id, k+":") && strings.HasSuffix(got[id], " verified") }) {
				t.Errorf("no verified %s in %v", k, got)
			}
		}
	}
	verified(trip(alone, town), "tx")
	l.nudge(town, "the courier's transaction is sent", func() bool {
		l.rpc.Lock()
		defer l.rpc.Unlock()
		return len(l.rpc.Sent) > 0 && bytes.Equal(l.rpc.Sent[0], raw)
	})
	proof, _, err := town.chain.c.Prove(t.Context(), evm.Address(evmtest.Payee()), nil, "latest")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "proof")
	if err := os.WriteFile(file, proof, 0o600); err != nil {
		t.Fatal(err)
	}
	verified(trip(town, alone), "update")
	l.nudge(alone, "it follows by a bundle", func() bool { return alone.chain.status().Slot == labHead })
	if st := alone.chain.status(); st.From != "bundle" {
		t.Errorf("%+v", st)
	}
	verified(trip(town, alone, courier.AddedFile{Kind: "proof", Path: file}), "proof")
	if err := alone.chain.checkProof(proof, l.now()); err != nil {
		t.Errorf("proof: %v", err)
	}
	bent := bytes.Replace(proof, []byte(`"account_proof":["0xf`), []byte(`"account_proof":["0xe`), 1)
	if err := alone.chain.checkProof(bent, l.now()); !errors.Is(err, wire.ErrInvalid) || errors.Is(err, courier.ErrCannot) {
		t.Errorf("bent proof: %v", err)
	}
	x := readers.Tx{Chain: l.p.ChainID + 1, Raw: raw}
	if err := alone.chain.checkTx(x, l.now()); !errors.Is(err, courier.ErrCannot) {
		t.Errorf("of another chain: %v", err)
	}
	x = readers.Tx{Chain: l.p.ChainID, Raw: raw[:len(raw)-1]}
	if err := alone.chain.checkTx(x, l.now()); err == nil || errors.Is(err, courier.ErrCannot) {
		t.Errorf("torn: %v", err)
	}
}

// only is a source of one checkpoint.
type only struct{ boot []byte }

func (only) Name() string                                           { return "a contact" }
func (o only) Bootstrap(context.Context, evm.Hash) ([]byte, error)  { return o.boot, nil }
func (only) Updates(context.Context, uint64, int) ([][]byte, error) { return nil, evm.ErrNone }
func (only) Finality(context.Context) ([]byte, error)               { return nil, evm.ErrNone }
func (only) Optimistic(context.Context) ([]byte, error)             { return nil, evm.ErrNone }
