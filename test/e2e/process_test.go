package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// proc is a running node.
type proc struct {
	t    *testing.T
	cmd  *exec.Cmd
	home string
	addr string
	log  *output
}

// output is written by a process and read by a test.
type output struct {
	mu sync.Mutex // guards b
	b  strings.Builder
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

func home(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pars")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func command(home, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PARS_HOME="+home, "PARS_PROFILE=devnet")
	return cmd
}

// run runs a verb and returns the first line it prints.
func run(t *testing.T, home, name string, args ...string) string {
	t.Helper()
	out, err := try(home, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out
}

func try(home, name string, args ...string) (string, error) {
	out, err := command(home, name, args...).Output()
	return strings.TrimSuffix(string(out), "\n"), err
}

// start runs a node until the test ends and waits until it is ready.
func start(t *testing.T, home string, args ...string) *proc {
	t.Helper()
	p := &proc{t: t, home: home, log: &output{}}
	p.cmd = command(home, "pars-node", append([]string{"run", "--json", "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--no-resolve"}, args...)...)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("node did not become ready: %v\n%s", err, p.log)
	}
	var ready struct {
		Addrs []string `json:"addrs"`
	}
	if err := json.Unmarshal([]byte(line), &ready); err != nil || len(ready.Addrs) == 0 {
		t.Fatalf("ready line %q: %v", line, err)
	}
	p.addr = ready.Addrs[0]
	return p
}

func (p *proc) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// stop asks the node to end, which is no failure.
func (p *proc) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(os.Interrupt)
	timer := time.AfterFunc(20*time.Second, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	p.cmd.Wait()
	if code := p.cmd.ProcessState.ExitCode(); code != 0 && code != 130 {
		p.t.Errorf("the node ended with %d: %s", code, p.log)
	}
}

// until polls a condition.
func until(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// cable is a road between two nodes that can be cut.
type cable struct {
	l  net.Listener
	to string

	mu    sync.Mutex // guards below
	cut   bool
	conns []net.Conn
	wg    sync.WaitGroup
}

// newCable listens on loopback and carries what comes to the address of a multiaddr.
func newCable(t *testing.T, addr string) (*cable, string) {
	t.Helper()
	parts := strings.Split(addr, "/") // /ip4/HOST/tcp/PORT/p2p/ID
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{l: l, to: net.JoinHostPort(parts[2], parts[4])}
	c.wg.Go(c.serve)
	t.Cleanup(func() { l.Close(); c.set(true); c.wg.Wait() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	parts[2], parts[4] = "127.0.0.1", port
	return c, strings.Join(parts, "/")
}

func (c *cable) serve() {
	for {
		in, err := c.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", c.to)
		c.mu.Lock()
		if err != nil || c.cut {
			in.Close()
			if err == nil {
				out.Close()
			}
		} else {
			c.conns = append(c.conns, in, out)
			c.wg.Go(func() { carry(in, out) })
			c.wg.Go(func() { carry(out, in) })
		}
		c.mu.Unlock()
	}
}

func carry(from, to net.Conn) {
	io.Copy(to, from)
	from.Close()
	to.Close()
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut = cut; cut {
		for _, conn := range c.conns {
			conn.Close()
		}
		c.conns = nil
	}
}
