//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pars-network/pars/pkg/bootstrap/ens"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

// The published registry and resolver on real geth, and resolvers assembled here for what came later: a wildcard, and answers from off the chain.
func TestENS(t *testing.T) {
	l := newENSLab(t)
	public := l.deploy(artifact(t, filepath.Join(ensDir(t), "ensdomains-resolver-0.3.1/build/contracts/PublicResolver.json")), word20(l.registry))
	wild := l.deploy(creation(wildcardCode()), nil)
	asked := []string{}
	gateway := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked = append(asked, q.URL.Path)
		fmt.Fprintf(w, `{"data":"0x%x"}`, arguments(text("from afar")))
	}))
	defer gateway.Close()
	off := l.deploy(creation(offchainCode(gateway.URL+"/{sender}/{data}.json")), nil)
	l.own("eth", "", ens.Address{})
	l.own("pars", "eth", public)
	l.own("wild", "eth", wild)
	l.own("off", "eth", off)

	node := ens.Namehash("pars.eth")
	list := "pars:list/" + strings.Repeat("A", 1200)
	l.send(public.String(), call("setText(bytes32,string,string)", node[:], text("pars.list"), text(list)))
	l.send(public.String(), call("setAddr(bytes32,address)", node[:], word20(wild)))
	l.send(public.String(), call("setContenthash(bytes32,bytes)", node[:], text(hexBytes(t, ipfs))))

	has(t, l.pars(0, "PARS.eth"), "resolver\t"+public.String()+"\tunverified", "address\t"+wild.String(), "contenthash\tipfs://bafybei")
	has(t, l.pars(0, "pars.eth", "--text", "pars.list", "--own", "--json"), `"value":"`+list+`"`, `"verified":true`)
	has(t, l.pars(3, "pars.eth", "--text", "pars.list", "--text", "nothing"), list+"\tunverified")
	l.pars(4, "pars.eth", "--text", "nothing")
	l.pars(4, "nobody.eth")
	l.pars(4, "below.pars.eth") // the public resolver answers for no name below
	l.pars(2, "\u067eارس.eth")
	l.pars(2, "pars.eth", "--profile", "ethereum") // another chain

	r := &ens.Resolver{Caller: &ens.RPC{URL: l.url}, Registry: l.registry}
	f, err := r.Find(t.Context(), "a.b.wild.eth")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Text(t.Context(), f, "k"); got != "\x01a\x01b\x04wild\x03eth\x00" || f.Of != "wild.eth" || err != nil {
		t.Errorf("wildcard: %q, %+v, %v", got, f, err)
	}
	if f, err = r.Find(t.Context(), "x.off.eth"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Text(t.Context(), f, "k"); !errors.Is(err, ens.ErrGateway) || len(asked) != 0 {
		t.Errorf("without a gateway: %v, asked %v", err, asked)
	}
	r.Gateway = ens.NewWeb()
	if _, err := r.Text(t.Context(), f, "k"); !errors.Is(err, ens.ErrGateway) || len(asked) != 0 {
		t.Errorf("a gateway on loopback: %v, asked %v", err, asked)
	}
	r.Gateway = &ens.Web{Client: gateway.Client()}
	if got, err := r.Text(t.Context(), f, "k"); got != "from afar" || err != nil || len(asked) != 1 || !strings.HasPrefix(asked[0], "/"+off.String()+"/0x") {
		t.Errorf("off the chain: %q, %v, asked %v", got, err, asked)
	}
	r.Registry = wild // a contract, but no registry
	if _, err := r.Find(t.Context(), "pars.eth"); err == nil {
		t.Error("a contract that is no registry has names")
	}
	r.Registry = ens.Address{1}
	if _, err := r.Find(t.Context(), "pars.eth"); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("nothing at the registry's address: %v", err)
	}
}

// proven is a Caller that runs contracts on state which the light client has proven.
type proven struct {
	client *evm.Client
	calls  int
}

func (p *proven) Call(ctx context.Context, to [20]byte, data []byte) ([]byte, error) {
	p.calls++
	r, err := p.client.Call(ctx, evm.Address(to), data, "latest")
	var revert *evm.RevertError
	if errors.As(err, &revert) {
		return nil, &ens.RevertError{Data: revert.Data}
	}
	return r.Return, err
}

