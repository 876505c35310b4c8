package store_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childEnv names the part that a child process of this test binary plays: "part arg arg".
const childEnv = "PARS_STORE_CHILD"

// TestChild is no test: it is what children run.
func TestChild(t *testing.T) {
	args := strings.Fields(os.Getenv(childEnv))
	if len(args) == 0 {
		return
	}
	parts := map[string]func(*testing.T, []string){"crash": crashChild, "damage": damageChild, "salvage": salvageChild}
	parts[args[0]](t, args[1:])
}

// child is a running child process, ended with the test at the latest.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

// next returns the next line. A child that is silent for 20 seconds hangs and is ended, with its stacks on stderr.
func (c *child) next() (string, bool) {
	hung := time.AfterFunc(20*time.Second, func() { _ = c.cmd.Process.Signal(syscall.SIGQUIT) })
	defer hung.Stop()
	ok := c.lines.Scan()
	return c.lines.Text(), ok
}

func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChild$", "-test.count=1")
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(args, " "))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if testing.Verbose() {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &child{cmd, bufio.NewScanner(out)}
}
