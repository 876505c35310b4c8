//go:build interop && parsfull

package interop

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/node"
	"github.com/pars-network/pars/pkg/evm/deposit"
	"github.com/pars-network/pars/pkg/evm/wallet"
)

// A full node of ours follows a real chain over a restart, and a deposit of ours makes a validator there.
func TestEVMFull(t *testing.T) {
	t.Setenv("FULL", "1")
	t.Setenv("SLOT", "2")
	l := newEVMLab(t, "minimal", "19640")
	money, err := wallet.FromBytes(common.FromHex(labKey))
	if err != nil {
		t.Fatal(err)
	}
	l.firstDeposits(money)
	l.await("/eth/v1/beacon/light_client/optimistic_update", 2*time.Minute)
	root := l.checkpoint("head")
	start := time.Now()
	key := l.stake(t, money, root)
	t.Run("node", func(t *testing.T) { l.fullNode(t, root) })
	t.Run("pending", func(t *testing.T) { l.pending(t, key, start) })
	t.Run("twice", func(t *testing.T) { l.twice(t, money) })
}

// firstDeposits are those of the validators that the chain began with, in their order: so is the contract's tree.
func (l *evmLab) firstDeposits(money *wallet.Key) {
	l.t.Helper()
	order, _ := new(big.Int).SetString("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001", 16)
	for n := range uint64(16) {
		in := make([]byte, 32)
		in[0] = byte(n)
		h := sha256.Sum256(in)
		slices.Reverse(h[:])
		k, err := deposit.FromBytes(new(big.Int).Mod(new(big.Int).SetBytes(h[:]), order).FillBytes(make([]byte, 32)))
		if err != nil {
			l.t.Fatal(err)
		}
		pub := k.Pubkey()
		to := deposit.Credentials(sha256.Sum256(pub[:]))
		to[0] = 0
		d, err := k.Sign(to, deposit.Full, [4]byte{0, 0, 0, 1})
		if err != nil {
			l.t.Fatal(err)
		}
		contract := common.HexToAddress("0x4242424242424242424242424242424242424242")
		raw, err := money.Sign(32382, wallet.Tx{Nonce: n, To: &contract, Value: new(big.Int).Mul(big.NewInt(32), big.NewInt(1e18)), Data: d.Call(), Gas: 1_000_000,
			MaxFee: big.NewInt(20e9), Tip: big.NewInt(1e9)})
		if err != nil {
			l.t.Fatal(err)
		}
		l.ask("eth_sendRawTransaction", "0x"+hex.EncodeToString(raw))
	}
	for end := time.Now().Add(time.Minute); l.ask("eth_getTransactionCount", labRich, "latest") != "0x10"; time.Sleep(500 * time.Millisecond) { // sleep: a real chain makes its blocks when they are due
		if time.Now().After(end) {
			l.t.Fatal("the first deposits were not included")
		}
	}
}

func (l *evmLab) lines(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// payer makes a home with the money.
func (l *evmLab) payer(t *testing.T, money *wallet.Key) (home, words string) {
	t.Helper()
	home, words = t.TempDir(), l.lines(t, "words", strings.Repeat("abandon ", 23)+"art\n")
	var errs bytes.Buffer
	if code := cli.Run(t.Context(), node.App(), []string{"pars-node", "init", "--home", home, "--from-phrase", words, "--no-passphrase"}, nil, io.Discard, &errs); code != 0 {
		t.Fatalf("init: exit %d: %s", code, &errs)
	}
	v3, err := money.ExportV3([]byte("money"), wallet.Phone())
	if err != nil {
		t.Fatal(err)
	}
	_, stderr, code := l.runIn(t.Context(), home, l.profile, "wallet", "new", "--import", l.lines(t, "key", string(v3)), "--import-passphrase-file", l.lines(t, "pass", "money\n"))
	if code != 0 {
		t.Fatalf("import: exit %d: %s", code, stderr)
	}
	return home, words
}

const stakeTo = "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa"

// stake deposits, and returns the validator's key.
func (l *evmLab) stake(t *testing.T, money *wallet.Key, root string) string {
	t.Helper()
	home, words := l.payer(t, money)
	args := []string{"validator", "deposit", "--withdraw-to", stakeTo, "--yes", "--from-phrase", words, "--keystore-passphrase-file", l.lines(t, "pass", "eight or more\n"),
		"--checkpoint", root, "--json"}
	out, errs, code := l.runIn(t.Context(), home, l.profile, args...)
	var row struct {
		Pubkey, State, Keystore string
		Credentials             string `json:"withdrawal_credentials"`
	}
	if code != 0 || json.Unmarshal([]byte(out), &row) != nil || row.State != "sent" || row.Credentials != "0x010000000000000000000000"+strings.Repeat("aa", 20) {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	b, err := os.ReadFile(row.Keystore)
	if err != nil {
		t.Fatal(err)
	}
	l.sameKeystore(t, b, row.Pubkey)
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) { // sleep: a real chain makes its blocks when they are due
		out, errs, code = l.runIn(t.Context(), home, l.profile, "queue", "run", "--json")
		if strings.Contains(out, `"state":"included"`) || strings.Contains(out, `"state":"final"`) {
			break
		}
		if time.Now().After(end) || strings.Contains(out, `"state":"reverted"`) {
			t.Fatalf("exit %d: %s%s", code, out, errs)
		}
	}
	if _, errs, code := l.runIn(t.Context(), home, l.profile, args...); code != 1 || !strings.Contains(errs, "has a deposit already") {
		t.Errorf("a second time: exit %d: %s", code, errs)
	}
	return row.Pubkey
}

// sameKeystore lets the validator client's own library open a keystore.
func (l *evmLab) sameKeystore(t *testing.T, keystore []byte, key string) {
	t.Helper()
	const program = `const {Keystore} = require("@chainsafe/bls-keystore");
const main = async () => { const k = Keystore.parse(require("fs").readFileSync(0, "utf8")); const s = await k.decrypt("eight or more");
console.log(k.pubkey + " " + Buffer.from(s).length); }; main().catch((e) => { console.error(e); process.exit(1); });`
	js := exec.Command("node", "--require", "../lab/evm/newer.cjs", "-e", program)
	js.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(l.dir, "lodestar", "node_modules"))
	js.Stdin = bytes.NewReader(keystore)
	out, err := js.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != strings.TrimPrefix(key, "0x")+" 32" {
		t.Errorf("bls-keystore: %v: %s", err, out)
	}
}

