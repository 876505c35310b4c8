// Command mutants plants one fault after the other in a copy of the tree and expects a test to turn red.
//
//	go run ./internal/mutants [word …]
//
// With words it plants those faults whose names hold one of them. A fault that no test sees is a missing
// test; one whose line is not in the tree any more, or that does not build, has to be written anew.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pars-network/pars/internal/cli"

	urfave "github.com/urfave/cli/v2"
)

// mutant is one fault: in file, the one place that reads old becomes new, and run of pkg must fail.
type mutant struct {
	name     string
	file     string
	old, new string
	pkg, run string
}

// limit is how long one test may take: a fault may also show by never ending.
const limit = 3 * time.Minute

func main() {
	os.Args = slices.Insert(os.Args, min(1, len(os.Args)), "run") // there is one verb
	cli.Main(cli.App("mutants", "plant faults that a test must see", "", &urfave.Command{
		Name: "run", Usage: "plant them one by one", ArgsUsage: "[WORD…]", Action: run,
	}))
}

func run(c *urfave.Context) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := copyTree(".", dir); err != nil {
		return err
	}
	bad := 0
	for _, m := range mutants() {
		if args := c.Args().Slice(); len(args) > 0 && !slices.ContainsFunc(args, func(w string) bool { return strings.Contains(m.name, w) }) {
			continue
		}
		verdict := m.plant(c.Context, dir)
		if verdict != "red" {
			bad++
		}
		fmt.Fprintf(c.App.Writer, "%s\t%s\n", verdict, m.name)
	}
	if bad > 0 {
		return fmt.Errorf("%d faults were not seen", bad)
	}
	return nil
}

// copyTree copies what the go tool reads.
func copyTree(from, to string) error {
	if _, err := os.Stat(filepath.Join(from, "go.mod")); err != nil {
		return fmt.Errorf("run this at the root of the module: %w", err)
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && path != from || d.Name() == "bin" || d.Name() == "dist" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), b, 0o644)
	})
}

// plant returns red when the test failed, else what is wrong.
func (m mutant) plant(ctx context.Context, dir string) string {
	path := filepath.Join(dir, m.file)
	good, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if n := bytes.Count(good, []byte(m.old)); n != 1 {
		return fmt.Sprintf("stands %d times", n)
	}
	if err := os.WriteFile(path, bytes.Replace(good, []byte(m.old), []byte(m.new), 1), 0o644); err != nil {
		return err.Error()
	}
	defer func() { _ = os.WriteFile(path, good, 0o644) }() // the copy is thrown away
	out, err := goTest(ctx, dir, m.pkg, m.run)
	var failed *exec.ExitError
	switch {
	case err == nil && bytes.Contains(out, []byte("no tests to run")):
		return "no such test"
	case err == nil:
		return "SURVIVED"
	case !errors.As(err, &failed):
		return err.Error()
	case bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
		return "does not build"
	}
	return "red"
}

func goTest(ctx context.Context, dir, pkg, run string) ([]byte, error) {
	tool := "go" // not cached: the copy is another tree at each call
	cmd := exec.CommandContext(ctx, tool, "test", "-count=1", "-timeout", limit.String(), "-run", run, "./"+pkg)
	cmd.Dir = dir
	return cmd.CombinedOutput()
}
