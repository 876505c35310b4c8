// Package convo runs golden conversations: text files of commands with the answers that are expected.
//
// A file is a list of blocks. Each has command lines, a line of four dashes, the answer, and an empty
// line; lines that begin with # are told to the reader alone. The answer is all that the commands of the
// block print. With -rewrite the answers found are written into the files; read the diff before you commit it.
package convo

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rewrite is a flag of the test binary: it is set once, before any test runs.
var rewrite = flag.Bool("rewrite", false, "write the answers found into the conversations")

// Command is one line: a verb, arguments, and options written key=value.
type Command struct {
	Verb    string
	Args    []string
	Options map[string]string
	Where   string // file:line
}

// Option returns the value of an option, or what stands for it.
func (c Command) Option(key, otherwise string) string {
	if v, ok := c.Options[key]; ok {
		return v
	}
	return otherwise
}

// Run runs each file that matches pattern as a subtest. start is called for each and returns what executes
// a command: it returns what the command prints.
func Run(t *testing.T, pattern string, start func(t *testing.T) func(c Command) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversation matches %s: %v", pattern, err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), filepath.Ext(f)), func(t *testing.T) { file(t, f, start(t)) })
	}
}

func file(t *testing.T, path string, do func(c Command) string) {
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := play(path, string(want), do)
	if got == string(want) {
		return
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Error(diff(path, string(want), got))
}

// play answers every block of text anew.
func play(path, text string, do func(c Command) string) string {
	var out bytes.Buffer
	answering := false // an old answer is being stepped over
	var answer strings.Builder
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case answering && line != "":
		case answering, line == "", strings.HasPrefix(line, "#"):
			answering = false
			out.WriteString(line + "\n")
		case line == "----":
			answering = true
			out.WriteString("----\n" + answer.String())
			answer.Reset()
		default:
			out.WriteString(line + "\n")
			if s := do(parse(line, fmt.Sprintf("%s:%d", path, i+1))); s != "" {
				answer.WriteString(strings.TrimRight(s, "\n") + "\n")
			}
		}
	}
	if answer.Len() > 0 { // the last block has no dashes yet
		out.WriteString("----\n" + answer.String())
	}
	return out.String()
}

func parse(line, where string) Command {
	words := strings.Fields(line)
	c := Command{Verb: words[0], Options: map[string]string{}, Where: where}
	for _, w := range words[1:] {
		if k, v, ok := strings.Cut(w, "="); ok {
			c.Options[k] = v
		} else {
			c.Args = append(c.Args, w)
		}
	}
	return c
}

// diff shows the first line that differs.
func diff(path, want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := at(w, i), at(g, i)
		if a != b {
			return fmt.Sprintf("%s:%d\n got %s\nwant %s\nall:\n%s", path, i+1, b, a, got)
		}
	}
	return ""
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}
