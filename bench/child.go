package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// build links a command as a release does and returns its path.
func (b *bench) build(tree, pkg string) (string, error) {
	out := filepath.Join(b.dir, "bin", filepath.Base(pkg))
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	compiler := "go"
	cmd := exec.Command(compiler, "build", "-trimpath", "-buildvcs=false", "-tags", "urfave_cli_no_docs", "-ldflags=-s -w -buildid=", "-o", out, pkg)
	cmd.Dir, cmd.Env, cmd.Stderr = tree, append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	return out, nil
}

// ours builds one of our commands, theirs one below peers.
func (b *bench) ours(name string) (string, error) { return b.build(b.root, "./cmd/"+name) }
func (b *bench) theirs(name string) (string, error) {
	return b.build(filepath.Join(b.root, "bench"), "./peers/"+name)
}

// child is a running program whose lines we read.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func start(name string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(name, args...)}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.lines = bufio.NewScanner(out)
	c.lines.Buffer(nil, 1<<20)
	return c, c.cmd.Start()
}

// ready waits for the line "ready …" and returns the last word of it: an address.
func (c *child) ready() (string, error) {
	for c.lines.Scan() {
		if words := strings.Fields(c.lines.Text()); len(words) > 1 && words[0] == "ready" {
			return words[len(words)-1], nil
		}
	}
	return "", errors.New("it ended before it was ready")
}

// rss is the resident memory in MB.
func (c *child) rss() (float64, error) {
	text := procLine(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid), "VmRSS")
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, " kB"), 64)
	return n * 1024 / 1e6, err
}

// group ends its children together.
type group struct {
	mu  sync.Mutex // guards all
	all []*child
}

func (g *group) start(name string, args ...string) (*child, string, error) {
	c, err := start(name, args...)
	if err != nil {
		return nil, "", err
	}
	g.mu.Lock()
	g.all = append(g.all, c)
	g.mu.Unlock()
	addr, err := c.ready()
	if err != nil {
		err = fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return c, addr, err
}

func (g *group) stop() {
	for _, c := range g.all {
		_ = c.cmd.Process.Signal(os.Interrupt) // it may have ended
	}
	for _, c := range g.all {
		_ = c.cmd.Wait() // how a host of the peer ends says nothing
	}
}

// output runs a program to its end.
func output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	out, err := cmd.Output()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		err = fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, ended.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}
