package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// evmRows needs the chain lab of test/lab/evm: PARS_LAB_EVM names the folder it is installed in.
func evmRows(b *bench) error {
	alone, err := b.build(b.root, "./test/lab/evm/alone")
	if err != nil {
		return err
	}
	info, err := os.Stat(alone)
	if err != nil {
		return err
	}
	b.add(row{Area: "evm", Measure: "light client alone, stripped, CGO off", Unit: "MB", Rounds: 1}, nil, once(float64(info.Size())/1e6)).atMost(16)
	dir := os.Getenv("PARS_LAB_EVM")
	if dir == "" {
		dir = "/var/cache/pars-lab/evm"
	}
	if _, err := os.Stat(filepath.Join(dir, "stamp")); err != nil {
		return fmt.Errorf("no chain lab in %s; run test/lab/install.sh", dir)
	}
	l := &chainLab{b: b, dir: dir, work: filepath.Join(b.dir, "chain")}
	defer l.down()
	if err := l.up(); err != nil {
		return err
	}
	return l.rows()
}

// chainLab is one chain with committees of 512, which blsync knows, and a server that hands blsync its events.
type chainLab struct {
	b         *bench
	dir, work string
	beacon    string
	rpc       string
	root      string
	genesis   string
	gvr       string
}

func (l *chainLab) up() error {
	c := exec.Command("sh", filepath.Join(l.b.root, "test/lab/evm/up.sh"), l.dir, l.work)
	c.Env = append(os.Environ(), "PRESET=mainnet", "BASE=19700")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("up.sh: %w: %s", err, out)
	}
	var p struct {
		Chain struct {
			Beacon, RPC []string
			Genesis     uint64 `json:"genesis_time"`
			Root        string `json:"genesis_validators_root"`
		}
	}
	raw, err := os.ReadFile(filepath.Join(l.work, "profile.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	l.beacon, l.rpc, l.genesis, l.gvr = p.Chain.Beacon[0], p.Chain.RPC[0], fmt.Sprint(p.Chain.Genesis), p.Chain.Root
	for end := time.Now().Add(3 * time.Minute); ; {
		if _, err := get(l.beacon + "/eth/v1/beacon/light_client/optimistic_update"); err == nil {
			break
		} else if time.Now().After(end) {
			return err
		}
		time.Sleep(time.Second) // sleep: a real chain makes its first block when it is due
	}
	head, err := get(l.beacon + "/eth/v1/beacon/headers/head")
	if err != nil {
		return err
	}
	l.root = regexp.MustCompile(`0x[0-9a-f]{64}`).FindString(string(head))
	return nil
}

func (l *chainLab) down() {
	if out, err := exec.Command("sh", filepath.Join(l.b.root, "test/lab/evm/down.sh"), l.work).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: down.sh: %v: %s\n", err, out)
	}
}

func get(url string) ([]byte, error) {
	r, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", url, r.StatusCode)
	}
	return b, err
}

func (l *chainLab) rows() error {
	exe, err := l.b.ours("pars-evm")
	if err != nil {
		return err
	}
	var ours, theirs, lodestar, warm, calls, plain series
	profile := filepath.Join(l.work, "profile.json")
	for i := range 5 {
		home := filepath.Join(l.b.dir, fmt.Sprint("home", i))
		verb := func(args ...string) func() error {
			return func() error {
				_, err := output(exe, append(args, "--home", home, "--profile", profile)...)
				return err
			}
		}
		for _, r := range []struct {
			into *series
			run  func() error
		}{
			{&ours, verb("sync", "--checkpoint", l.root)}, {&theirs, l.blsync}, {&lodestar, l.lodestar}, {&warm, verb("sync")},
			{&calls, verb("call", "--to", "0x0000000000000000000000000000000000000002", "--data", "0x616263")}, {&plain, l.plainCall},
		} {
			c, err := timed(r.run)
			if err != nil {
				return err
			}
			*r.into = append(*r.into, c)
		}
	}
	peer := theirs.median(wall, 1000)
	b := l.b
	b.add(row{Area: "evm", Measure: "checkpoint to verified head, process start included", Unit: "ms", Peer: "blsync 1.17.8", Rounds: len(ours)}, &peer, ours.median(wall, 1000)).
		aim("<= 120", ours.median(wall, 1000).median <= 120).note("blsync waits for an event of the next slot, of 2 s")
	js := lodestar.median(wall, 1000)
	b.add(row{Area: "evm", Measure: "the same, beside the light client in JavaScript", Unit: "ms", Peer: "@lodestar/light-client 1.5.1", Rounds: len(lodestar)}, &js, ours.median(wall, 1000))
	b.add(row{Area: "evm", Measure: "kept state to verified head, process start included", Unit: "ms", Rounds: len(warm)}, nil, warm.median(wall, 1000))
	peer = plain.median(wall, 1000)
	b.add(row{Area: "evm", Measure: "verified eth_call with head, process start included", Unit: "ms", Peer: "plain eth_call of curl", Rounds: len(calls)}, &peer, calls.median(wall, 1000))
	return nil
}

