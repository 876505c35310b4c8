//go:build interop

package interop

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/bundle"
	"github.com/pars-network/pars/internal/command/dag"
	"github.com/pars-network/pars/internal/command/dht"
	"github.com/pars-network/pars/internal/command/evm"
	"github.com/pars-network/pars/internal/command/gossip"
	"github.com/pars-network/pars/internal/command/node"
	"github.com/pars-network/pars/internal/command/qr"
)

const roleVariable = "PARS_LAB_ROLE"

// roles are what the test binary does when it is started again inside a namespace. Each ends when its input does.
var roles = map[string]func(args []string) error{}

// role enters one: var _ = role("name", f).
func role(name string, f func(args []string) error) bool {
	roles[name] = f
	return true
}

// commands are what the test binary does when it is started under another name.
func commands() map[string]func() {
	return map[string]func(){
		"pars-bundle": func() { cli.Main(bundle.App()) },
		"pars-dag":    func() { cli.Main(dag.App()) },
		"pars-dht":    func() { cli.Main(dht.App()) },
		"pars-evm":    func() { cli.Main(evm.App()) },
		"pars-gossip": func() { cli.Main(gossip.App()) },
		"pars-node":   func() { cli.Main(node.App()) },
		"pars-qr":     func() { cli.Main(qr.App()) },
	}
}

func TestMain(m *testing.M) {
	name := os.Getenv(roleVariable)
	if name == "" {
		testscript.Main(m, commands())
	}
	f := roles[name]
	if f == nil {
		fmt.Fprintln(os.Stderr, "no role", name)
		os.Exit(2)
	}
	if err := f(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// skip passes a test over where the machine cannot run it; the CI machine must.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("PARS_CI") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Net is a LAN of namespaces that ends with its test. The nodes are numbered from 0.
type Net struct {
	t    *testing.T
	name string
}

// NewNet makes n nodes on one bridge.
func NewNet(t *testing.T, n int) *Net {
	t.Helper()
	return newNet(t, "up", strconv.Itoa(n))
}

// NewLANs makes two LANs of n and m nodes with a router between.
func NewLANs(t *testing.T, n, m int) *Net {
	t.Helper()
	return newNet(t, "lans", strconv.Itoa(n), strconv.Itoa(m))
}

func newNet(t *testing.T, verb string, args ...string) *Net {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		skip(t, "no ip command; run test/lab/install.sh")
	}
	net := &Net{t: t, name: fmt.Sprintf("pars%d-%d-", os.Getpid(), time.Now().UnixNano()%1_000_000)}
	t.Cleanup(net.down)
	net.run(verb, args...)
	return net
}

func (n *Net) script(verb string, args ...string) ([]byte, error) {
	return exec.Command("sh", append([]string{"../lab/net.sh", verb, n.name}, args...)...).CombinedOutput()
}

func (n *Net) run(verb string, args ...string) {
	n.t.Helper()
	if out, err := n.script(verb, args...); err != nil {
		n.t.Fatalf("net.sh %s %v: %v: %s", verb, args, err, out)
	}
}

// down removes everything, and fails the test when something is left.
func (n *Net) down() {
	if out, err := n.script("down"); err != nil {
		n.t.Errorf("net.sh down: %v: %s", err, out)
	}
	out, err := exec.Command("ip", "netns", "list").CombinedOutput()
	if err != nil || strings.Contains(string(out), n.name) {
		n.t.Errorf("namespaces are left: %s: %v", out, err)
	}
}

// Cut takes the cable of node i out, so that it sees its carrier go; Heal puts it back.
func (n *Net) Cut(i int) { n.t.Helper(); n.run("cut", strconv.Itoa(i)) }

// Heal puts the cable of node i back.
func (n *Net) Heal(i int) { n.t.Helper(); n.run("heal", strconv.Itoa(i)) }

// Split moves the nodes to an island of their own; nobody's carrier goes.
func (n *Net) Split(nodes ...int) {
	n.t.Helper()
	var args []string
	for _, i := range nodes {
		args = append(args, strconv.Itoa(i))
	}
	n.run("split", args...)
}

// Join makes one network of the two islands again.
func (n *Net) Join() { n.t.Helper(); n.run("join") }

// Part makes the router between two LANs forward nothing; nobody's carrier goes.
func (n *Net) Part() { n.t.Helper(); n.run("part") }

// Whole makes it forward again.
func (n *Net) Whole() { n.t.Helper(); n.run("whole") }

// Drop loses percent of what node i sends.
func (n *Net) Drop(i, percent int) {
	n.t.Helper()
	n.run("drop", strconv.Itoa(i), strconv.Itoa(percent))
}

// Proc is the test binary in a namespace.
type Proc struct {
	t     *testing.T
	name  string
	in    io.Closer
	lines chan string
	done  chan error
}

// Start runs a role in node i.
func (n *Net) Start(i int, roleName string, args ...string) *Proc {
	n.t.Helper()
	return startIn(n.t, n.name+strconv.Itoa(i), roleName, args...)
}

// startIn runs a role in a namespace until the test ends.
func startIn(t *testing.T, ns, roleName string, args ...string) *Proc {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ip", append([]string{"netns", "exec", ns, self}, args...)...)
	cmd.Env = append(os.Environ(), roleVariable+"="+roleName)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Proc{t: t, name: roleName + " in " + ns, in: in, lines: make(chan string, 1024), done: make(chan error, 1)}
	go p.read(cmd, out)
	t.Cleanup(func() { p.end(cmd) })
	return p
}

func (p *Proc) read(cmd *exec.Cmd, out io.Reader) {
	for s := bufio.NewScanner(out); s.Scan(); {
		select {
		case p.lines <- s.Text():
		default: // nobody reads so many
		}
	}
	close(p.lines)
	p.done <- cmd.Wait()
}

// end is for what a test left running.
func (p *Proc) end(cmd *exec.Cmd) {
	p.in.Close()
	for timer := time.NewTimer(5 * time.Second); ; {
		select {
		case _, more := <-p.lines:
			if !more {
				return
			}
		case <-timer.C:
			cmd.Process.Kill()
		}
	}
}

// Stop closes the input, which asks a role to end, and waits until it has.
func (p *Proc) Stop() {
	p.t.Helper()
	p.in.Close()
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Errorf("%s: %v", p.name, err)
		}
	case <-time.After(10 * time.Second):
		p.t.Errorf("%s does not end", p.name)
	}
}

// Wait reads lines until one contains what, and returns how long that took.
func (p *Proc) Wait(what string, within time.Duration) time.Duration {
	p.t.Helper()
	start := time.Now()
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		select {
		case line, more := <-p.lines:
			if !more {
				p.t.Fatalf("%s ended before it said %q", p.name, what)
			}
			if strings.Contains(line, what) {
				return time.Since(start)
			}
		case <-timer.C:
			p.t.Fatalf("%s did not say %q within %v", p.name, what, within)
		}
	}
}

// Skim forgets what has been said up to now, and reports whether what was among it.
func (p *Proc) Skim(what string) bool {
	found := false
	for {
		select {
		case line, more := <-p.lines:
			if !more {
				return found
			}
			found = found || strings.Contains(line, what)
		default:
			return found
		}
	}
}
