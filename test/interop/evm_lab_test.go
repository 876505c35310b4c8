//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

const (
	labKey  = "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291"
	labRich = "0x71562b71999873DB5b286dF957af199Ec94617F7"
)

// evmLab is a chain of real geth and real Lodestar, and a home that follows it.
type evmLab struct {
	t       *testing.T
	dir     string // what install.sh made
	work    string
	home    string
	profile string
	beacon  string
	rpc     string
}

func newEVMLab(t *testing.T, preset, base string) *evmLab {
	t.Helper()
	dir := os.Getenv("PARS_LAB_EVM")
	if dir == "" {
		dir = "/var/cache/pars-lab/evm"
	}
	if _, err := os.Stat(filepath.Join(dir, "stamp")); err != nil {
		skip(t, "no chain lab; run test/lab/install.sh")
	}
	l := &evmLab{t: t, dir: dir, work: t.TempDir(), home: t.TempDir()}
	up := exec.Command("sh", "../lab/evm/up.sh", dir, l.work)
	up.Env = append([]string{"SLOT=3"}, append(os.Environ(), "PRESET="+preset, "BASE="+base)...) // 2 are too few where other labs run
	t.Cleanup(func() {
		if out, err := exec.Command("sh", "../lab/evm/down.sh", l.work).CombinedOutput(); err != nil {
			t.Errorf("down.sh: %v: %s", err, out)
		}
	})
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("up.sh: %v: %s", err, out)
	}
	l.profile = filepath.Join(l.work, "profile.json")
	var p struct {
		Chain struct{ Beacon, RPC []string }
	}
	b, err := os.ReadFile(l.profile)
	if err != nil || json.Unmarshal(b, &p) != nil {
		t.Fatalf("profile: %v: %s", err, b)
	}
	l.beacon, l.rpc = p.Chain.Beacon[0], p.Chain.RPC[0]
	return l
}

// run runs pars-evm in this process and returns what it wrote and its exit code.
func (l *evmLab) run(args ...string) (stdout, stderr string, code int) {
	l.t.Helper()
	return l.runIn(l.t.Context(), l.home, l.profile, args...)
}

