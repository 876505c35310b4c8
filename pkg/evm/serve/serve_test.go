package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/serve"
)

// lab is a served head over a chain made in the test, whose slot can be moved.
type lab struct {
	chain  *evmtest.Chain
	beacon *evmtest.Beacon
	rpc    *evmtest.RPC
	client *evm.Client
	url    string
	ws     string
}

func newLab(t *testing.T, with ...func(*serve.Server)) *lab {
	t.Helper()
	c := evmtest.New(100)
	l := &lab{chain: c, beacon: &evmtest.Beacon{Chain: c, Head: 90}, rpc: &evmtest.RPC{Chain: c, Head: 91}}
	now := time.Unix(c.Spec.TimeOf(99), 0)
	l.client = &evm.Client{Profile: c.Profile, Now: func() time.Time { return now }, Checkpoint: evm.Hash(c.Root(72))}
	if err := l.client.Open(); err != nil {
		t.Fatal(err)
	}
	b, r := httptest.NewServer(l.beacon), httptest.NewServer(l.rpc)
	t.Cleanup(b.Close)
	t.Cleanup(r.Close)
	l.client.Sources = []evm.Source{&evm.Beacon{URL: b.URL, HTTP: http.DefaultClient, Spec: l.client.Spec()}}
	l.client.RPCs = []*evm.RPC{{URL: r.URL, HTTP: http.DefaultClient}}
	if err := l.client.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &serve.Server{Client: l.client, Listen: ln, Version: "test/1"}
	for _, f := range with {
		f(s)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	l.url, l.ws = "http://"+ln.Addr().String(), "ws://"+ln.Addr().String()
	return l
}

type answer struct {
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
		Data    string
	}
}

