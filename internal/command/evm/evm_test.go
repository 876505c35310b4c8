package evm

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	prof "github.com/pars-network/pars/pkg/profile"
)

func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), App(), append([]string{"pars-evm"}, args...), strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

const published = "../../../pkg/evm/light/spectest/testdata/vectors"

func TestVectors(t *testing.T) {
	out, errs, code := run(t, "vectors", published)
	if code != 0 || !strings.HasSuffix(out, "\n3 passed, 0 failed\n") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "minimal", "gloas"), os.DirFS(filepath.Join(published, "minimal", "deneb"))); err != nil {
		t.Fatal(err)
	}
	out, _, code = run(t, "vectors", dir, "--json")
	if code != 6 || !strings.HasSuffix(out, `{"passed":0,"failed":3}`+"\n") || !strings.Contains(out, "gloas") {
		t.Errorf("unknown fork: exit %d: %s", code, out)
	}
	if out, _, code := run(t, "vectors", t.TempDir()); code != 4 || out != "0 passed, 0 failed\n" {
		t.Errorf("empty folder: exit %d: %s", code, out)
	}
	if _, _, code := run(t, "vectors", filepath.Join(dir, "none")); code != 1 {
		t.Errorf("no folder: exit %d", code)
	}
}

func TestUsage(t *testing.T) {
	home := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"balance"}, 2, "ADDRESS"},
		{[]string{"balance", "0x12"}, 2, "no address"},
		{[]string{"storage", "0x71562b71999873DB5b286dF957af199Ec94617F7", "7"}, 2, "0x"},
		{[]string{"call", "--data", "0x"}, 2, "--to"},
		{[]string{"call", "--to", "0x71562b71999873DB5b286dF957af199Ec94617F7", "--data", "zz"}, 2, "--data"},
		{[]string{"call", "--to", "0x71562b71999873DB5b286dF957af199Ec94617F7", "--value", "-1"}, 2, "wei"},
		{[]string{"receipt", "0x12"}, 2, "no hash"},
		{[]string{"sync", "--checkpoint", "0x12", "--profile", "ethereum"}, 2, "--checkpoint"},
		{[]string{"sync", "--beacon", "ftp://x", "--profile", "ethereum"}, 2, "http"},
		{[]string{"sync", "--profile", "mars"}, 2, "unknown profile"},
		{[]string{"sync", "--profile", "ethereum"}, 4, "--checkpoint"},
		{[]string{"sync"}, 1, "publishes no proof of its blocks; nothing can be verified: name a chain that does with --profile ethereum, sepolia or a FILE"},
		{[]string{"stake", "0x71562b71999873DB5b286dF957af199Ec94617F7", "--profile", "ethereum"}, 4, "names no stake registry"},
		{[]string{"stake", "0x12", "--profile", "ethereum"}, 2, "no address"},
		{[]string{"wallet", "bind", "--profile", "ethereum"}, 4, "names no stake registry"},
		{[]string{"head", "--profile", "sepolia"}, 4, "checkpoint"},
		{[]string{"verify", "/dev/null", "--profile", "sepolia"}, 6, "no proof file"},
		{[]string{"wallet", "list"}, 4, "pars-node init"},
		{[]string{"wallet", "sign", "--to", "0x71562b71999873DB5b286dF957af199Ec94617F7"}, 2, "--nonce"},
		{[]string{"queue", "drop", "7"}, 2, "no id"},
		{[]string{"serve", "--wallet", "--profile", "ethereum"}, 2, "nobody is here to be asked"},
		{[]string{"logs", "--topic", "0x1", "--profile", "ethereum"}, 2, "--topic"},
	} {
		out, errs, code := run(t, append(c.args, "--home", home)...)
		if code != c.code || out != "" || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d, want %d: %s%s", c.args, code, c.code, out, errs)
		}
	}
}

// chainAt serves a chain made for now, so that its head is fresh.
func chainAt(t *testing.T) (profile, root string, c *evmtest.Chain) {
	t.Helper()
	c = evmtest.NewAt(60, uint64(time.Now().Unix())-60*10)
	b, r := httptest.NewServer(&evmtest.Beacon{Chain: c, Head: 55}), httptest.NewServer(&evmtest.RPC{Chain: c, Head: 56})
	t.Cleanup(b.Close)
	t.Cleanup(r.Close)
	p := *c.Profile
	p.Chain.Beacon, p.Chain.RPC = []string{b.URL}, []string{r.URL}
	p.Chain.Stake = &prof.Stake{Contract: strings.ToLower(c.Contract.Hex()), Slot: new(uint64), Unit: "1000", Cap: 5}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return name, c.Root(40).String(), c
}

func TestReads(t *testing.T) {
	profile, root, chain := chainAt(t)
	home := t.TempDir()
	at := func(args ...string) (string, string, int) {
		return run(t, append(args, "--home", home, "--profile", profile)...)
	}
	if out, errs, code := at("sync", "--checkpoint", root); code != 0 || !strings.HasPrefix(out, "55\t"+chain.Blocks[55].Hash().Hex()+"\tfinal 40\t") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	word := "0x" + strings.Repeat("0", 62)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"balance", evmtest.Payee().Hex()}, "91\n"}, {[]string{"balance", evmtest.Payee().Hex(), "--block", "40"}, "63\n"},
		{[]string{"nonce", chain.Addr.Hex(), "--block", "finalized"}, "29\n"}, {[]string{"code", chain.Contract.Hex()}, "0x" + evmtest.Runtime + "\n"},
		{[]string{"storage", chain.Contract.Hex(), "0x0"}, word + "37\n"}, {[]string{"call", "--to", chain.Contract.Hex(), "--block", "51"}, word + "33\n"},
		{[]string{"logs", "--address", chain.Contract.Hex(), "--since", "53"}, "53\t"}, {[]string{"receipt", chain.Blocks[53].Transactions()[0].Hash().Hex()}, "ok\tblock 53\t"},
		{[]string{"stake", chain.Addr.Hex()}, "0\t0\n"}, {[]string{"stake", chain.Addr.Hex(), "--json"}, `"wei":"0","score":0,"verified":true,"block":40,`},
		{[]string{"head"}, "55\t"}, {[]string{"balance", evmtest.Payee().Hex(), "--json"}, `"verified":true,"block":55,"hash":"` + chain.Blocks[55].Hash().Hex()},
	} {
		if out, errs, code := at(c.args...); code != 0 || !strings.Contains(out, c.want) {
			t.Errorf("%v: exit %d: %s%s, want %s", c.args, code, out, errs, c.want)
		}
	}
	file := filepath.Join(t.TempDir(), "proof")
	if _, errs, code := at("proof", chain.Contract.Hex(), "0x0", "-o", file); code != 0 {
		t.Fatalf("proof: exit %d: %s", code, errs)
	}
	if out, errs, code := at("verify", file); code != 0 || !strings.Contains(out, word+"37") {
		t.Errorf("verify: exit %d: %s%s", code, out, errs)
	}
	if out, errs, code := at("receipt", "0x"+strings.Repeat("ab", 32)); code != 1 || out != "" || !strings.Contains(errs, "cannot be proven") {
		t.Errorf("unknown transaction: exit %d: %s%s", code, out, errs)
	}
}
