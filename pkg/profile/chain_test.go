package profile

import (
	"errors"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

const labChain = `{"name":"lab","chain_id":5,"chain":{"finality":"sync-committee","preset":"minimal","seconds_per_slot":2,"genesis_time":7,` +
	`"genesis_validators_root":"0x4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95",` +
	`"forks":[{"name":"capella","epoch":0,"version":"0x03000000"},{"name":"later","epoch":9,"version":"0x04000000"}],` +
	`"execution":[{"name":"shanghai","time":0}],"ws_period":100,"beacon":["http://127.0.0.1:1"],"rpc":["http://127.0.0.1:2"],` +
	`"deposit":{"contract":"0x4242424242424242424242424242424242424242","fork_version":"0x00000001"},` +
	`"stake":{"contract":"0x00000000000000000000000000000000000000cc","slot":0,"unit":"1000","cap":5}}}`

func TestChain(t *testing.T) {
	p, err := Parse([]byte(labChain))
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Chain; c.SecondsPerSlot != 2 || len(c.Forks) != 2 || c.Forks[1].Epoch != 9 || c.Beacon[0] != "http://127.0.0.1:1" || *c.Stake.Slot != 0 || c.Stake.Cap != 5 {
		t.Errorf("got %+v", c)
	}
	for _, name := range []string{"ethereum", "sepolia"} {
		p, err := Load(name, nil)
		if err != nil || p.Chain == nil || p.Chain.Finality != FinalitySync || p.Chain.WSPeriod != 14*86400 || len(p.Chain.Forks) != 7 ||
			p.Chain.Deposit == nil || p.Chain.Deposit.ForkVersion != p.Chain.Forks[0].Version {
			t.Errorf("%s: got %+v, %v", name, p, err)
		}
	}
}

// Each change of one part of a good chain is refused.
func TestChainRefused(t *testing.T) {
	for _, c := range [][2]string{
		{"00cc", "00CC"}, {`"unit":"1000"`, `"unit":"0"`}, {`"unit":"1000"`, `"unit":"-1"`}, {`"unit":"1000"`, `"unit":"1e3"`}, {`"unit":"1000"`, `"unit":"01000"`}, {`"cap":5`, `"cap":11`}, {`"cap":5`, `"cap":0`},
		{"sync-committee", "trust-me"}, {`"minimal"`, `"tiny"`}, {`"seconds_per_slot":2`, `"seconds_per_slot":0`},
		{`"genesis_time":7`, `"genesis_time":0`}, {`"ws_period":100`, `"ws_period":0`}, {"0x4b36", "4b36"}, {"0x4b36", "0x4B36"}, {"0x4b36", "0x"},
		{`"epoch":9`, `"epoch":-9`}, {`"epoch":0`, `"epoch":1`}, {`"epoch":0`, `"epoch":10`}, {"0x03000000", "0x030000"},
		{`"name":"later"`, `"name":"later","name":"b"`}, {`"ws_period"`, `"ws-period"`}, {`"beacon":[`, `"beacon":[[`},
		{"0x4242", "0x42"}, {`"fork_version":"0x00000001"`, `"fork_version":"0x1"`}, {`"contract":"0x4242`, `"contract":"0xAB42`}, {`"fork_version"`, `"fork"`},
		{`"beacon":["http://127.0.0.1:1"]`, `"beacon":[` + strings.Repeat(`"a",`, maxList) + `"a"]`},
	} {
		s := strings.Replace(labChain, c[0], c[1], 1)
		if s == labChain {
			t.Fatalf("%s does not occur", c[0])
		}
		if _, err := Parse([]byte(s)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s for %s: got %v", c[1], c[0], err)
		}
	}
}