func (l *evmLab) runIn(ctx context.Context, home, profile string, args ...string) (string, string, int) {
	var out, errs bytes.Buffer
	args = append(args, "--home", home, "--profile", profile)
	code := cli.Run(ctx, evm.App(), append([]string{"pars-evm"}, args...), strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// must runs a verb that has to succeed and reads its one JSON line.
func (l *evmLab) must(args ...string) map[string]any {
	l.t.Helper()
	out, errs, code := l.run(append(args, "--json")...)
	if code != 0 {
		l.t.Fatalf("pars-evm %v: exit %d: %s", args, code, errs)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &v); err != nil {
		l.t.Fatalf("pars-evm %v: %q: %v", args, out, err)
	}
	return v
}

// ask is a plain question to the real geth.
func (l *evmLab) ask(method string, params ...any) any {
	l.t.Helper()
	body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	r, err := http.Post(l.rpc, "application/json", bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	defer r.Body.Close()
	var v struct{ Result, Error any }
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil || v.Error != nil {
		l.t.Fatalf("%s: %v %v", method, err, v.Error)
	}
	return v.Result
}

// await asks a beacon route until it answers.
func (l *evmLab) await(path string, within time.Duration) []byte {
	l.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); {
		r, err := http.Get(l.beacon + path)
		if err == nil {
			b, _ := io.ReadAll(r.Body)
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return b
			}
		}
		time.Sleep(500 * time.Millisecond) // sleep: a real chain makes its blocks when they are due
	}
	l.t.Fatalf("%s: no answer in %v", path, within)
	return nil
}

func (l *evmLab) checkpoint(id string) string {
	l.t.Helper()
	m := regexp.MustCompile(`"root":"(0x[0-9a-f]{64})"`).FindSubmatch(l.await("/eth/v1/beacon/headers/"+id, 30*time.Second))
	if m == nil {
		l.t.Fatal("no root of " + id)
	}
	return string(m[1])
}

// From a checkpoint to a head, over a change of the committee, with every answer beside geth's, through liars and a
// restart, on a real chain.
func TestEVMChain(t *testing.T) {
	l := newEVMLab(t, "minimal", "19600")
	l.await("/eth/v1/beacon/light_client/optimistic_update", 2*time.Minute)
	root := l.checkpoint("head")
	first := l.must("sync", "--checkpoint", root)
	t.Logf("first head %v at slot %v", first["number"], first["slot"])
	l.sameHead(first)
	t.Run("compare", l.compare)
	l.await("/eth/v1/beacon/light_client/finality_update", 6*time.Minute)
	final := l.checkpoint("finalized")
	t.Run("lies", func(t *testing.T) { l.lies(t, final) })
	t.Run("refusals", func(t *testing.T) { l.refusals(t, final) })
	t.Run("restart", func(t *testing.T) { l.restart(t, final) })
	t.Run("committee", func(t *testing.T) { l.committees(t, final) })
	t.Run("queue", func(t *testing.T) { l.queue(t, final) })
	t.Run("courier", func(t *testing.T) { l.courier(t, final) })
	t.Run("nodes", func(t *testing.T) { l.nodes(t, final) })
}

// sameHead holds a head of ours beside geth's block of that number.
func (l *evmLab) sameHead(h map[string]any) {
	l.t.Helper()
	b, _ := l.ask("eth_getBlockByNumber", fmt.Sprintf("0x%x", uint64(h["number"].(float64))), false).(map[string]any)
	if b == nil || b["hash"] != h["hash"] {
		l.t.Errorf("head %v, geth has %v", h, b["hash"])
	}
}

// compare asks a served head and geth the same, by ethers and viem.
func (l *evmLab) compare(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- cli.Run(ctx, evm.App(), []string{"pars-evm", "serve", "--http", "127.0.0.1:0", "--home", l.home, "--profile", l.profile}, strings.NewReader(""), pw, t.Output())
		pw.Close()
	}()
	line := make([]byte, 256)
	n, err := pr.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, pr)
	url := strings.Split(string(line[:n]), "\t")[1]
	node := exec.Command("node", "--require", "../lab/evm/newer.cjs", filepath.Join(l.dir, "client", "compare.mjs"), url, l.rpc, "0x"+labKey)
	out, err := node.CombinedOutput()
	if err != nil {
		t.Errorf("compare.mjs: %v: %s", err, out)
	}
	t.Log(string(out[strings.LastIndex(strings.TrimSpace(string(out)), "\n")+1:]))
	cancel()
	if code := <-done; code != 130 {
		t.Errorf("serve: exit %d", code)
	}
}

// restart goes on from what is kept, without a checkpoint, and with no beacon node at all while the head is fresh.
func (l *evmLab) restart(t *testing.T, root string) {
	l.must("sync", "--checkpoint", root)
	h := l.must("sync")
	l.sameHead(h)
	down := l.withServers(t, "--beacon", "http://127.0.0.1:1")
	out, errs, code := l.runIn(t.Context(), l.home, down, "balance", labRich)
	if code != 0 || !regexp.MustCompile(`^[0-9]+\n$`).MatchString(out) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// committees follows 100 slots, over a change of the sync committee, which comes each 64: heads ascend, each is geth's own,
// and finality moves with them.
func (l *evmLab) committees(t *testing.T, root string) {
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	defer cancel()
	pr, pw := io.Pipe()
	var errs bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- cli.Run(ctx, evm.App(), []string{"pars-evm", "sync", "--follow", "--json", "--checkpoint", root, "--home", t.TempDir(), "--profile", l.profile}, strings.NewReader(""), pw, &errs)
		pw.Close()
	}()
	type row struct{ Slot, Finalized uint64 }
	var first, last row
	heads := 0
	for d := json.NewDecoder(pr); ; {
		var raw map[string]any
		if err := d.Decode(&raw); err != nil {
			t.Fatalf("after %d heads, slot %d to %d: %v: exit %d: %s", heads, first.Slot, last.Slot, err, <-done, &errs)
		}
		now := row{uint64(raw["slot"].(float64)), uint64(raw["finalized"].(float64))}
		if heads++; heads == 1 {
			first = now
		} else if now.Slot <= last.Slot || now.Finalized < last.Finalized {
			t.Errorf("slot %d, final %d after slot %d, final %d", now.Slot, now.Finalized, last.Slot, last.Finalized)
		}
		l.sameHead(raw)
		if last = now; last.Slot >= first.Slot+100 && last.Slot/64 > first.Slot/64 {
			break
		}
	}
	cancel()
	go io.Copy(io.Discard, pr)
	if code := <-done; code != 130 {
		t.Errorf("exit %d: %s", code, &errs)
	}
	t.Logf("%d heads over %d slots, period %d to %d, final %d to %d", heads, last.Slot-first.Slot, first.Slot/64, last.Slot/64, first.Finalized, last.Finalized)
	if heads < 60 || last.Finalized < first.Finalized+32 { // a busy machine leaves slots out
		t.Error("followed too little")
	}
}

