package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"github.com/pars-network/pars/pkg/wire"
)

func result(t testing.TB, name string) json.RawMessage {
	t.Helper()
	b, err := os.ReadFile("testdata/mainnet/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var a struct{ Result json.RawMessage }
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a.Result
}

// told answers from a table of method and first parameter; what is missing is the server's error.
type told struct {
	t     testing.TB
	table map[string]json.RawMessage
	asked []string
	fails int // the number of the request that gets no answer; 0: none
	bend  func(key string, b json.RawMessage) json.RawMessage
}

func (d *told) Ask(_ context.Context, batch []Ask, _ int) ([]Answer, error) {
	out := make([]Answer, len(batch))
	for i, q := range batch {
		key := strings.ToLower(fmt.Sprint(q.Method, " ", q.Params[0]))
		d.asked = append(d.asked, key)
		b, ok := d.table[key]
		if !ok || len(d.asked) == d.fails {
			out[i].Err = errors.New("not here")
			continue
		}
		if d.bend != nil {
			b = d.bend(key, b)
		}
		if out[i].Result = b; q.Method == "eth_getProof" {
			out[i].Result = only(b, q.Params[1].([]string))
		}
	}
	return out, nil
}

// only leaves the proofs of the keys that were asked for.
func only(b json.RawMessage, keys []string) json.RawMessage {
	var o map[string]json.RawMessage
	var all []struct {
		Key   common.Hash       `json:"key"`
		Proof []json.RawMessage `json:"proof"`
	}
	if json.Unmarshal(b, &o) != nil || o == nil || json.Unmarshal(o["storageProof"], &all) != nil {
		return b
	}
	asked := []any{}
	for _, k := range keys {
		for _, s := range all {
			if s.Key.Hex() == k {
				asked = append(asked, s)
			}
		}
	}
	o["storageProof"], _ = json.Marshal(asked)
	out, _ := json.Marshal(o)
	return out
}

// USDC of mainnet: a call through a proxy, its storage and two codes, from proofs of real nodes.
func TestMainnetCall(t *testing.T) {
	usdc, impl := common.HexToAddress("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"), common.HexToAddress("0x43506849D7C04F9138D1A2050bbF3A0c054402dd")
	var list struct{ AccountProof []hexutil.Bytes }
	if err := json.Unmarshal(result(t, "proxy_proof.json"), &list); err != nil {
		t.Fatal(err)
	}
	root := crypto.Keccak256Hash(list.AccountProof[0]) // what a verified header would say
	h := &types.Header{Root: root, Coinbase: impl, Number: big.NewInt(0x1564a06), Time: 1746612000, GasLimit: 36e6, BaseFee: big.NewInt(1), Difficulty: new(big.Int), ExcessBlobGas: new(uint64)}
	var slots []common.Hash
	var keys struct{ StorageProof []struct{ Key common.Hash } }
	if err := json.Unmarshal(result(t, "proxy_proof.json"), &keys); err != nil {
		t.Fatal(err)
	}
	for _, s := range keys.StorageProof {
		slots = append(slots, s.Key)
	}
	hint, _ := json.Marshal(map[string]any{"accessList": types.AccessList{{Address: usdc, StorageKeys: slots}, {Address: impl, StorageKeys: []common.Hash{}}}})
	d := &told{t: t, table: map[string]json.RawMessage{
		strings.ToLower("eth_getProof " + usdc.Hex()): result(t, "proxy_proof.json"), strings.ToLower("eth_getProof " + impl.Hex()): result(t, "impl_proof.json"),
		strings.ToLower("eth_getCode " + usdc.Hex()): result(t, "proxy_code.json"), strings.ToLower("eth_getCode " + impl.Hex()): result(t, "impl_code.json"),
	}}
	data := common.FromHex("0x70a0823100000000000000000000000037305b1cd40574e4c5ce33f8e8306be057fd7341")
	msg := &Message{From: &impl, To: &usdc, Data: data} // whoever asks needs a proof too
	d.table[strings.ToLower(fmt.Sprint("eth_createAccessList ", msg.json()))] = hint
	run := func() ([]byte, *State, error) {
		s := &State{Ask: d, Root: root, Codes: &Codes{}}
		out, err := (&Engine{Config: params.MainnetChainConfig}).Call(t.Context(), s, h, msg)
		return out, s, err
	}
	want := common.FromHex("0x000000000000000000000000000000000000000000000000000c35a80ffaf35c")
	out, s, err := run()
	if err != nil || !bytes.Equal(out, want) {
		t.Fatalf("got %x, %v; asked %v", out, err, d.asked)
	}
	if s.Trips > 2 {
		t.Errorf("%d round trips", s.Trips)
	}
	// Without a hint each word and code is fetched when the call comes to it. Whichever fetch fails, the call does.
	delete(d.table, strings.ToLower(fmt.Sprint("eth_createAccessList ", msg.json())))
	d.asked = nil
	if out, _, err := run(); err != nil || !bytes.Equal(out, want) {
		t.Fatalf("without a hint: got %x, %v", out, err)
	}
	for k := len(d.asked); k > 1; k-- {
		d.asked, d.fails = nil, k
		if out, _, err := run(); !errors.Is(err, ErrServer) {
			t.Errorf("fetch %d fails: got %x, %v", k, out, err)
		}
	}
	d.table[strings.ToLower(fmt.Sprint("eth_createAccessList ", msg.json()))], d.fails = hint, 0
	// Each answer in turn is missing, null or has one digit changed: never another result.
	for key, b := range d.table {
		for name, bent := range map[string]json.RawMessage{"null": json.RawMessage("null"), "empty": json.RawMessage(`{}`), "digit": flipped(b, 0), "digit later": flipped(b, 1)} {
			d.bend = func(k string, b json.RawMessage) json.RawMessage {
				if k == key {
					return bent
				}
				return b
			}
			if out, _, err := run(); err == nil && !bytes.Equal(out, want) {
				t.Errorf("%s of %.40s: got %x", name, key, out)
			}
		}
	}
}

// flipped changes a digit in the first or second half of the longest run of digits.
func flipped(b json.RawMessage, half int) json.RawMessage {
	out := bytes.Clone(b)
	at, run := 0, 0
	for i, start := 0, 0; i <= len(b); i++ {
		if i == len(b) || b[i] == '"' {
			if i-start > run {
				at, run = start, i-start
			}
			start = i + 1
		}
	}
	i := at + run/4 + half*run/2
	if out[i] = '0'; b[i] == '0' {
		out[i] = '1'
	}
	return out
}

func TestMainnetReceipts(t *testing.T) {
	h := new(types.Header)
	if err := json.Unmarshal(result(t, "block.json"), h); err != nil {
		t.Fatal(err)
	}
	b := &Block{h, h.Hash(), true}
	if b.Hash.Hex() != "0x57376d90de3ae59f9488c87d91533d200a4daac95bc8abe03cb522b098d85847" {
		t.Fatal(b.Hash)
	}
	raw := result(t, "receipts.json")
	c := &Chain{Config: params.MainnetChainConfig}
	get := func(raw json.RawMessage) (types.Receipts, error) {
		return c.bareReceipts(t.Context(), &told{t: t, table: map[string]json.RawMessage{"eth_getblockreceipts " + b.Hash.Hex(): raw}}, b, nil)
	}
	rs, err := get(raw)
	if err != nil || len(rs) == 0 {
		t.Fatalf("%d receipts, %v", len(rs), err)
	}
	var want []*types.Log
	if err := json.Unmarshal(result(t, "logs.json"), &want); err != nil {
		t.Fatal(err)
	}
	f := &Filter{Addresses: []common.Address{common.HexToAddress("0xdac17f958d2ee523a2206206994597c13d831ec7")}}
	if !f.mayHave(b.Bloom) {
		t.Error("the bloom says no")
	}
	n := 0
	for _, r := range rs {
		for _, l := range r.Logs {
			if !f.Matches(l) {
				continue
			}
			if n >= len(want) || !bytes.Equal(l.Data, want[n].Data) || l.Topics[1] != want[n].Topics[1] {
				t.Errorf("log %d differs", n)
			}
			n++
		}
	}
	if n != len(want) {
		t.Errorf("%d logs, want %d", n, len(want))
	}
	for name, bent := range map[string]string{
		"status": strings.Replace(string(raw), `"status":"0x1"`, `"status":"0x0"`, 1), "gas": strings.Replace(string(raw), `"cumulativeGasUsed":"0x5208"`, `"cumulativeGasUsed":"0x5209"`, 1),
		"topic": strings.Replace(string(raw), "0xddf252ad", "0xddf252ae", 1), "type": strings.Replace(string(raw), `"type":"0x2"`, `"type":"0x1"`, 1), "no list": "{}",
	} {
		if _, err := get(json.RawMessage(bent)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A precompile that the profile names and nobody here can run makes a result unprovable, not empty.
func TestForeign(t *testing.T) {
	at := common.HexToAddress("0x0000000000000000000000000000000000000601")
	h := &types.Header{Root: types.EmptyRootHash, Number: big.NewInt(1), GasLimit: 36e6, BaseFee: big.NewInt(1), Difficulty: new(big.Int), ExcessBlobGas: new(uint64), Time: 1 << 40}
	answers := map[string]json.RawMessage{}
	for _, a := range []string{at.Hex(), common.Address{}.Hex(), common.Address{2}.Hex()} {
		answers[strings.ToLower("eth_getProof "+a)] = json.RawMessage(`{"accountProof":[],"storageProof":[]}`)
		answers[strings.ToLower("eth_getCode "+a)] = json.RawMessage(`"0x"`)
	}
	for _, foreign := range [][]common.Address{nil, {at}} {
		s := &State{Ask: &told{t: t, table: answers}, Root: types.EmptyRootHash, Codes: &Codes{}}
		out, err := (&Engine{Config: params.MainnetChainConfig, Foreign: foreign}).Call(t.Context(), s, h, &Message{To: &at, Data: []byte{1}})
		if foreign == nil && (err != nil || len(out) != 0) || foreign != nil && !errors.Is(err, ErrUnprovable) {
			t.Errorf("%v: got %x, %v", foreign, out, err)
		}
	}
}

func TestEmptyTrie(t *testing.T) {
	if v, err := VerifyMPT(types.EmptyRootHash, []byte{1}, nil); v != nil || err != nil {
		t.Errorf("got %x, %v", v, err)
	}
	if _, err := VerifyMPT(common.Hash{1}, []byte{1}, nil); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func FuzzVerifyMPT(f *testing.F) {
	var list struct{ AccountProof []hexutil.Bytes }
	if err := json.Unmarshal(result(f, "proxy_proof.json"), &list); err != nil {
		f.Fatal(err)
	}
	root := crypto.Keccak256Hash(list.AccountProof[0])
	usdc := common.FromHex("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
	want, err := VerifyMPT(root, usdc, raw(list.AccountProof))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, 0, byte(1))
	f.Add(5, 100, byte(0x80))
	f.Fuzz(func(t *testing.T, i, j int, x byte) {
		nodes := raw(list.AccountProof)
		i = max(0, i) % len(nodes)
		bent := bytes.Clone(nodes[i])
		bent[max(0, j)%len(bent)] ^= x
		nodes[i] = bent
		v, err := VerifyMPT(root, usdc, nodes)
		if x != 0 && err == nil || x == 0 && !bytes.Equal(v, want) {
			t.Errorf("got %x, %v", v, err)
		}
	})
}
