//go:build interop

package interop

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"golang.org/x/crypto/sha3"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/ens"
)

func ensDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PARS_LAB_ENS")
	if dir == "" {
		dir = "/var/cache/pars-lab/ens"
	}
	if _, err := os.Stat(filepath.Join(dir, "stamp")); err != nil {
		skip(t, "no contracts of ENS; run test/lab/install.sh")
	}
	return dir
}

// ensLab is real geth with a chain of its own, and the contracts of ENS on it.
type ensLab struct {
	t        *testing.T
	url      string
	rich     string
	key      *ecdsa.PrivateKey // of rich; nil: geth signs
	chain    int64
	registry ens.Address
}

// newENSLab starts a chain of geth's own making at free ports.
func newENSLab(t *testing.T) *ensLab {
	t.Helper()
	l := startENSLab(t, t.TempDir(), freePort(t))
	var accounts []string
	l.get(&accounts, "eth_accounts")
	if len(accounts) == 0 {
		t.Fatal("geth has no account")
	}
	l.rich = accounts[0]
	l.deployRegistry()
	return l
}

// devKey is the key of the account that is rich on the chain of test/lab/evm/genesis.json.
const devKey = "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291"

// newDevnetChain starts the chain of the profile devnet, where the profile says that it stands.
func newDevnetChain(t *testing.T) *ensLab {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command(gethOf(t), "--datadir", dir, "init", "../lab/evm/genesis.json").CombinedOutput(); err != nil {
		t.Fatalf("geth init: %v: %s", err, out)
	}
	l := startENSLab(t, dir, "8545")
	key, err := crypto.HexToECDSA(devKey)
	if err != nil {
		t.Fatal(err)
	}
	l.key, l.chain, l.rich = key, 32382, crypto.PubkeyToAddress(key.PublicKey).Hex()
	l.deployRegistry()
	return l
}

func (l *ensLab) deployRegistry() {
	l.t.Helper()
	l.registry = l.deploy(artifact(l.t, filepath.Join(ensDir(l.t), "ensdomains-ens-0.6.2/build/contracts/ENSRegistry.json")), nil)
}

func gethOf(t *testing.T) string {
	t.Helper()
	chainLab := os.Getenv("PARS_LAB_EVM")
	if chainLab == "" {
		chainLab = "/var/cache/pars-lab/evm"
	}
	geth := filepath.Join(chainLab, "bin", "geth")
	if _, err := os.Stat(geth); err != nil {
		skip(t, "no geth; run test/lab/install.sh")
	}
	return geth
}

// startENSLab starts geth on a folder and waits until it answers.
func startENSLab(t *testing.T, dir, port string) *ensLab {
	t.Helper()
	ensDir(t)
	cmd := exec.Command(gethOf(t), "--dev", "--datadir", dir, "--http", "--http.addr", "127.0.0.1", "--http.port", port, "--authrpc.port", freePort(t), "--ipcdisable", "--verbosity", "1")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			cmd.Process.Kill()
			t.Error("geth does not end")
		}
	})
	l := &ensLab{t: t, url: "http://127.0.0.1:" + port}
	for end := time.Now().Add(time.Minute); ; {
		_, err := l.ask("eth_chainId")
		if err == nil {
			return l
		}
		if time.Now().After(end) {
			t.Fatalf("geth does not answer: %v", err)
		}
		time.Sleep(50 * time.Millisecond) // sleep: until geth listens
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func artifact(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Bytecode string }
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return hexBytes(t, strings.TrimPrefix(v.Bytecode, "0x"))
}

func (l *ensLab) ask(method string, params ...any) (json.RawMessage, error) {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	resp, err := http.Post(l.url, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return ens.ParseRPC(b)
}

// get asks and reads the answer.
func (l *ensLab) get(into any, method string, params ...any) {
	l.t.Helper()
	raw, err := l.ask(method, params...)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		l.t.Fatalf("%s: %v", method, err)
	}
}

// sign makes a raw transaction.
func (l *ensLab) sign(to string, data []byte) string {
	l.t.Helper()
	var nonce, price string
	l.get(&nonce, "eth_getTransactionCount", l.rich, "pending")
	l.get(&price, "eth_gasPrice")
	tx := &types.LegacyTx{Nonce: hexutil.MustDecodeUint64(nonce), GasPrice: hexutil.MustDecodeBig(price), Gas: 6_000_000, Data: data}
	tx.GasPrice.Mul(tx.GasPrice, big.NewInt(2))
	if to != "" {
		a := common.HexToAddress(to)
		tx.To = &a
	}
	signed, err := types.SignNewTx(l.key, types.NewEIP155Signer(big.NewInt(l.chain)), tx)
	if err != nil {
		l.t.Fatal(err)
	}
	raw, err := signed.MarshalBinary()
	if err != nil {
		l.t.Fatal(err)
	}
	return hexutil.Encode(raw)
}

