//go:build parsfull

package full

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/wire"
)

// lab is an execution node that has a chain, and a beacon node that tells of its heads.
type lab struct {
	t      *testing.T
	chain  *evmtest.Chain
	beacon *evmtest.Beacon
	source *node.Node
	url    string
}

func newLab(t *testing.T, head uint64) *lab {
	t.Helper()
	l := &lab{t: t, chain: evmtest.NewAt(80, uint64(time.Now().Unix())-65*10)}
	l.beacon = &evmtest.Beacon{Chain: l.chain, Head: head}
	web := httptest.NewServer(l.beacon)
	t.Cleanup(web.Close)
	l.url = web.URL
	stack, err := node.New(&node.Config{Name: "source", DataDir: t.TempDir(), P2P: p2p.Config{MaxPeers: 5, NoDiscovery: true, ListenAddr: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := ethconfig.Defaults
	cfg.Genesis, cfg.SyncMode = l.chain.Genesis, ethconfig.FullSync
	backend, err := eth.New(stack, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := stack.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stack.Close() })
	if _, err := backend.BlockChain().InsertChain(l.chain.Blocks[1:]); err != nil {
		t.Fatal(err)
	}
	l.source = stack
	return l
}

func (l *lab) client() *evm.Client {
	l.t.Helper()
	c := &evm.Client{Profile: l.chain.Profile, Now: time.Now, Checkpoint: evm.Hash(l.chain.Root(24))}
	if err := c.Open(); err != nil {
		l.t.Fatal(err)
	}
	b, err := evm.NewBeacon(l.url, evm.NewHTTP(), c.Spec())
	if err != nil {
		l.t.Fatal(err)
	}
	c.Sources = []evm.Source{b}
	return c
}

// node is one of ours in a folder.
func (l *lab) node(dir string) (*Node, chan evm.Head) {
	l.t.Helper()
	heads := make(chan evm.Head, 64)
	http, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	return &Node{Client: l.client(), Genesis: &Genesis{l.chain.Genesis}, Dir: dir, Peers: []string{l.source.Server().Self().URLv4()}, Cache: 64,
		HTTP: http, Version: "test/1", Tell: func(h evm.Head) { heads <- h }}, heads
}

// reach waits for a head to be executed.
func (l *lab) reach(heads chan evm.Head, number uint64) {
	l.t.Helper()
	for late := time.After(30 * time.Second); ; {
		select {
		case h := <-heads:
			if h.Hash != evm.Hash(l.chain.Blocks[h.Number].Hash()) {
				l.t.Fatalf("executed %v, which is no block of the chain", h.Hash)
			}
			if h.Number == number {
				return
			}
		case <-late:
			l.t.Fatalf("block %d was not executed", number)
		}
	}
}

// ask is one question over HTTP; result is nil for an answer that is no success.
func ask(t *testing.T, n *Node, method string, params ...any) (result any, text string) {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": append([]any{}, params...)})
	r, err := http.Post("http://"+n.HTTP.Addr().String(), "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	var v struct{ Result any }
	_ = json.Unmarshal(b, &v)
	return v.Result, string(b)
}

// A node goes to the head that was signed, follows it, and goes on from its disk.
func TestFollow(t *testing.T) {
	l, dir := newLab(t, 60), t.TempDir()
	n, heads := l.node(dir)
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	l.reach(heads, 60)
	if s := n.Status(); !s.Synced || s.Block != 60 || s.Peers != 1 || s.Head != 60 {
		t.Errorf("%+v", s)
	}
	for method, want := range map[string]string{"eth_blockNumber": "0x3c", "eth_chainId": "0x539", "web3_clientVersion": "test/1", "net_version": "1337"} {
		if got, text := ask(t, n, method); got != want {
			t.Errorf("%s: %s", method, text)
		}
	}
	if got, text := ask(t, n, "eth_getBalance", evmtest.Payee().Hex(), "latest"); got != "0x62" { // 14 times 7
		t.Errorf("balance: %s", text)
	}
	if got, text := ask(t, n, "eth_getProof", evmtest.Payee().Hex(), []string{}, "latest"); got == nil {
		t.Errorf("proof: %s", text)
	}
	if got, text := ask(t, n, "eth_getLogs", map[string]any{"fromBlock": "0x1", "toBlock": "0x3c", "address": l.chain.Contract}); got == nil || len(got.([]any)) != 29 {
		t.Errorf("logs: %.200s", text)
	}
	for _, method := range []string{"admin_nodeInfo", "debug_setHead", "miner_setGasPrice", "engine_forkchoiceUpdatedV3", "engine_newPayloadV4"} {
		if got, text := ask(t, n, method); got != nil || !strings.Contains(text, "-32601") {
			t.Errorf("%s: %s", method, text)
		}
	}
	l.beacon.Move(63)
	if err := n.Client.Sync(t.Context()); err != nil { // as Follow does once a slot
		t.Fatal(err)
	}
	n.drive.wake()
	l.reach(heads, 63)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Start(); err == nil {
		t.Error("started again")
	}

	n, heads = l.node(dir)
	n.Peers, n.Listen = nil, "127.0.0.1:0" // what is there needs nobody
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	l.reach(heads, 63)
	other, _ := l.node(dir)
	if err := other.Start(); !errors.Is(err, wire.ErrBusy) {
		t.Errorf("two in one folder: %v", err)
	}
	other.HTTP.Close()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// A head that no peer has is waited for, and told of as not synced.
func TestUnknownHead(t *testing.T) {
	l := newLab(t, 60)
	n, heads := l.node(t.TempDir())
	n.Peers, n.Listen = nil, "127.0.0.1:0"
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for { // until the light client has a head
		if s := n.Status(); s.Head == 60 {
			if s.Synced || s.Block != 0 || !strings.Contains(s.String(), "no peer") {
				t.Errorf("%+v, %v", s, s)
			}
			break
		}
		select {
		case <-n.Done():
			t.Fatal("ended")
		case <-time.After(10 * time.Millisecond): // sleep: nobody tells of a head that was not executed
		}
	}
	if got, text := ask(t, n, "eth_blockNumber"); got != nil || !strings.Contains(text, "not synced") {
		t.Errorf("answers from block 0: %s", text)
	}
	l.source.Server().AddPeer(n.stack.Server().Self()) // it comes to us
	l.reach(heads, 60)
	if got, text := ask(t, n, "eth_blockNumber"); got != "0x3c" {
		t.Errorf("block number: %s", text)
	}
}

func TestRefused(t *testing.T) {
	l := newLab(t, 60)
	for name, test := range map[string]struct {
		change func(*Node)
		want   error
	}{
		"no enode":      {func(n *Node) { n.Peers = []string{"http://127.0.0.1"} }, ErrSetting},
		"a host name":   {func(n *Node) { n.Listen = "localhost:1" }, ErrSetting},
		"no port":       {func(n *Node) { n.Listen = "127.0.0.1" }, ErrSetting},
		"no genesis":    {func(n *Node) { n.Genesis = nil }, wire.ErrInvalid},
		"another chain": {func(n *Node) { n.Genesis = KnownGenesis(1) }, evm.ErrChain},
	} {
		n, _ := l.node(t.TempDir())
		test.change(n)
		if err := n.Start(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := n.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
		n.HTTP.Close()
	}
	open, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	n, _ := l.node(t.TempDir())
	n.HTTP.Close()
	n.HTTP = open
	if err := n.Start(); !errors.Is(err, ErrSetting) {
		t.Errorf("JSON-RPC for all: %v", err)
	}
	if _, err := net.Dial("tcp", open.Addr().String()); err == nil {
		t.Error("and it listens")
	}
}

// A folder of another genesis is left as it is.
func TestAnotherGenesis(t *testing.T) {
	l, dir := newLab(t, 60), t.TempDir()
	n, heads := l.node(dir)
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	l.reach(heads, 60)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	other := *l.chain.Genesis
	other.Timestamp++
	n, _ = l.node(dir)
	n.Genesis = &Genesis{&other}
	if err := n.Start(); !errors.Is(err, wire.ErrInvalid) || !strings.Contains(err.Error(), "another genesis") {
		t.Errorf("got %v", err)
	}
}

// Without a checkpoint there is nothing to follow, and that is told.
func TestEnds(t *testing.T) {
	l := newLab(t, 60)
	n, _ := l.node(t.TempDir())
	n.Client.Checkpoint = evm.Hash{}
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	<-n.Done()
	if err := n.Close(); !errors.Is(err, evm.ErrNoCheckpoint) {
		t.Errorf("got %v", err)
	}
}

func genesisFile(f interface{ Fatal(...any) }, l *evmtest.Chain) []byte {
	b, err := json.Marshal(l.Genesis)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

func TestGenesis(t *testing.T) {
	good := string(genesisFile(t, evmtest.New(1)))
	if g, err := DecodeGenesis([]byte(good), 1337); err != nil || g.block.ToBlock().Hash() != evmtest.New(1).Blocks[0].Hash() {
		t.Errorf("%v", err)
	}
	if _, err := DecodeGenesis([]byte(good), 1); !errors.Is(err, evm.ErrChain) {
		t.Errorf("another chain: %v", err)
	}
	for name, c := range map[string][2]string{
		"no JSON":       {`{`, `[`},
		"no chain":      {`"chainId":1337`, `"chainId":null`},
		"proof of work": {`"terminalTotalDifficulty":0`, `"terminalTotalDifficulty":null`},
		"clique":        {`"config":{`, `"config":{"clique":{"period":1,"epoch":1},`},
		"fork order":    {`"londonBlock":0`, `"londonBlock":null`},
		"limit":         {`"gasLimit":"`, `"gasLimit":"zz`},
	} {
		bad := strings.Replace(good, c[0], c[1], 1)
		if bad == good {
			t.Fatalf("%s: %s does not occur in %.900s", name, c[0], good)
		}
		if _, err := DecodeGenesis([]byte(bad), 1337); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodeGenesis(make([]byte, MaxGenesis+1), 1); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("large: %v", err)
	}
	if KnownGenesis(1) == nil || KnownGenesis(11155111) == nil || KnownGenesis(5) != nil {
		t.Error("built in")
	}
}

func FuzzDecodeGenesis(f *testing.F) {
	f.Add(genesisFile(f, evmtest.New(1)))
	f.Add([]byte(`{"config":{"chainId":1337,"terminalTotalDifficulty":0}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := DecodeGenesis(b, 1337); err != nil && !errors.Is(err, wire.ErrInvalid) {
			t.Fatal(err)
		}
	})
}
