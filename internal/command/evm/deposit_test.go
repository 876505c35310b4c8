package evm

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/evm/deposit"
	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/store/files"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// rich is a home whose wallet has the money of the chain, with a profile that names a deposit contract.
func rich(t *testing.T) (home, name, root string) {
	t.Helper()
	name, root, chain := chainAt(t)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p := &profile.Profile{}
	if err := json.Unmarshal(b, p); err != nil {
		t.Fatal(err)
	}
	p.Chain.Deposit = &profile.Deposit{Contract: strings.ToLower(evmtest.DepositContract().Hex()), ForkVersion: "0x00000001"}
	if b, err = json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	name = write(t, "profile.json", string(b))
	home = t.TempDir()
	keys, err := keystore.NewKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys.Entropy = make([]byte, 32)
	if disk := files.OS(home); keystore.Create(disk, keystore.File(disk), nil, keys, nil) != nil {
		t.Fatal("no keys")
	}
	k, err := wallet.FromBytes(chain.Secret())
	if err != nil {
		t.Fatal(err)
	}
	v3, err := k.ExportV3([]byte("money"), wallet.Phone())
	if err != nil {
		t.Fatal(err)
	}
	if _, errs, code := run(t, "wallet", "new", "--import", write(t, "key", string(v3)), "--import-passphrase-file", write(t, "pass", "money\n"), "--home", home, "--profile", name); code != 0 {
		t.Fatalf("import: exit %d: %s", code, errs)
	}
	return home, name, root
}

func TestDeposit(t *testing.T) {
	home, name, root := rich(t)
	words, pass := write(t, "words", strings.Repeat("abandon ", 23)+"art\n"), write(t, "pass", "eight or more\n")
	at := func(args ...string) (string, string, int) {
		return run(t, append([]string{"validator", "deposit", "--home", home, "--profile", name, "--checkpoint", root}, args...)...)
	}
	const to = "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa"
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "--withdraw-to"},
		{[]string{"--withdraw-to", to}, 2, "--yes"},
		{[]string{"--withdraw-to", "0xAAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa", "--yes"}, 2, "checksum"},
		{[]string{"--withdraw-to", to, "--yes"}, 2, "--keystore-passphrase-file"},
		{[]string{"--withdraw-to", to, "--yes", "--keystore-passphrase-file", write(t, "short", "seven\n")}, 2, "at least 8"},
		{[]string{"--withdraw-to", to, "--yes", "--amount", "33"}, 2, "32 ETH"},
		{[]string{"--withdraw-to", to, "--yes", "--amount", "31"}, 2, "32 ETH"},
		{[]string{"--withdraw-to", to, "--yes", "--amount", "99999999999999999"}, 2, "at most 2048"},
		{[]string{"--withdraw-to", to, "--yes", "--compounding"}, 1, "Electra"},
		{[]string{"--withdraw-to", to, "--yes", "--look-back", "5000"}, 2, "4096"},
		{[]string{"--withdraw-to", to, "--yes", "--sender", to}, 4, "no such key"},
	} {
		out, errs, code := at(append(c.args, "--from-phrase", words)...)
		if code != c.code || out != "" || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d: %s%s", c.args, code, out, errs)
		}
	}
	if l, _ := os.ReadDir(filepath.Join(home, "evm", "validators")); len(l) != 0 {
		t.Errorf("refused, and wrote %v", l)
	}
	good := []string{"--withdraw-to", to, "--yes", "--from-phrase", words, "--keystore-passphrase-file", pass, "--index", "3", "--json"}
	out, errs, code := at(good...)
	var row struct {
		Pubkey, Keystore, State, To, Wei, Amount, Hash string
		Root                                           string `json:"deposit_data_root"`
	}
	if code != 0 || json.Unmarshal([]byte(out), &row) != nil {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if row.State != "sent" || row.Wei != "32000000000000000000" || row.Amount != "32000000000" || row.To != evmtest.DepositContract().Hex() || row.Hash == "" {
		t.Errorf("got %s", out)
	}
	b, err := os.ReadFile(row.Keystore)
	if err != nil {
		t.Fatal(err)
	}
	f, err := deposit.DecodeKeystore(b)
	if err != nil || f.Path != "m/12381/3600/3/0/0" || "0x"+f.Pubkey != row.Pubkey {
		t.Errorf("keystore %s: %v", b, err)
	}
	if strings.Contains(out+errs, "abandon") || strings.Contains(string(b)+out+errs, "eight or more") {
		t.Error("a secret was told")
	}
	queue, _, _ := run(t, "queue", "ls", "--json", "--home", home, "--profile", name)
	if !strings.Contains(queue, row.Hash) {
		t.Errorf("queue: %s", queue)
	}
	if out, errs, code := at(good...); code != 1 || out != "" || !strings.Contains(errs, "has a deposit already") {
		t.Errorf("a second time: exit %d: %s%s", code, out, errs)
	}
	if after, _, _ := run(t, "queue", "ls", "--json", "--home", home, "--profile", name); after != queue {
		t.Errorf("refused, and the queue is %s", after)
	}
	if _, err := hex.DecodeString(strings.TrimPrefix(row.Root, "0x")); err != nil || len(row.Root) != 66 {
		t.Errorf("root %s", row.Root)
	}
}