// courier carries containers in a folder, and a proof in a file, to a device without a network.
func (l *evmLab) courier(t *testing.T, root string) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "proof.json")
	if _, errs, code := l.runIn(t.Context(), t.TempDir(), l.profile, "sync", "--checkpoint", root, "--save", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if _, errs, code := l.run("proof", labRich, "0x0", "-o", file); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	alone, home := l.withServers(t, "--beacon", "http://127.0.0.1:1"), t.TempDir()
	out, errs, code := l.runIn(t.Context(), home, alone, "sync", "--checkpoint", root, "--files", dir, "--json")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	out, errs, code = l.runIn(t.Context(), home, alone, "verify", file, "--json")
	if code != 0 || !strings.Contains(out, `"verified":true`) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// queue takes a payment from a device without a network to a final block, and pays it once.
func (l *evmLab) queue(t *testing.T, root string) {
	home, words := t.TempDir(), filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(words, []byte(strings.Repeat("abandon ", 23)+"art\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	if code := cli.Run(t.Context(), node.App(), []string{"pars-node", "init", "--home", home, "--from-phrase", words, "--no-passphrase"}, nil, io.Discard, &errs); code != 0 {
		t.Fatalf("init: exit %d: %s", code, &errs)
	}
	verb := func(profile string, args ...string) (string, string, int) {
		return l.runIn(t.Context(), home, profile, append(args, "--json")...)
	}
	row := func(out string) (r struct{ ID, State, Hash, Address string }) {
		if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &r); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		return r
	}
	out, stderr, code := verb(l.profile, "wallet", "new")
	if code != 0 || row(out).Address != "0xF278cF59F82eDcf871d630F28EcC8056f25C1cdb" {
		t.Fatalf("exit %d: %s%s", code, out, stderr)
	}
	dark := l.withServers(t, "--beacon", "http://127.0.0.1:1")
	const payee = "0x00000000000000000000000000000000000000bb"
	out, stderr, code = verb(dark, "send", "--to", payee, "--value", "5")
	if code != 0 || row(out).State != "draft" || !strings.Contains(stderr, "queued") {
		t.Fatalf("exit %d: %s%s", code, out, stderr)
	}
	out, stderr, code = verb(dark, "wallet", "sign", "--to", payee, "--value", "7", "--nonce", "1", "--gas", "21000", "--max-fee", "20000000000")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var signed struct{ Raw string }
	if err := json.Unmarshal([]byte(out), &signed); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code = verb(dark, "send", signed.Raw); code != 0 || row(out).State != "signed" {
		t.Fatalf("exit %d: %s%s", code, out, stderr)
	}
	var seen []string
	for end := time.Now().Add(8 * time.Minute); ; {
		out, stderr, code = verb(l.profile, "queue", "run", "--checkpoint", root)
		if code != 0 && code != 5 { // a chain on a busy machine may pause
			t.Fatalf("exit %d: %s%s", code, out, stderr)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != 2 {
			t.Fatalf("lost: %s", out)
		}
		states := row(lines[0]).State + " " + row(lines[1]).State
		if len(seen) == 0 || seen[len(seen)-1] != states {
			seen = append(seen, states)
		}
		if states == "final final" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after eight minutes: %v: %s", seen, out)
		}
		time.Sleep(2 * time.Second) // sleep: a real chain makes its blocks when they are due
	}
	t.Log(strings.Join(seen, ", "))
	for range 2 { // what is final is not sent again
		if out, stderr, code = verb(l.profile, "queue", "run"); code != 0 {
			t.Fatalf("exit %d: %s%s", code, out, stderr)
		}
	}
	if out, _, _ := l.runIn(t.Context(), home, l.profile, "balance", payee); out != "12\n" {
		t.Errorf("paid %q", out)
	}
	if out, _, _ := l.runIn(t.Context(), home, l.profile, "nonce", "0xF278cF59F82eDcf871d630F28EcC8056f25C1cdb"); out != "2\n" {
		t.Errorf("nonce %q", out)
	}
}
