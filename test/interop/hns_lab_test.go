//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/hns"
)

var (
	_ = role("hns-command", func([]string) error { cli.Main(bootstrap.App()); return nil })
	_ = role("hns-liar", hnsLiar)
)

// hnsDir is where test/lab/handshake/install.sh has put hsd.
func hnsDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PARS_LAB_HANDSHAKE")
	if dir == "" {
		dir = "/var/cache/pars-lab/handshake"
	}
	if _, err := os.Stat(filepath.Join(dir, "stamp")); err != nil {
		skip(t, "no hsd; run test/lab/install.sh")
	}
	return dir
}

// hnsLab is a chain of real hsd with two names, and a home that follows it.
type hnsLab struct {
	t         *testing.T
	dir, home string
}

func newHNSLab(t *testing.T) *hnsLab {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "network namespaces need root")
	}
	for _, tool := range []string{"ip", "knotd", "dig", "dnssec-dsfromkey", "jq", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			skip(t, "no "+tool+"; run test/lab/install.sh")
		}
	}
	l := &hnsLab{t, t.TempDir(), t.TempDir()}
	if out, err := exec.Command("../lab/handshake/lab.sh", "up", hnsDir(t), l.dir).CombinedOutput(); err != nil {
		t.Fatalf("lab.sh up: %v: %s", err, out)
	}
	t.Cleanup(l.down)
	return l
}

func (l *hnsLab) down() {
	ns, err := os.ReadFile(filepath.Join(l.dir, "netns"))
	if err != nil {
		l.t.Error(err)
	}
	if out, err := l.script("down"); err != nil {
		l.t.Errorf("lab.sh down: %v: %s", err, out)
	}
	out, err := exec.Command("ip", "netns", "list").CombinedOutput()
	if name := strings.TrimSpace(string(ns)); err != nil || name == "" || strings.Contains(string(out), name) {
		l.t.Errorf("the namespace is left: %s: %v", out, err)
	}
}

func (l *hnsLab) script(verb string, args ...string) ([]byte, error) {
	return exec.Command("../lab/handshake/lab.sh", append([]string{verb, l.dir}, args...)...).CombinedOutput()
}

func (l *hnsLab) must(verb string, args ...string) string {
	l.t.Helper()
	out, err := l.script(verb, args...)
	if err != nil {
		l.t.Fatalf("%s %v: %v: %s", verb, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// inside starts this binary in the namespace in a role.
func (l *hnsLab) inside(roleName string, args ...string) *exec.Cmd {
	l.t.Helper()
	self, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.Command("../lab/handshake/lab.sh", append([]string{"exec", l.dir, self}, args...)...)
	cmd.Env = append(os.Environ(), roleVariable+"="+roleName, "PARS_HOME="+l.home)
	return cmd
}

// pars runs pars-bootstrap hns and wants an exit code.
func (l *hnsLab) pars(code int, peer string, args ...string) string {
	l.t.Helper()
	args = append([]string{"hns", args[0], "--chain", "regtest"}, args[1:]...)
	if peer != "" {
		args = append(args, "--peer", peer, "--agree", "1", "--timeout", "60s")
	}
	cmd := l.inside("hns-command", args...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		l.t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		l.t.Errorf("%v: exit %d, want %d: %s%s", args, got, code, out.String(), complaint.String())
	}
	return out.String()
}

type hnsStatus struct {
	Height uint32 `json:"height"`
	Hash   string `json:"hash"`
	New    int    `json:"new"`
	Agree  int    `json:"agree"`
	Root   string `json:"tree_root"`
}

func (l *hnsLab) sync(code int, peer string) (s hnsStatus) {
	l.t.Helper()
	out := l.pars(code, peer, "sync", "--json")
	if out != "" {
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			l.t.Fatalf("%v: %q", err, out)
		}
	}
	return s
}

func has(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not stand in %q", w, text)
		}
	}
}

const (
	hsdAddr  = "127.0.0.1"
	liarAddr = "127.0.0.9"
)

// From the auction to a validated record of the zone, and back through every lie that a peer or a name server may tell.
func TestHandshake(t *testing.T) {
	l := newHNSLab(t)
	height := l.must("rpc", "getblockcount")
	if s := l.sync(0, hsdAddr); strconv.Itoa(int(s.Height)) != height || s.Hash != l.must("rpc", "getbestblockhash") || s.Agree != 1 {
		t.Errorf("synced to %+v, the chain is at %s", s, height)
	}
	if s := l.sync(0, hsdAddr); s.New != 0 {
		t.Errorf("the second time brought %d headers", s.New)
	}
	ds, err := os.ReadFile(filepath.Join(l.dir, "ds"))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(ds)) // parsgood. IN DS TAG ALG DIGEST HEX…
	wantDS := strings.Join(f[3:6], " ") + " " + strings.Join(f[6:], "")
	has(t, l.pars(0, hsdAddr, "resolve", "parsgood"), "parsgood.\tDS\t"+wantDS, "ns1.parsgood. 127.0.53.4", `"pars1 h=00 q=7"`)

	t.Run("zone below", func(t *testing.T) {
		has(t, l.pars(0, hsdAddr, "resolve", "_pars.parsgood", "TXT"), `"the zone of parsgood"`, "\nSECURE\n")
		has(t, l.pars(4, hsdAddr, "resolve", "nothing.parsgood", "TXT"), "SECURE\tNXDOMAIN")
		out := l.pars(6, hsdAddr, "resolve", "_pars.parsbad", "TXT")
		has(t, out, "BOGUS")
		if strings.Contains(out, "the zone of") {
			t.Error("a bogus record stands on stdout")
		}
	})
	t.Run("proofs to carry", func(t *testing.T) { l.slips(t) })
	t.Run("liars", func(t *testing.T) { l.liars(t) })
	t.Run("update", func(t *testing.T) {
		l.must("wallet", "sendupdate", "parsgood", `{"records":[{"type":"TXT","txt":["changed"]}]}`)
		l.must("mine", "17")
		has(t, l.pars(0, hsdAddr, "resolve", "parsgood"), `"changed"`)
	})
	t.Run("reorg", func(t *testing.T) { l.reorg(t) })
}

