package profile

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func TestNames(t *testing.T) {
	want := []string{"devnet", "devnet-minimal", "ethereum", "pars-18071", "pars-18071-test", "pars-2026",
		"pars-2026-dev", "pars-2026-test", "pars-6133", "pars-6133-test", "pars-7070", "pars-7070-dev",
		"pars-7070-test", "sepolia"}
	if got := Names(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v want %v", got, want)
	}
}

// The netids are frozen: a changed one cuts a live network in two.
func TestNetIDs(t *testing.T) {
	golden, err := os.ReadFile("testdata/netids.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	seen := map[[32]byte]string{}
	for _, name := range Names() {
		p, err := Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name {
			t.Errorf("file %s holds profile %s", name, p.Name)
		}
		if p.RequireNetwork() != nil {
			continue
		}
		if other, ok := seen[p.NetID()]; ok {
			t.Errorf("%s and %s share a netid", name, other)
		}
		seen[p.NetID()] = name
		fmt.Fprintf(&b, "%s %d %x\n", name, p.ChainID, p.NetID())
	}
	if b.String() != string(golden) {
		t.Errorf("got\n%swant\n%s", b.String(), golden)
	}
}

// A network cut finer than it has relays, or without stamps, would be open to whoever floods it.
func TestGossipConstants(t *testing.T) {
	for _, name := range Names() {
		p, err := Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		small := strings.HasSuffix(name, "-test") || strings.HasSuffix(name, "-dev") || strings.HasPrefix(name, "devnet")
		want := [2]uint8{8, 18}
		if small {
			want = [2]uint8{2, 8}
		}
		if got := [2]uint8{p.ShardBits, p.StampBits}; p.Network != nil && got != want {
			t.Errorf("%s: shard and stamp bits %v want %v", name, got, want)
		}
	}
}

func TestChainOnly(t *testing.T) {
	for _, name := range []string{"ethereum", "sepolia"} {
		p, err := Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.RequireNetwork(); !errors.Is(err, ErrNoNetwork) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
		if p.NetID() != [32]byte{} {
			t.Errorf("%s has a netid", name)
		}
	}
}

func TestProtocol(t *testing.T) {
	p, err := Load(Default, nil)
	if err != nil {
		t.Fatal(err)
	}
	id := p.NetID()
	if got, want := p.Protocol("sync/1"), fmt.Sprintf("/pars/%x/sync/1", id[:4]); got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestLoad(t *testing.T) {
	file := `{"name":"lab","chain_id":5,"network":{"name":"lab","genesis_time":7}}`
	read := func(name string) ([]byte, error) {
		if name == "./lab.json" {
			return []byte(file), nil
		}
		return nil, os.ErrNotExist
	}
	p, err := Load("./lab.json", read)
	if err != nil || p.ChainID != 5 || p.Network.GenesisTime != 7 {
		t.Errorf("file: got %+v, %v", p, err)
	}
	if _, err := Load("./none.json", read); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
	for _, name := range []string{"pars-2027", "lab"} {
		if _, err := Load(name, read); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), Default) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	file = `{"name":"lab"}`
	if _, err := Load("./lab.json", read); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("bad file: got %v", err)
	}
}

func TestParseRefused(t *testing.T) {
	for _, s := range []string{
		``, `null`, `[]`, `7`, `{`, `{}`, `{"name":"a"}`, `{"chain_id":1}`,
		`{"name":"a","chain_id":1,"colour":1}`,
		`{"name":"a","chain_id":1,"network":{"name":"a","genesis_time":1,"seed":1}}`,
		`{"name":"a","chain_id":1,"chain_id":2}`,
		`{"name":"a","Chain_ID":1}`,
		`{"name":"a","chain_id":1}{}`, `{"name":"a","chain_id":1} x`,
		`{"name":"a","chain_id":-1}`, `{"name":"a","chain_id":1.5}`, `{"name":"a","chain_id":"1"}`,
		`{"name":"A","chain_id":1}`, `{"name":"a/b","chain_id":1}`, `{"name":"","chain_id":1}`,
		`{"name":"` + strings.Repeat("a", 33) + `","chain_id":1}`,
		`{"name":"a","chain_id":1,"shard_bits":9}`, `{"name":"a","chain_id":1,"stamp_bits":33}`,
		`{"name":"a","chain_id":1,"network":{}}`,
		`{"name":"a","chain_id":1,"network":{"name":"a"}}`,
		`{"name":"a","chain_id":1,"network":{"genesis_time":1}}`,
		`{"name":"a","chain_id":1,"network":[]}`,
		`{"name":"a","chain_id":1,"network":` + strings.Repeat(`{"network":`, 50) + `1` + strings.Repeat("}", 51),
		`{"name":"a","chain_id":1}` + strings.Repeat(" ", MaxSize),
	} {
		if p, err := Parse([]byte(s)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%.80s: got %+v, %v", s, p, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name":"a","chain_id":1}`))
	f.Add([]byte(`{"name":"a","chain_id":1,"network":{"name":"a","genesis_time":1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		if !plainName(p.Name) || p.ChainID == 0 {
			t.Errorf("accepted %q as %+v", b, p)
		}
	})
}