// pending waits for the beacon node to know the validator.
func (l *evmLab) pending(t *testing.T, key string, start time.Time) {
	status := regexp.MustCompile(`"status":"(pending_[a-z]+|active_[a-z]+)"`)
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(time.Second) { // sleep: a real chain counts votes when they are due
		r, err := http.Get(l.beacon + "/eth/v1/beacon/states/head/validators?id=" + key)
		if err == nil {
			b, _ := io.ReadAll(r.Body)
			r.Body.Close()
			if m := status.FindSubmatch(b); m != nil {
				t.Logf("%s after %v", m[1], time.Since(start).Round(time.Second))
				return
			}
		}
		if time.Now().After(end) {
			t.Fatal("the beacon node does not know the validator")
		}
	}
}

// twice: another home with the same phrase learns of the deposit from the chain alone.
func (l *evmLab) twice(t *testing.T, money *wallet.Key) {
	home, words := l.payer(t, money)
	final := l.checkpoint("head")
	out, errs, code := l.runIn(t.Context(), home, l.profile, "validator", "deposit", "--withdraw-to", stakeTo, "--yes", "--from-phrase", words,
		"--keystore-passphrase-file", l.lines(t, "pass", "eight or more\n"), "--checkpoint", final)
	if code != 1 || out != "" || !regexp.MustCompile(`deposit 16 in block [0-9]+ pays 32000000000 Gwei`).MatchString(errs) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// fullNode runs pars-evm node as a process of its own.
func (l *evmLab) fullNode(t *testing.T, root string) {
	info, _ := l.ask("admin_nodeInfo").(map[string]any)
	enode := regexp.MustCompile(`@[^?]*`).ReplaceAllString(fmt.Sprint(info["enode"]), "@127.0.0.1:19644")
	home := t.TempDir()
	args := []string{"node", "--home", home, "--profile", l.profile, "--checkpoint", root, "--genesis", filepath.Join(l.dir, "deposit", "genesis.json"),
		"--peer", enode, "--listen", "none", "--http", "127.0.0.1:19645", "--json"}
	var last uint64
	for _, what := range []string{"first start", "restart"} {
		last = l.followFull(t, what, last, args)
	}
	if _, err := os.Stat(filepath.Join(home, "evm", "32382")); err != nil {
		t.Error(err)
	}
}

// followFull starts it, holds ten heads beside geth's blocks, and stops it as Ctrl-C does.
func (l *evmLab) followFull(t *testing.T, what string, after uint64, args []string) (last uint64) {
	t.Helper()
	began := time.Now()
	cmd := exec.Command("pars-evm", args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	heads := 0
	for lines := bufio.NewScanner(out); heads < 10 && lines.Scan(); {
		var row map[string]any
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if row["type"] == "ready" {
			t.Logf("%s: ready after %v", what, time.Since(began).Round(time.Millisecond))
			continue
		}
		if heads++; heads == 1 {
			t.Logf("%s: at block %v after %v, %s", what, row["number"], time.Since(began).Round(time.Millisecond), rss(cmd.Process.Pid))
		}
		l.sameHead(row)
		if last = uint64(row["number"].(float64)); last < after {
			t.Errorf("%s: block %d after %d", what, last, after)
		}
	}
	if heads < 10 {
		_ = cmd.Wait()
		t.Fatalf("%s: %d heads: %s", what, heads, &errs)
	}
	own := *l
	own.rpc = "http://127.0.0.1:19645"
	if got, want := own.ask("eth_getBalance", stakeContract, "latest"), l.ask("eth_getBalance", stakeContract, "latest"); got != want {
		t.Errorf("%s: balance %v, geth says %v", what, got, want)
	}
	t.Logf("%s: %s at block %d", what, rss(cmd.Process.Pid), last)
	_ = cmd.Process.Signal(syscall.SIGINT)
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("%s: ended with %v: %s", what, err, &errs)
	}
	return last
}

const stakeContract = "0x4242424242424242424242424242424242424242"

// rss is what a process holds of memory.
func rss(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return strings.Join(strings.Fields(string(regexp.MustCompile(`VmRSS:.*`).Find(b))), " ")
}