// send mines a transaction and returns its receipt's contract.
func (l *ensLab) send(to string, data []byte) ens.Address {
	l.t.Helper()
	tx := map[string]string{"from": l.rich, "data": "0x" + hex.EncodeToString(data), "gas": "0x5b8d80"}
	if to != "" {
		tx["to"] = to
	}
	method, what := "eth_sendTransaction", any(tx)
	if l.key != nil {
		method, what = "eth_sendRawTransaction", l.sign(to, data)
	}
	var hash string
	l.get(&hash, method, what)
	var receipt *struct {
		Status          string
		ContractAddress string
	}
	for end := time.Now().Add(time.Minute); receipt == nil; {
		raw, err := l.ask("eth_getTransactionReceipt", hash)
		if err == nil {
			err = json.Unmarshal(raw, &receipt)
		}
		if time.Now().After(end) {
			l.t.Fatalf("no receipt: %v", err)
		}
		time.Sleep(20 * time.Millisecond) // sleep: until the block is mined
	}
	if receipt.Status != "0x1" {
		l.t.Fatalf("the transaction failed: %+v", receipt)
	}
	if to != "" {
		return ens.Address{}
	}
	a, err := ens.ParseAddress(receipt.ContractAddress)
	if err != nil {
		l.t.Fatal(err)
	}
	return a
}

func (l *ensLab) deploy(code, args []byte) ens.Address {
	return l.send("", append(bytes.Clone(code), args...))
}

// own hands a name below a node of ours to a resolver.
func (l *ensLab) own(label, parent string, resolver ens.Address) {
	l.t.Helper()
	rich, err := ens.ParseAddress(l.rich)
	if err != nil {
		l.t.Fatal(err)
	}
	name := label
	if parent != "" {
		name += "." + parent
	}
	node, of, sub := ens.Namehash(name), ens.Namehash(parent), keccak256([]byte(label))
	l.send(l.registry.String(), call("setSubnodeOwner(bytes32,bytes32,address)", of[:], sub, word20(rich)))
	l.send(l.registry.String(), call("setResolver(bytes32,address)", node[:], word20(resolver)))
}

func keccak256(b []byte) []byte {
	k := sha3.NewLegacyKeccak256()
	k.Write(b)
	return k.Sum(nil)
}

func word20(a ens.Address) []byte { return append(make([]byte, 12), a[:]...) }

// text marks an argument that is a byte string of any length.
type text string

// call encodes a call; arguments are words, or text.
func call(signature string, args ...any) []byte {
	return append(keccak256([]byte(signature))[:4], arguments(args...)...)
}

func arguments(args ...any) []byte {
	var head, tail []byte
	for _, a := range args {
		switch a := a.(type) {
		case []byte:
			head = append(head, a...)
		case text:
			head = append(head, uint256(32*len(args)+len(tail))...)
			tail = append(append(tail, uint256(len(a))...), a...)
			tail = append(tail, make([]byte, -len(a)&31)...)
		}
	}
	return append(head, tail...)
}

func uint256(n int) []byte { return binary.BigEndian.AppendUint64(make([]byte, 24), uint64(n)) }

// pars runs pars-bootstrap ens resolve in this process.
func (l *ensLab) pars(code int, args ...string) string {
	l.t.Helper()
	var out, complaint bytes.Buffer
	line := append([]string{"pars-bootstrap", "ens", "resolve", "--rpc", l.url, "--profile", l.profile(), "--home", l.t.TempDir()}, args...)
	if got := cli.Run(l.t.Context(), bootstrap.App(), line, nil, &out, &complaint); got != code {
		l.t.Errorf("%v: exit %d, want %d: %s%s", args, got, code, out.String(), complaint.String())
	}
	return out.String()
}

// profile is that of the lab's chain.
func (l *ensLab) profile() string {
	l.t.Helper()
	name := filepath.Join(l.t.TempDir(), "lab.json")
	b := fmt.Sprintf(`{"name":"lab","chain_id":1337,"network":null,"chain":{"finality":"none","ens_registry":%q}}`, l.registry.String())
	if err := os.WriteFile(name, []byte(b), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return name
}

const ipfs = "e3010170122029f2d17be6139079dc48696d1f582a8530eb9805b561eda517e22a892c7e3f1f"