// slips writes proofs, of a name and of an absent one, and checks them where there is no network.
func (l *hnsLab) slips(t *testing.T) {
	for name, code := range map[string]int{"parsgood": 0, "nobody-has-this": 4} {
		file := filepath.Join(l.home, name)
		l.pars(code, hsdAddr, "proof", name, "-o", file)
		l.pars(code, "", "verify", file)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := hns.DecodeSlip(b); err != nil || (s.Proof.Kind == hns.Exists) != (code == 0) {
			t.Errorf("%s: %v", name, err)
		}
		b[len(b)-1] ^= 1
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		l.pars(6, "", "verify", file)
	}
}

// liars puts somebody on the way to hsd who changes a bit of what it says. Nothing false comes out; with an honest peer beside, the
// answer does.
func (l *hnsLab) liars(t *testing.T) {
	for _, cmd := range []string{"11", "27"} {
		p := l.inside("hns-liar", cmd)
		in, err := p.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		p.Stderr = t.Output()
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatal(line, err)
		}
		if got := l.pars(6, liarAddr, "resolve", "parsgood"); got != "" {
			t.Errorf("packet %s changed: %q", cmd, got)
		}
		has(t, l.pars(0, liarAddr, "resolve", "parsgood", "--peer", hsdAddr), "parsgood.\tDS")
		in.Close()
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// hnsLiar passes bytes between a client and hsd, and flips one bit in each packet of a kind on the way back. It ends with its input.
func hnsLiar(args []string) error {
	kind, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(liarAddr, "14038"))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go hnsBend(c, byte(kind))
		}
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, listener.Close())
}

func hnsBend(client net.Conn, kind byte) {
	defer client.Close()
	server, err := net.Dial("tcp", net.JoinHostPort(hsdAddr, "14038"))
	if err != nil {
		return
	}
	defer server.Close()
	go io.Copy(server, client)
	for r := rand.New(rand.NewPCG(1, uint64(kind))); ; {
		head := make([]byte, 9)
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		body := make([]byte, min(binary.LittleEndian.Uint32(head[5:]), 8<<20))
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if head[4] == kind && len(body) > 0 {
			at := r.IntN(len(body))
			if kind == 11 { // what a header follows on: on this chain every other change has work enough half the time
				at = 1 + 12 + r.IntN(32)
			}
			body[at] ^= 1 << r.IntN(8)
		}
		if _, err := client.Write(append(head, body...)); err != nil {
			return
		}
	}
}

// reorg takes blocks back and mines others: the branch with more work is followed, however it came.
func (l *hnsLab) reorg(t *testing.T) {
	before := l.sync(0, hsdAddr)
	l.must("rpc", "invalidateblock", l.must("rpc", "getblockhash", strconv.Itoa(int(before.Height)-7)))
	l.must("mine", "12")
	after := l.sync(0, hsdAddr)
	if best := l.must("rpc", "getbestblockhash"); after.Hash != best || after.Height <= before.Height {
		t.Errorf("after the reorg at %+v, the chain is at %s", after, best)
	}
	has(t, l.pars(0, hsdAddr, "resolve", "parsgood"), `"changed"`)
}

// Ten thousand proofs of npm urkel, and what becomes of them when a bit flips: our verdict is theirs, but that spare bits are refused.
func TestUrkelProofs(t *testing.T) {
	dir := hnsDir(t)
	cmd := exec.Command("node", "../lab/handshake/proofs.js", dir, "20000", "10000")
	cmd.Env = append(os.Environ(), "NODE_BACKEND=native")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	seen, flips := map[hns.Kind]int{}, 0
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(f) != 5 {
			t.Fatalf("line %q", line)
		}
		root, key, proof := hns.Hash(hexBytes(t, f[0])), hns.Hash(hexBytes(t, f[1])), hexBytes(t, f[2])
		p, err := hns.DecodeProof(proof)
		if err != nil {
			t.Fatalf("%s: %v", f[2], err)
		}
		value, err := p.Verify(root, key)
		if (err == nil) != (f[3] == "0") || hex.EncodeToString(value) != f[4] || (value != nil) != (p.Kind == hns.Exists) {
			t.Errorf("%s: %x, %v; urkel says %s, %s", f[2], value, err, f[3], f[4])
		}
		if !bytes.Equal(p.Encode(), proof) {
			t.Errorf("%s: another encoding", f[2])
		}
		seen[p.Kind]++
		for range 20 {
			i := r.IntN(len(proof) * 8)
			proof[i/8] ^= 1 << (i % 8)
			if bad, err := hns.DecodeProof(proof); err == nil {
				if _, err := bad.Verify(root, key); err == nil {
					t.Errorf("accepted with bit %d flipped: %x", i, proof)
				}
			}
			proof[i/8] ^= 1 << (i % 8)
			flips++
		}
	}
	t.Logf("proofs by kind %v, %d flips", seen, flips)
	if seen[hns.Exists] < 3500 || seen[hns.Short]+seen[hns.Collision] < 4000 || seen[hns.DeadEnd] == 0 || flips < 200_000 {
		t.Errorf("too few were tried: %v, %d flips", seen, flips)
	}
}

func hexBytes(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
