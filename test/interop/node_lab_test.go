//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Home is the home of a node. Verbs reach a node that runs on it from any namespace: its socket is a file.
type Home struct {
	t   *testing.T
	dir string
}

// NewHome makes a folder with a name short enough for a socket.
func NewHome(t *testing.T) Home {
	t.Helper()
	dir, err := os.MkdirTemp("", "pars")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return Home{t, dir}
}

func (h Home) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PARS_HOME="+h.dir, "PARS_PROFILE=devnet")
	return cmd
}

// Try runs a verb and returns what it prints. The error holds what it says on standard error.
func (h Home) Try(name string, args ...string) (string, error) {
	cmd := h.command(name, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, &said)
	}
	return strings.TrimSuffix(string(out), "\n"), err
}

// Run runs a verb that must succeed.
func (h Home) Run(name string, args ...string) string {
	h.t.Helper()
	out, err := h.Try(name, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// output is written by a process and read by a test.
type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

// Write appends.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// String is all that was written up to now.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Running is a process that ends with its test.
type Running struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, log *output
	ended    chan struct{}
}

// run starts a command. A test that fails shows the end of what it said.
func run(t *testing.T, cmd *exec.Cmd) *Running {
	t.Helper()
	p := &Running{t: t, cmd: cmd, out: &output{}, log: &output{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		p.Kill()
		if s := p.log.String(); t.Failed() && s != "" {
			t.Logf("%v said:\n%s", cmd.Args, s[max(0, len(s)-6000):])
		}
	})
	return p
}

// Kill is SIGKILL.
func (p *Running) Kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// Stop asks the process to end, which must take less than ten seconds and be no failure.
func (p *Running) Stop() {
	p.t.Helper()
	p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
		if code := p.cmd.ProcessState.ExitCode(); code != 0 && code != 130 {
			p.t.Errorf("%v: exit %d", p.cmd.Args, code)
		}
	case <-time.After(10 * time.Second):
		p.t.Errorf("%v does not end", p.cmd.Args)
	}
}

// Node is pars-node run in a namespace.
type Node struct {
	*Running
	Home
	addrs  []string
	peerID string
}

// Run starts a node on a home in namespace i and waits until it is ready.
func (n *Net) Run(i int, h Home, args ...string) *Node {
	h.t.Helper()
	return n.serve(i, h, append([]string{"pars-node", "run", "--json", "-v"}, args...)...)
}

// Seed starts a seeder and waits until it is ready.
func (n *Net) Seed(i int, h Home, args ...string) *Node {
	h.t.Helper()
	return n.serve(i, h, append([]string{"pars-dht", "seed", "--json"}, args...)...)
}

// Relay starts a relay and waits until it is ready.
func (n *Net) Relay(i int, h Home, args ...string) *Node {
	h.t.Helper()
	return n.serve(i, h, append([]string{"pars-gossip", "relay", "--json"}, args...)...)
}

// serve starts a command that prints a ready line in namespace i.
func (n *Net) serve(i int, h Home, args ...string) *Node {
	h.t.Helper()
	self, err := exec.LookPath(args[0])
	if err != nil {
		h.t.Fatal(err)
	}
	// ip ends by becoming the command, so that the pid is the node's
	cmd := h.command("ip", append([]string{"netns", "exec", fmt.Sprint(n.name, i), self}, args[1:]...)...)
	return awaitReady(h, cmd)
}

// awaitReady starts a command that prints a ready line.
func awaitReady(h Home, cmd *exec.Cmd) *Node {
	h.t.Helper()
	node := &Node{Running: run(h.t, cmd), Home: h}
	var line string
	until(h.t, 20*time.Second, "the node is ready", func() bool {
		select {
		case <-node.ended:
			h.t.Fatalf("%v ended: %s", cmd.Args, node.log)
		default:
		}
		var whole bool
		line, _, whole = strings.Cut(node.out.String(), "\n")
		return whole
	})
	var ready struct {
		PeerID string   `json:"peer_id"`
		Addrs  []string `json:"addrs"`
	}
	if err := json.Unmarshal([]byte(line), &ready); err != nil {
		h.t.Fatalf("ready line %q: %v", line, err)
	}
	node.addrs, node.peerID = ready.Addrs, ready.PeerID
	return node
}

// Addr is the address of the node on the bridge.
func (n *Node) Addr() string {
	for _, a := range n.addrs {
		if strings.HasPrefix(a, "/ip4/10.7") {
			return a
		}
	}
	n.Home.t.Fatalf("no address on the bridge: %v", n.addrs)
	return ""
}

// Has reports whether the session reads with all the texts.
func (h Home) Has(s string, texts ...string) bool {
	out, err := h.Try("pars-node", "read", s)
	for _, text := range texts {
		if err != nil || !strings.Contains(out, text) {
			return false
		}
	}
	return true
}

// Follow reads a session on and on.
func (h Home) Follow(s string) *Running {
	h.t.Helper()
	return run(h.t, h.command("pars-node", "read", s, "--follow"))
}

// Says reports whether all the texts were printed.
func (p *Running) Says(texts ...string) bool {
	out := p.out.String()
	for _, text := range texts {
		if !strings.Contains(out, text) {
			return false
		}
	}
	return true
}

// until polls a condition and returns how long it took to hold.
func until(t *testing.T, limit time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-time.After(20 * time.Millisecond)
	}
	return time.Since(start)
}

// equal waits until all homes print the same check line.
func equal(t *testing.T, limit time.Duration, s string, homes ...Home) (time.Duration, string) {
	t.Helper()
	var lines []string
	took := func() time.Duration {
		defer func() {
			if t.Failed() {
				t.Logf("check lines:\n%s", strings.Join(lines, "\n"))
			}
		}()
		return until(t, limit, "equal check lines", func() bool {
			lines = nil
			same := true
			for _, h := range homes {
				line, err := h.Try("pars-dag", "check", s)
				lines = append(lines, line)
				same = same && err == nil && strings.HasPrefix(line, "ok ") && line == lines[0]
			}
			return same
		})
	}()
	return took, lines[0]
}

// ledger holds the ids of what a send acknowledged.
type ledger struct {
	mu  sync.Mutex // guards ids
	ids []string
}

func (l *ledger) add(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, id)
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ids)
}

// send writes and enters the id.
func (l *ledger) send(h Home, s, text string) error {
	id, err := h.Try("pars-node", "send", s, text)
	if err == nil {
		l.add(id)
	}
	return err
}

// check looks for every id in every home.
func (l *ledger) check(t *testing.T, s string, homes ...Home) {
	t.Helper()
	for i, h := range homes {
		all := h.Run("pars-dag", "ls", s)
		for _, id := range l.ids {
			if !strings.Contains(all, id) {
				t.Errorf("home %d has lost %s, which was acknowledged", i, id)
			}
		}
	}
	if len(l.ids) == 0 {
		t.Error("nothing was acknowledged")
	}
}

// killWhileWriting writes from four sides through a node until it is killed.
func (l *ledger) killWhileWriting(n *Node, s string) {
	n.Home.t.Helper()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	before := l.len()
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					l.send(n.Home, s, fmt.Sprintf("writer %d: %d", w, i))
				}
			}
		})
	}
	until(n.Home.t, 30*time.Second, "some writes", func() bool { return l.len() >= before+12 })
	n.Kill()
	close(stop)
	wg.Wait()
}
