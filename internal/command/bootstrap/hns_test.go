package bootstrap

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/ens"
)

// A source of ENS is what the road through texts wants.
var _ bootstrap.TextSource = (*ens.Source)(nil)

// hnsHomeOf is a home that holds the chain which hsd mined for the tests of the library.
func hnsHomeOf(t *testing.T) (home, data string) {
	t.Helper()
	home, data = t.TempDir(), "../../../pkg/bootstrap/hns/testdata"
	b, err := os.ReadFile(filepath.Join(data, "regtest.chain"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(home, "cache"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "cache", "hns-ae3895cf"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return home, data
}

func TestHNSVerify(t *testing.T) {
	home, data := hnsHomeOf(t)
	out, _ := run(t, home, 0, "", "hns", "verify", filepath.Join(data, "parsgood.slip"), "--chain", "regtest")
	if !strings.HasPrefix(out, "parsgood.\tDS\t9535 15 2 99478AD785") || !strings.Contains(out, "\nparsgood.\tTXT\t\"pars1 h=00 q=7\"\n") {
		t.Errorf("%q", out)
	}
	out, _ = run(t, home, 0, "", "hns", "verify", filepath.Join(data, "parsgood.slip"), "--chain", "regtest", "--json")
	var r hnsRecord
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &r); err != nil || r.Type != "DS" || r.Tag != 9535 || !r.Verified {
		t.Errorf("%q, %v", out, err)
	}
	b, err := os.ReadFile(filepath.Join(data, "parsgood.slip"))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	for _, tc := range []struct {
		code  int
		in    string
		flags []string
		says  string
	}{
		{4, "", []string{filepath.Join(data, "absent.slip"), "--chain", "regtest"}, "nobody has it"},
		{6, string(b), []string{"-", "--chain", "regtest"}, "root"},
		{6, "PHN1", []string{"-", "--chain", "regtest"}, "short"},
		{4, "", []string{filepath.Join(data, "parsgood.slip")}, "does not hold; sync"}, // the main net does not hold that root
		{2, "", []string{filepath.Join(data, "parsgood.slip"), "--chain", "moon"}, "known are main"},
	} {
		out, errs := run(t, home, tc.code, tc.in, append([]string{"hns", "verify"}, tc.flags...)...)
		if out != "" || !strings.Contains(errs, tc.says) {
			t.Errorf("%v: %q, %q", tc.flags, out, errs)
		}
	}
}

// The state is verified when it is read; one that is damaged is begun anew, and said so.
func TestHNSStatus(t *testing.T) {
	home, _ := hnsHomeOf(t)
	out, _ := run(t, home, 0, "", "hns", "status", "--chain", "regtest")
	if !strings.HasPrefix(out, "146\t7962d0e29c71") {
		t.Errorf("%q", out)
	}
	name := filepath.Join(home, "cache", "hns-ae3895cf")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[5000] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs := run(t, home, 0, "", "hns", "status", "--chain", "regtest")
	if !strings.HasPrefix(out, "0\tae3895cf") || !strings.Contains(errs, "beginning again") {
		t.Errorf("%q, %q", out, errs)
	}
	if out, _ := run(t, t.TempDir(), 0, "", "hns", "status"); !strings.HasPrefix(out, "136149\t") {
		t.Errorf("%q", out)
	}
}

func TestNameUsage(t *testing.T) {
	for _, args := range [][]string{
		{"hns"}, {"hns", "resolve", "-x-", "--chain", "regtest", "--peer", "127.0.0.1:1"}, {"hns", "resolve", "a", "--chain", "regtest"}, {"hns", "sync", "--agree", "0", "--peer", "127.0.0.1:1"},
		{"hns", "resolve", "local"}, {"ens", "resolve", "a.eth"}, {"ens", "resolve", "a.eth", "--rpc", "http://127.0.0.1:1", "--registry", "12"},
	} {
		if out, _ := run(t, t.TempDir(), 2, "", args...); out != "" {
			t.Errorf("%v: %q", args, out)
		}
	}
	if _, errs := run(t, t.TempDir(), 1, "", "hns", "sync", "--chain", "regtest", "--peer", "127.0.0.1:1"); !strings.Contains(errs, "127.0.0.1:1") {
		t.Errorf("%q", errs)
	}
}
