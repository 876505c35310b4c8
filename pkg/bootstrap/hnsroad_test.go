package bootstrap

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/hns"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/wire"
)

// provenBy proves names by slips that a real chain gave.
func provenBy(t *testing.T) func(context.Context, string) (*hns.Answer, error) {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile("hns/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	n, err := hns.LoadNetwork("regtest")
	if err != nil {
		t.Fatal(err)
	}
	chain, err := hns.DecodeState(n, read("regtest.chain"))
	if err != nil {
		t.Fatal(err)
	}
	good, err := hns.DecodeSlip(read("parsgood.slip"))
	if err != nil {
		t.Fatal(err)
	}
	return func(_ context.Context, name string) (*hns.Answer, error) {
		if name != good.Name {
			return nil, wire.ErrNotFound
		}
		return good.Check(chain)
	}
}

func TestHNSRoad(t *testing.T) {
	s, keys := holders(1, 1)
	l := signedList(t, s, keys[:2], 5, uint64(time.Now().Unix()), listed(100, 100))
	texts := map[string]string{"_pars.boot.parsgood.": list.TXT(l.Root.Encode())}
	for i, leaf := range l.Leaves {
		texts[l.Root.LeafName(i, "boot.parsgood")+"."] = list.TXT(leaf.Encode())
	}
	h := HNS{Prove: provenBy(t), Servers: []string{serveTXT(t, texts).Server().String()}, Now: time.Now}
	road := h.Road("boot.parsgood.")
	road.After = 0
	res, err := newRace(t, s, road).Run(t.Context())
	if err != nil || len(res.Peers) == 0 || res.Peers[0].Class != Signed || res.Peers[0].Road != "hns" {
		t.Errorf("%+v, %v", res, err)
	}
	road = h.Road("boot.nobody")
	road.After = 0
	res, err = newRace(t, s, road).Run(t.Context())
	if err == nil || len(res.Peers) != 0 {
		t.Errorf("a name that nobody has: %+v", res)
	}
}

func TestHNSTLD(t *testing.T) {
	h := HNS{Prove: provenBy(t)}
	ds, ok, err := h.TLD(t.Context(), "parsgood.")
	if err != nil || !ok || len(ds) != 1 || ds[0].Zone != "parsgood." || ds[0].Tag != 9535 {
		t.Errorf("%v, %v, %v", ds, ok, err)
	}
	if _, ok, err := h.TLD(t.Context(), "nobody."); !ok || !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("%v, %v", ok, err)
	}
	a, err := h.Prove(t.Context(), "parsgood")
	if err != nil {
		t.Fatal(err)
	}
	if got := HNSServers(a); len(got) != 1 || got[0] != "127.0.53.4" {
		t.Errorf("servers %v", got)
	}
	a.Resource.DS[0].Digest = 99 // a hash that nobody knows
	h.Prove = func(context.Context, string) (*hns.Answer, error) { return a, nil }
	if ds, ok, err := h.TLD(t.Context(), "parsgood."); len(ds) != 0 || !ok || err == nil {
		t.Errorf("without a key that can be used: %v, %v, %v", ds, ok, err)
	}
}
