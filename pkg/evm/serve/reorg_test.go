package serve

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/proof"
)

// direct asks a test server without a network.
type direct struct{ rpc *evmtest.RPC }

func (d direct) Ask(_ context.Context, batch []proof.Ask, _ int) ([]proof.Answer, error) {
	out := make([]proof.Answer, len(batch))
	for i, q := range batch {
		params := make([]json.RawMessage, len(q.Params))
		for j, p := range q.Params {
			params[j], _ = json.Marshal(p)
		}
		v, err := d.rpc.Call(q.Method, params)
		out[i].Err = err
		out[i].Result, _ = json.Marshal(v)
	}
	return out, nil
}

// After a reorg the logs of the blocks that fell come again with removed set, the newest first, and then those of the
// new blocks; also where the subscription began on a block that fell. What is below its beginning is not told.
func TestReorg(t *testing.T) {
	for _, c := range []struct{ begin, before, back int }{{36, 41, 38}, {39, 39, 38}, {39, 41, 38}, {40, 40, 37}, {38, 44, 36}} {
		old, other := evmtest.New(45), evmtest.New(45)
		config, err := proof.ConfigOf(old.Profile)
		if err != nil {
			t.Fatal(err)
		}
		nonce := uint64(0)
		for _, b := range old.Blocks[:c.back+1] {
			nonce += uint64(len(b.Transactions()))
		}
		blocks, receipts := other.Fork(c.back, 5, nonce)
		other.Blocks = append(slices.Clone(old.Blocks[:c.back+1]), blocks...)
		other.Receipts = append(slices.Clone(old.Receipts[:c.back+1]), receipts...)
		tr := track{filter: &proof.Filter{Addresses: []common.Address{old.Contract}}}
		chain := &proof.Chain{Config: config}
		step := func(on *evmtest.Chain, n int) (gone, fresh []given) {
			t.Helper()
			tip := &proof.Block{Header: on.Blocks[n].Header(), Hash: on.Blocks[n].Hash(), Full: true}
			gone, fresh, err := tr.step(t.Context(), &evm.View{Asker: direct{&evmtest.RPC{Chain: on, Head: uint64(n)}}, Chain: chain, Block: tip, Tip: tip})
			if err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			return gone, fresh
		}
		step(old, c.begin)
		_, told := step(old, c.before)
		gone, fresh := step(other, c.back+3)
		wantGone, wantFresh := []uint64{}, []uint64{}
		if c.back+1 >= c.begin { // the fork's only log
			wantFresh = append(wantFresh, uint64(c.back+1))
		}
		for _, l := range logsOf(nil, told) {
			if l.BlockNumber > uint64(c.back) {
				wantGone = append([]uint64{l.BlockNumber}, wantGone...)
			}
		}
		var gotGone, gotFresh []uint64
		for _, l := range logsOf(gone, fresh) {
			if l.Removed {
				gotGone = append(gotGone, l.BlockNumber)
			} else if gotFresh = append(gotFresh, l.BlockNumber); l.BlockHash != other.Blocks[l.BlockNumber].Hash() {
				t.Errorf("%+v: log of a block that fell", c)
			}
		}
		if !slices.Equal(gotGone, wantGone) || !slices.Equal(gotFresh, wantFresh) {
			t.Errorf("%+v: removed %v, want %v; new %v, want %v", c, gotGone, wantGone, gotFresh, wantFresh)
		}
	}
}
