//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/evm"
	"github.com/pars-network/pars/internal/command/node"
)

const labWords = "0xF278cF59F82eDcf871d630F28EcC8056f25C1cdb" // of "abandon" x 23 "art"

// terminal allows every question that a program asks through serve --wallet, and keeps what was shown.
type terminal struct {
	in    io.Writer
	shown bytes.Buffer
	url   chan string
}

func (x *terminal) read(r io.Reader) {
	rest := ""
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		x.shown.Write(buf[:n])
		rest += string(buf[:n])
		for {
			line, after, ok := strings.Cut(rest, "\n")
			if !ok {
				break
			}
			rest = after
			if m := regexp.MustCompile(`ready\t(http://[0-9.:]+)`).FindStringSubmatch(line); m != nil {
				x.url <- m[1]
			}
			if m := regexp.MustCompile(`type ([0-9]{4}) to allow`).FindStringSubmatch(line); m != nil {
				_, _ = io.WriteString(x.in, m[1]+"\n")
			}
		}
		if err != nil {
			return
		}
	}
}

// Ethers and viem get addresses, signatures and payments from a wallet at a real terminal; the contract they deploy is
// a registry of stakes, read by proof in both forms under the final head of a real chain.
func TestEVMWalletAndStake(t *testing.T) {
	l := newEVMLab(t, "minimal", "19640")
	l.await("/eth/v1/beacon/light_client/optimistic_update", 2*time.Minute)
	words := filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(words, []byte(strings.Repeat("abandon ", 23)+"art\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	if code := cli.Run(t.Context(), node.App(), []string{"pars-node", "init", "--home", l.home, "--from-phrase", words, "--no-passphrase"}, nil, io.Discard, &errs); code != 0 {
		t.Fatalf("init: exit %d: %s", code, &errs)
	}
	if a := l.must("wallet", "new")["address"]; a != labWords {
		t.Fatalf("address %v", a)
	}
	l.must("sync", "--checkpoint", l.checkpoint("head"))
	contract := l.programs(t)
	l.stakes(t, contract)
}

// programs runs the wallet at a terminal, and the programs that ask it.
func (l *evmLab) programs(t *testing.T) (contract string) {
	c := exec.Command("script", "-qefc", "pars-evm serve --wallet --http 127.0.0.1:0 --home "+l.home+" --profile "+l.profile, "/dev/null")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{in: in, url: make(chan string, 1)}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); x.read(out) }()
	var url string
	select {
	case url = <-x.url:
	case <-time.After(time.Minute):
		t.Error("serve is not ready")
	}
	if url != "" {
		hex, err := os.ReadFile("../lab/evm/stakes/stakes.hex")
		if err != nil {
			t.Fatal(err)
		}
		ask := exec.Command("node", "--require", "../lab/evm/newer.cjs", filepath.Join(l.dir, "client", "wallet.mjs"), url, l.rpc, "0x"+strings.TrimSpace(string(hex)))
		got, err := ask.CombinedOutput()
		if err != nil {
			t.Errorf("wallet.mjs: %v: %s", err, got)
		}
		lines := strings.Split(strings.TrimSpace(string(got)), "\n")
		t.Log(strings.Join(lines, "; "))
		contract = strings.ToLower(lines[len(lines)-1])
	}
	_, _ = io.WriteString(in, "\x03") // Ctrl-C
	_ = c.Wait()
	<-done
	shown := x.shown.String()
	for _, want := range []string{"to know the addresses", `salam`, "evil", "to sign Order", "for Shop", `"what": "tea"`, "to make a new contract", "with 0.000000000000005 (5000 wei)"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	if strings.Contains(shown, "\u202e") {
		t.Error("a mark of direction reached the terminal")
	}
	if t.Failed() {
		t.Fatalf("the terminal showed:\n%s", shown)
	}
	return contract
}

// stakes reads the registry under a head that is final since the stake was paid, and binds the node to it.
func (l *evmLab) stakes(t *testing.T, contract string) {
	b, err := os.ReadFile(l.profile)
	if err != nil {
		t.Fatal(err)
	}
	for form, field := range map[string]string{"call": ``, "slot": `"slot": 0, `} {
		name := filepath.Join(t.TempDir(), "profile.json")
		with := `{"stake": {"contract": "` + contract + `", ` + field + `"unit": "2000", "cap": 5}, "finality"`
		if err := os.WriteFile(name, bytes.Replace(b, []byte(`{"finality"`), []byte(with), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, code := l.runIn(t.Context(), t.TempDir(), name, "stake", labWords, "--checkpoint", l.checkpoint("head"), "--json")
		if code != 0 || !strings.Contains(out, `"wei":"5000","score":2.5,"verified":true`) || !strings.Contains(out, `"finalized":true`) {
			t.Errorf("%s: exit %d: %s%s", form, code, out, errs)
		}
		out, errs, code = l.runIn(t.Context(), l.home, name, "wallet", "bind", "--json")
		var row struct {
			Account, Binding string
			Peer             string `json:"peer_id"`
		}
		if code != 0 || json.Unmarshal([]byte(out), &row) != nil || row.Account != labWords || !strings.HasPrefix(row.Peer, "12D3KooW") {
			t.Errorf("bind: exit %d: %s%s", code, out, errs)
		}
	}
	out, errs, code := cliRun(t, "queue", "ls", "--home", l.home, "--profile", l.profile)
	if code != 0 || strings.Count(out, "\n") != 2 {
		t.Errorf("queue: exit %d: %s%s", code, out, errs)
	}
}

func cliRun(t *testing.T, args ...string) (string, string, int) {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), evm.App(), append([]string{"pars-evm"}, args...), strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}
