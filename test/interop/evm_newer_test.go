//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newNewerLab is a chain through Deneb, Electra and Fulu: real geth under Lodestar's state transition.
func newNewerLab(t *testing.T, base string) *evmLab {
	t.Helper()
	dir := os.Getenv("PARS_LAB_EVM")
	if dir == "" {
		dir = "/var/cache/pars-lab/evm"
	}
	if _, err := os.Stat(filepath.Join(dir, "newer", "node_modules")); err != nil {
		skip(t, "no lab of newer forks; run test/lab/install.sh")
	}
	l := &evmLab{t: t, dir: dir, work: t.TempDir(), home: t.TempDir()}
	shim, err := filepath.Abs("../lab/evm/newer.cjs")
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(l.work, "log"))
	if err != nil {
		t.Fatal(err)
	}
	chain := exec.Command("node", "--require", shim, filepath.Join(dir, "newer", "newer.mjs"), dir, l.work, base)
	chain.Env, chain.Stderr = append(os.Environ(), "LODESTAR_PRESET=minimal"), log
	stop, err := chain.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := chain.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop.Close()
		_ = chain.Wait()
		if _, err := log.Seek(0, io.SeekStart); err == nil && t.Failed() {
			b, _ := io.ReadAll(log)
			t.Logf("%s", b[max(0, len(b)-4000):])
		}
		log.Close()
	})
	l.profile = filepath.Join(l.work, "profile.json")
	var p struct {
		Chain struct{ Beacon, RPC []string }
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) { // sleep: another program writes the file
		if b, err := os.ReadFile(l.profile); err == nil && json.Unmarshal(b, &p) == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no profile in two minutes")
		}
	}
	l.beacon, l.rpc = p.Chain.Beacon[0], p.Chain.RPC[0]
	return l
}

// reach waits for a slot to be signed over.
func (l *evmLab) reach(slot int) {
	l.await(fmt.Sprintf("/eth/v1/beacon/headers/%d", slot), 3*time.Minute)
}

// One client goes from Deneb over both boundaries and the change of the committee. Each boundary is told wrongly first.
func TestEVMNewerForks(t *testing.T) {
	l := newNewerLab(t, "19620")
	root := l.checkpoint("finalized")
	at := func(path string) string { return l.withServers(t, "--beacon", l.beacon+path) }
	follow := func(profile string, want float64) {
		t.Helper()
		out, errs, code := l.runIn(t.Context(), l.home, profile, "sync", "--checkpoint", root, "--json")
		var h map[string]any
		if code != 0 || json.Unmarshal([]byte(out), &h) != nil {
			t.Fatalf("exit %d: %s%s", code, out, errs)
		}
		l.sameHead(h)
		if want != 0 && h["slot"] != want {
			t.Errorf("head at slot %v, want %v", h["slot"], want)
		}
	}
	l.reach(34)
	follow(at("/at/34"), 33)
	l.newerCall(t, at("/at/34"), root, "")
	for _, b := range []struct {
		slot int
		name string
	}{{40, "Electra"}, {56, "Fulu"}} {
		l.reach(b.slot + 2)
		t.Run(b.name, func(t *testing.T) {
			l.newerLies(t, b.slot, root)
			for _, signed := range []int{b.slot, b.slot + 1, b.slot + 2} { // attested before, at and after the boundary
				follow(at(fmt.Sprintf("/at/%d", signed)), float64(signed-1))
			}
		})
	}
	l.newerCall(t, at("/at/58"), root, "0x00000000000000000000000000000000000000000000000000000000000000ff")
	t.Run("queue", func(t *testing.T) { l.queue(t, root) })
	l.reach(70)
	follow(l.profile, 0)
	out, errs, code := l.run("balance", labRich)
	if code != 0 || out == "0\n" {
		t.Errorf("balance in a later period: exit %d: %s%s", code, out, errs)
	}
	l.newerLies(t, 70, root)
}

// newerCall counts leading zeros by an opcode of Osaka: it fails before, and gives geth's answer after.
func (l *evmLab) newerCall(t *testing.T, profile, root, want string) {
	t.Helper()
	const counter, word = "0x00000000000000000000000000000000000000c1", "0x0000000000000000000000000000000000000000000000000000000000000001"
	out, errs, code := l.runIn(t.Context(), t.TempDir(), profile, "call", "--to", counter, "--data", word, "--checkpoint", root)
	if want == "" {
		if code == 0 || !strings.Contains(errs, "opcode") {
			t.Errorf("before Osaka: exit %d: %s%s", code, out, errs)
		}
		return
	}
	if code != 0 || strings.TrimSpace(out) != want {
		t.Errorf("after Osaka: exit %d: %s%s", code, out, errs)
	}
	if got := l.ask("eth_call", map[string]any{"to": counter, "data": word}, "latest"); got != want {
		t.Errorf("geth says %v", got)
	}
}

// newerLies are told around a boundary to a device that trusts the same checkpoint.
func (l *evmLab) newerLies(t *testing.T, slot int, root string) {
	lies := map[string]string{"branch": "nodes, not", "body": ""}
	if slot == 40 || slot == 56 {
		lies["domain"] = "signature"
	}
	for lie, says := range lies {
		profile := l.withServers(t, "--beacon", fmt.Sprintf("%s/at/%d/lie/%s", l.beacon, slot, lie))
		out, errs, code := l.runIn(t.Context(), t.TempDir(), profile, "balance", labRich, "--checkpoint", root)
		if code != 6 || out != "" || !strings.Contains(errs, says) {
			t.Errorf("%s at %d: exit %d: %s%s", lie, slot, code, out, errs)
		}
	}
}
