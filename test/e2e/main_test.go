package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/bootstrap"
	"github.com/pars-network/pars/internal/command/bundle"
	"github.com/pars-network/pars/internal/command/dag"
	"github.com/pars-network/pars/internal/command/dht"
	"github.com/pars-network/pars/internal/command/evm"
	"github.com/pars-network/pars/internal/command/gossip"
	"github.com/pars-network/pars/internal/command/node"
	"github.com/pars-network/pars/internal/command/qr"
)

// TestMain makes every command a process of this test binary: no build step, and the test cache sees
// all sources.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pars-bootstrap": func() { cli.Main(bootstrap.App()) },
		"pars-bundle":    func() { cli.Main(bundle.App()) },
		"pars-dag":       func() { cli.Main(dag.App()) },
		"pars-dht":       func() { cli.Main(dht.App()) },
		"pars-evm":       func() { cli.Main(evm.App()) },
		"pars-gossip":    func() { cli.Main(gossip.App()) },
		"pars-node":      func() { cli.Main(node.App()) },
		"pars-qr":        func() { cli.Main(qr.App()) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			dir, err := os.MkdirTemp("", "pars") // short enough for a socket
			if err != nil {
				return err
			}
			e.Defer(func() { os.RemoveAll(dir) })
			e.Setenv("H", dir)
			e.Setenv("PARS_PROFILE", "devnet")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "setenv-from": setenvFrom, "samelines": sameLines,
			"smaller": smaller, "overwrite": overwrite, "waitnode": waitNode,
		},
	})
}

// exits N cmd…: runs a command and compares its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command args…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		got = ee.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// setenv-from NAME FILE [COLUMN]: the first line of a file, or one column of it.
func setenvFrom(ts *testscript.TestScript, neg bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile(args[1]), "\n")
	if len(args) > 2 {
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		line = strings.Split(line, "\t")[n]
	}
	if line == "" {
		ts.Fatalf("%s is empty", args[1])
	}
	ts.Setenv(args[0], line)
}

// samelines FILE FILE: both hold the same lines in any order.
func sameLines(ts *testscript.TestScript, neg bool, args []string) {
	count := map[string]int{}
	for i, name := range args {
		for line := range strings.Lines(ts.ReadFile(name)) {
			count[line] += 1 - 2*i
		}
	}
	for line, n := range count {
		if n != 0 {
			ts.Fatalf("only in one of them: %s", fmt.Sprintf("%q", line))
		}
	}
}
