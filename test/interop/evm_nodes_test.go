//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// started runs a command of ours until the test ends and returns what matched in its first line.
func started(t *testing.T, first *regexp.Regexp, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	c.Stderr = &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
	})
	line, err := r.ReadString('\n')
	m := first.FindString(line)
	if err != nil || m == "" {
		t.Fatalf("%s %v: %q %v: %s", name, args, line, err, &errs)
	}
	go r.WriteTo(discard{})
	return m
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// chainOf is what the status of a node says of the chain.
func chainOf(t *testing.T, home string) (st struct {
	State    string         `json:"state"`
	Number   uint64         `json:"number"`
	Hash     string         `json:"hash"`
	From     string         `json:"head_from"`
	Gateways int            `json:"gateways"`
	Heard    int            `json:"heard"`
	Queue    map[string]int `json:"queue"`
}) {
	t.Helper()
	out, err := exec.Command("pars-node", "status", "--home", home, "--json").Output()
	var v struct{ EVM json.RawMessage }
	if err != nil || json.Unmarshal(out, &v) != nil || json.Unmarshal(v.EVM, &st) != nil {
		t.Fatalf("status: %v: %s", err, out)
	}
	return st
}

// nodes: three real nodes on a real chain. One is a gateway; the second knows no server, finds it by its role, reads and
// pays through it, from a draft queued before anything ran to the final block; the third hears heads from the second by gossip.
func (l *evmLab) nodes(t *testing.T, root string) {
	b, err := os.ReadFile(l.profile)
	if err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(t.TempDir(), "bare.json")
	b = regexp.MustCompile(`"(beacon|rpc)": \[[^\]]*\]`).ReplaceAll(b, []byte(`"$1": []`))
	if err := os.WriteFile(bare, b, 0o600); err != nil {
		t.Fatal(err)
	}
	home := func() string {
		dir, err := os.MkdirTemp("", "pars")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	addr := regexp.MustCompile(`/ip4/127\.0\.0\.1/tcp/\d+/p2p/\w+`)
	seed := started(t, addr, "pars-dht", "seed", "--profile", "devnet", "--home", home(), "--listen", "/ip4/127.0.0.1/tcp/0")
	node := func(dir, chain string, more ...string) string {
		args := append([]string{"run", "--profile", "devnet", "--home", dir, "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--no-resolve", "--chain", chain, "--checkpoint", root}, more...)
		return started(t, addr, "pars-node", args...)
	}
	gate, light, third := home(), home(), home()
	words := filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(words, []byte(strings.Repeat("abandon ", 23)+"art\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("pars-node", "init", "--profile", "devnet", "--home", light, "--from-phrase", words, "--no-passphrase").CombinedOutput(); err != nil {
		t.Fatalf("init: %v: %s", err, out)
	}
	evm := func(args ...string) string {
		t.Helper()
		out, errs, code := l.runIn(t.Context(), light, bare, args...)
		if code != 0 {
			t.Fatalf("pars-evm %v: exit %d: %s", args, code, errs)
		}
		return strings.TrimSpace(out)
	}
	const payee = "0x00000000000000000000000000000000000000cc"
	evm("wallet", "new")
	if out := evm("send", "--to", payee, "--value", "9"); !strings.Contains(out, "\tdraft\t") {
		t.Errorf("queued alone: %s", out)
	}
	began := time.Now()
	node(gate, l.profile, "--gateway", "--peer", seed)
	at := node(light, bare, "--peer", seed)
	node(third, bare, "--peer", at, "--no-dht")
	await := func(within time.Duration, what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(within); !ok(); time.Sleep(time.Second) { // sleep: a real chain makes its blocks when they are due
			if time.Now().After(end) {
				t.Fatalf("%s: gateway %+v, light %+v, third %+v", what, chainOf(t, gate), chainOf(t, light), chainOf(t, third))
			}
		}
	}
	await(90*time.Second, "the light node follows by a gateway", func() bool {
		st := chainOf(t, light)
		return st.State == "following" && st.Gateways > 0
	})
	t.Logf("follows after %v", time.Since(began).Round(time.Second))
	st := chainOf(t, light)
	l.sameHead(map[string]any{"number": float64(st.Number), "hash": st.Hash})
	if got, want := evm("balance", labRich, "--json"), l.ask("eth_blockNumber"); !strings.Contains(got, `"verified":true`) || want == nil {
		t.Errorf("balance %s", got)
	}
	await(60*time.Second, "the third hears heads", func() bool { st := chainOf(t, third); return st.State == "following" && st.Heard > 0 })
	await(4*time.Minute, "the payment is final", func() bool { return chainOf(t, light).Queue["final"] == 1 })
	t.Logf("final after %v", time.Since(began).Round(time.Second))
	if got := evm("balance", payee); got != "9" {
		t.Errorf("paid %s", got)
	}
}