// light opens a light client on a server of state.
func (l *evmLab) light(t *testing.T, rpc, root string) *evm.Client {
	t.Helper()
	p, err := profile.Load(l.profile, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	c := &evm.Client{Profile: p, Now: time.Now}
	if c.Checkpoint, err = evm.ParseHash(root); err != nil {
		t.Fatal(err)
	}
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	h := evm.NewHTTP()
	b, err := evm.NewBeacon(l.beacon, h, c.Spec())
	if err != nil {
		t.Fatal(err)
	}
	r, err := evm.NewRPC(rpc, h)
	if err != nil {
		t.Fatal(err)
	}
	c.Sources, c.RPCs = []evm.Source{b}, []*evm.RPC{r}
	return c
}

// The same names on state that our light client proves, from a checkpoint of a real beacon chain; and from a server that lies.
func TestENSProven(t *testing.T) {
	chain := newEVMLab(t, "minimal", "19700")
	chain.await("/eth/v1/beacon/light_client/optimistic_update", 2*time.Minute)
	root := chain.checkpoint("head")
	key, err := crypto.HexToECDSA(labKey)
	if err != nil {
		t.Fatal(err)
	}
	l := &ensLab{t: t, url: chain.rpc, rich: strings.ToLower(labRich), key: key, chain: 32382}
	dir := ensDir(t)
	l.registry = l.deploy(artifact(t, filepath.Join(dir, "ensdomains-ens-0.6.2/build/contracts/ENSRegistry.json")), nil)
	public := l.deploy(artifact(t, filepath.Join(dir, "ensdomains-resolver-0.3.1/build/contracts/PublicResolver.json")), word20(l.registry))
	wild := l.deploy(creation(wildcardCode()), nil)
	l.own("eth", "", ens.Address{})
	l.own("pars", "eth", public)
	l.own("wild", "eth", wild)
	node := ens.Namehash("pars.eth")
	l.send(public.String(), call("setText(bytes32,string,string)", node[:], text("pars.list"), text("pars:list/AAAA")))
	var number string
	l.get(&number, "eth_blockNumber")

	c := chain.light(t, chain.rpc, root)
	for end := time.Now().Add(2 * time.Minute); ; {
		err := c.Sync(t.Context())
		if h, ok := c.Head(); ok && h.Number >= hexutil.MustDecodeUint64(number) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no head after the deployment: %v", err)
		}
		time.Sleep(500 * time.Millisecond) // sleep: a real chain makes its blocks when they are due
	}
	p := &proven{client: c}
	r := &ens.Resolver{Caller: p, Registry: l.registry}
	for name, want := range map[string]string{"pars.eth": "pars:list/AAAA", "a.wild.eth": "\x01a\x04wild\x03eth\x00"} {
		f, err := r.Find(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Text(t.Context(), f, "pars.list"); got != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := r.Find(t.Context(), "nobody.eth"); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("nobody.eth: %v", err)
	}
	t.Logf("%d calls on proven state", p.calls)

	liar := httptest.NewServer(bending(chain.rpc, "", func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte(hex.EncodeToString(public[:])), []byte(hex.EncodeToString(wild[:])))
	}))
	defer liar.Close()
	bad := chain.light(t, liar.URL, root)
	if err := bad.Sync(t.Context()); err != nil {
		t.Logf("sync: %v", err)
	}
	r.Caller = &proven{client: bad}
	if f, err := r.Find(t.Context(), "pars.eth"); err == nil {
		t.Errorf("a liar's resolver is believed: %+v", f)
	}
	r.Caller = &ens.RPC{URL: liar.URL}
	if f, err := r.Find(t.Context(), "pars.eth"); err != nil || f.Resolver != wild {
		t.Errorf("the same lie by RPC alone: %+v, %v; it should pass there, or nothing was shown", f, err)
	}
}

// What we take ENSIP-15 takes, and makes the same of it; what it refuses we refuse.
func TestNormalizeReference(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	letters := []rune("aAbZz019-__--..")
	var names []string
	for range 20_000 {
		var b strings.Builder
		for range 1 + r.IntN(12) {
			if r.IntN(40) == 0 {
				b.WriteRune(rune(r.IntN(0x3000)))
				continue
			}
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		names = append(names, b.String())
	}
	var in bytes.Buffer
	for _, n := range names {
		b, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(b, '\n'))
	}
	cmd := exec.Command("node", "../lab/ens/normalize.js", ensDir(t))
	cmd.Stdin, cmd.Stderr = &in, t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(names) {
		t.Fatalf("%d answers to %d names", len(lines), len(names))
	}
	taken := 0
	for i, name := range names {
		got, err := ens.Normalize(name)
		if err != nil {
			continue
		}
		if taken++; got != lines[i] {
			t.Errorf("%q: %q, the reference says %q", name, got, lines[i])
		}
	}
	if t.Logf("%d of %d names are taken", taken, len(names)); taken < 2000 {
		t.Error("too few")
	}
}