func (l *chainLab) plainCall() error {
	_, err := output("curl", "-s", "-H", "content-type: application/json", l.rpc, "-d",
		`{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"to":"0x0000000000000000000000000000000000000002","data":"0x616263"},"latest"]}`)
	return err
}

// lodestar runs Lodestar's light client until it has verified its first head.
func (l *chainLab) lodestar() error {
	lab := filepath.Join(l.b.root, "test/lab/evm")
	c := exec.Command("node", "--require", filepath.Join(lab, "newer.cjs"), filepath.Join(lab, "lodestar.mjs"), l.dir, l.beacon, l.root)
	c.Env = append(os.Environ(), "LODESTAR_PRESET=mainnet")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("lodestar.mjs: %w: %s", err, out)
	}
	return nil
}

// blsync runs go-ethereum's light client until it has verified its first head. Lodestar 1.5.1 sends its events without
// the version that blsync wants, so a server between adds it.
func (l *chainLab) blsync() error {
	wrap := httptest.NewServer(http.HandlerFunc(l.wrapped))
	defer wrap.Close()
	config := filepath.Join(l.work, "config.yaml")
	spec, err := os.ReadFile(filepath.Join(l.work, "spec.json"))
	if err != nil {
		return err
	}
	var y strings.Builder
	for _, k := range []string{"GENESIS_FORK_VERSION", "ALTAIR_FORK_VERSION", "ALTAIR_FORK_EPOCH", "BELLATRIX_FORK_VERSION", "BELLATRIX_FORK_EPOCH", "CAPELLA_FORK_VERSION", "CAPELLA_FORK_EPOCH"} {
		if m := regexp.MustCompile(`"` + k + `":"([^"]*)"`).FindSubmatch(spec); m != nil {
			fmt.Fprintf(&y, "%s: %s\n", k, m[1])
		}
	}
	if err := os.WriteFile(config, []byte(y.String()), 0o644); err != nil {
		return err
	}
	c := exec.Command(filepath.Join(l.dir, "bin/blsync"), "--beacon.api", wrap.URL, "--beacon.config", config, "--beacon.genesis.gvroot", l.gvr,
		"--beacon.genesis.time", l.genesis, "--beacon.checkpoint", l.root, "--beacon.checkpoint.file", filepath.Join(l.b.dir, "blsync.checkpoint"), "--beacon.nofilter")
	out, err := c.StderrPipe()
	if err != nil {
		return err
	}
	c.Stdout = io.Discard
	if err := c.Start(); err != nil {
		return err
	}
	defer c.Wait()
	defer c.Process.Kill()
	timer := time.AfterFunc(time.Minute, func() { c.Process.Kill() })
	defer timer.Stop()
	for s := bufio.NewScanner(out); s.Scan(); {
		if strings.Contains(s.Text(), "New execution block retrieved") {
			return nil
		}
	}
	return fmt.Errorf("blsync verified no head in a minute")
}

func (l *chainLab) wrapped(w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, l.beacon+r.URL.RequestURI(), r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	kind := resp.Header.Get("Content-Type")
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(resp.StatusCode)
	if !strings.HasPrefix(kind, "text/event-stream") {
		_, _ = io.Copy(w, resp.Body)
		return
	}
	s, event := bufio.NewScanner(resp.Body), ""
	s.Buffer(nil, 4<<20)
	for s.Scan() {
		line := s.Bytes()
		if e, ok := bytes.CutPrefix(line, []byte("event:")); ok {
			event = strings.TrimSpace(string(e))
		}
		if d, ok := bytes.CutPrefix(line, []byte("data:")); ok && strings.HasPrefix(event, "light_client") {
			fmt.Fprintf(w, "data: {\"version\":\"capella\",\"data\":%s}\n", bytes.TrimSpace(d))
		} else {
			fmt.Fprintf(w, "%s\n", line)
		}
		if f, ok := w.(http.Flusher); ok && len(line) == 0 {
			f.Flush()
		}
	}
}