func (l *lab) ask(t *testing.T, method string, params ...any) answer {
	t.Helper()
	if params == nil {
		params = []any{}
	}
	body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	r, err := http.Post(l.url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var a answer
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// The whole table: what is answered, and with which code the rest is refused.
func TestTable(t *testing.T) {
	l := newLab(t)
	tx := l.chain.Blocks[89].Transactions()[0]
	hash := l.chain.Blocks[89].Hash()
	raw, _ := tx.MarshalBinary()
	call := map[string]any{"to": l.chain.Contract}
	answered := 0
	for _, c := range []struct {
		method string
		params []any
		want   string // part of the answer; a number is an error code
	}{
		{"eth_chainId", nil, "0x539"}, {"net_version", nil, "1337"}, {"web3_clientVersion", nil, "test/1"}, {"eth_blockNumber", nil, "0x5a"},
		{"eth_syncing", nil, "false"}, {"eth_coinbase", nil, "0x"}, {"eth_getBalance", []any{evmtest.Payee(), "latest"}, "0x"},
		{"eth_getTransactionCount", []any{l.chain.Addr, "pending"}, "0x"}, {"eth_getCode", []any{l.chain.Contract, "latest"}, evmtest.Runtime},
		{"eth_getStorageAt", []any{l.chain.Contract, "0x0", "latest"}, "59\""}, {"eth_getProof", []any{l.chain.Contract, []string{"0x0"}, "safe"}, "accountProof"},
		{"eth_call", []any{call, "latest"}, "59\""}, {"eth_estimateGas", []any{call}, "0x5"}, {"eth_createAccessList", []any{call}, "storageKeys"},
		{"eth_getBlockByNumber", []any{"0x59", true}, tx.Hash().Hex()}, {"eth_getBlockByHash", []any{hash, false}, tx.Hash().Hex()},
		{"eth_getBlockTransactionCountByNumber", []any{"0x59"}, "0x2"}, {"eth_getBlockTransactionCountByHash", []any{hash}, "0x2"},
		{"eth_getUncleCountByBlockNumber", []any{"0x59"}, "0x0"}, {"eth_getUncleCountByBlockHash", []any{hash}, "0x0"},
		{"eth_getBlockReceipts", []any{"0x59"}, tx.Hash().Hex()}, {"eth_getTransactionByHash", []any{tx.Hash()}, "blockHash"},
		{"eth_getTransactionByBlockHashAndIndex", []any{hash, "0x0"}, tx.Hash().Hex()}, {"eth_getTransactionByBlockNumberAndIndex", []any{"0x59", "0x0"}, tx.Hash().Hex()},
		{"eth_getTransactionReceipt", []any{tx.Hash()}, "cumulativeGasUsed"}, {"eth_getLogs", []any{map[string]any{"fromBlock": "0x50", "toBlock": "latest"}}, "topics"},
		{"eth_newFilter", []any{map[string]any{}}, "0x"}, {"eth_newBlockFilter", nil, "0x"}, {"eth_gasPrice", nil, "0x"}, {"eth_maxPriorityFeePerGas", nil, "0x"},
		{"eth_blobBaseFee", nil, "0x1"}, {"eth_feeHistory", []any{"0x4", "latest", []int{50}}, "reward"}, {"eth_sendRawTransaction", []any{hexutil.Encode(raw)}, tx.Hash().Hex()},
		{"eth_getBlockByNumber", []any{"0xfff", false}, "null"},

		{"eth_newPendingTransactionFilter", nil, "-32011"}, {"eth_getTransactionByHash", []any{common.Hash{1}}, "-32011"}, {"eth_getTransactionReceipt", []any{common.Hash{1}}, "-32011"},
		{"eth_getBlockByHash", []any{common.Hash{1}, true}, "-32011"}, {"txpool_content", nil, "-32601"}, {"debug_traceCall", nil, "-32601"}, {"eth_mining", nil, "-32601"},
		{"admin_peers", nil, "-32601"}, {"eth_sendTransaction", []any{call}, "-32601"}, {"eth_accounts", nil, "-32601"}, {"eth_requestAccounts", nil, "-32601"},
		{"personal_sign", []any{"0x00", l.chain.Addr}, "-32601"}, {"eth_signTypedData_v4", []any{l.chain.Addr, "{}"}, "-32601"}, {"eth_sign", nil, "-32601"}, {"eth_subscribe", []any{"newHeads"}, "-32601"},
		{"eth_getBalance", []any{"x"}, "-32602"}, {"eth_call", []any{call, "latest", map[string]any{}}, "-32602"}, {"eth_call", []any{map[string]any{"blobVersionedHashes": []any{common.Hash{}}}}, "-32602"},
		{"eth_call", []any{map[string]any{"to": l.chain.Contract, "chainId": "0x1"}}, "-32013"}, {"eth_getLogs", []any{map[string]any{"fromBlock": "0x0", "toBlock": "0xffffff"}}, "-32000"},
		{"eth_getFilterChanges", []any{"0x1"}, "-32000"}, {"eth_sendRawTransaction", []any{"0x01"}, "-32602"},
	} {
		a := l.ask(t, c.method, c.params...)
		got := string(a.Result)
		if a.Error != nil {
			got = fmt.Sprint(a.Error.Code)
		} else {
			answered++
		}
		if !strings.Contains(got, c.want) || a.Error != nil && !strings.HasPrefix(c.want, "-") {
			t.Errorf("%s %v: got %.200s %+v, want %s", c.method, c.params, got, a.Error, c.want)
		}
	}
	if answered < 34 {
		t.Errorf("%d answered", answered)
	}
}

func TestLiar(t *testing.T) {
	l := newLab(t)
	l.rpc.Bend = func(m string, _ []json.RawMessage, v any) any {
		if m == "eth_getProof" {
			return map[string]any{"accountProof": []any{}, "balance": "0xffff", "storageProof": []any{}}
		}
		return v
	}
	if a := l.ask(t, "eth_getBalance", l.chain.Addr, "latest"); a.Error == nil || a.Error.Code != serve.CodeInvalid {
		t.Errorf("got %s %+v", a.Result, a.Error)
	}
	l.rpc.Bend = nil
	revert := l.ask(t, "eth_call", map[string]any{"data": "0x63deadbeef6000526004601cfd"})
	if revert.Error == nil || revert.Error.Code != 3 || revert.Error.Data != "0xdeadbeef" {
		t.Errorf("revert: %+v", revert.Error)
	}
}

// Pages of other sites do not get in, nor do requests that are too large or too many.
func TestGuard(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		header, value string
		status        int
	}{
		{"Host", "evil.example", 403}, {"Host", "127.0.0.1.evil.example", 403}, {"Host", "localhost:99", 200}, {"Origin", "https://evil.example", 403},
		{"Origin", "null", 403}, {"Origin", "http://localhost:3000", 200}, {"X-Nothing", "1", 200},
	} {
		req, _ := http.NewRequest(http.MethodPost, l.url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(c.header, c.value)
		if c.header == "Host" {
			req.Host = c.value
		}
		r, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != c.status {
			t.Errorf("%s %s: status %d", c.header, c.value, r.StatusCode)
		}
	}
	big := `{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":["` + strings.Repeat("a", 2<<20) + `"]}`
	r, err := http.Post(l.url, "application/json", strings.NewReader(big))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MiB: status %d", r.StatusCode)
	}
	one := `{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`
	r, err = http.Post(l.url, "application/json", strings.NewReader("["+strings.Repeat(one+",", 100)+one+"]"))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if !bytes.Contains(b, []byte("batch too large")) {
		t.Errorf("101 at once: %.100s", b)
	}
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := (&serve.Server{Client: l.client, Listen: ln}).Start(); err == nil {
		t.Error("listens to the world")
	}
}

// Heads and logs come by subscription and by filter, each once.
func TestFollow(t *testing.T) {
	l := newLab(t)
	c, err := rpc.Dial(l.ws)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	heads, logs := make(chan *types.Header, 16), make(chan types.Log, 16)
	if _, err := c.EthSubscribe(t.Context(), heads, "newHeads"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.EthSubscribe(t.Context(), logs, "logs", map[string]any{"address": l.chain.Contract}); err != nil {
		t.Fatal(err)
	}
	var id, blocks string
	if err := c.Call(&id, "eth_newFilter", map[string]any{"address": []any{l.chain.Contract}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Call(&blocks, "eth_newBlockFilter"); err != nil {
		t.Fatal(err)
	}
	l.rpc.Move(95)
	l.beacon.Move(94)
	wait := time.After(60 * time.Second)
	for n := uint64(91); n <= 94; n++ {
		select {
		case h := <-heads:
			if h.Number.Uint64() != n || h.Hash() != l.chain.Blocks[n].Hash() {
				t.Fatalf("head %v, want %d", h.Number, n)
			}
		case <-wait:
			t.Fatalf("no head %d", n)
		}
	}
	for _, n := range []uint64{91, 93} {
		select {
		case g := <-logs:
			if g.BlockNumber != n || g.Removed {
				t.Errorf("log %+v, want in %d", g, n)
			}
		case <-wait:
			t.Fatal("no log")
		}
	}
	var got []types.Log
	if err := c.Call(&got, "eth_getFilterChanges", id); err != nil || len(got) != 2 || got[0].BlockNumber != 91 {
		t.Errorf("filter: %+v %v", got, err)
	}
	if err := c.Call(&got, "eth_getFilterChanges", id); err != nil || len(got) != 0 {
		t.Errorf("filter again: %+v %v", got, err)
	}
	var hashes []common.Hash
	if err := c.Call(&hashes, "eth_getFilterChanges", blocks); err != nil || len(hashes) != 4 {
		t.Errorf("blocks: %v %v", hashes, err)
	}
	if err := c.Call(&got, "eth_getFilterLogs", id); err != nil {
		t.Error(err)
	}
	var ok bool
	if err := c.Call(&ok, "eth_uninstallFilter", id); err != nil || !ok {
		t.Error(err)
	}
}

// A head whose block could not be had when it came is told with the next one, and once.
func TestHeadNotLost(t *testing.T) {
	l := newLab(t)
	c, err := rpc.Dial(l.ws)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	heads := make(chan *types.Header, 16)
	if _, err := c.EthSubscribe(t.Context(), heads, "newHeads"); err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 100)
	var healed atomic.Bool
	l.rpc.Bend = func(method string, _ []json.RawMessage, v any) any {
		if method != "eth_getBlockByHash" || healed.Load() {
			return v
		}
		asked <- struct{}{}
		return nil
	}
	wait := time.After(60 * time.Second)
	l.rpc.Move(92)
	l.beacon.Move(91)
	select {
	case <-asked:
	case <-wait:
		t.Fatal("not asked")
	}
	healed.Store(true)
	l.rpc.Move(95)
	l.beacon.Move(94)
	for n := uint64(91); n <= 94; n++ {
		select {
		case h := <-heads:
			if h.Number.Uint64() != n {
				t.Fatalf("head %v, want %d", h.Number, n)
			}
		case <-wait:
			t.Fatalf("no head %d", n)
		}
	}
}
