package gen

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const root = "../.."

func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := Files(Apps())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v; run make man", err)
		} else if string(got) != want {
			t.Errorf("%s is not what the tree of verbs says; run make man", name)
		}
	}
	for _, pattern := range []string{"docs/man/*", "docs/completion/*", "cmd/*/doc.go"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			rel, _ := filepath.Rel(root, f)
			if _, ok := files[filepath.ToSlash(rel)]; !ok {
				t.Errorf("%s belongs to no command", rel)
			}
		}
	}
}

func TestEveryCommandHasAPage(t *testing.T) {
	known := map[string]bool{}
	for _, app := range Apps() {
		known[app.Name] = true
	}
	dirs, err := filepath.Glob(filepath.Join(root, "cmd", "*", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if name := filepath.Base(filepath.Dir(d)); !known[name] {
			t.Errorf("cmd/%s is not in Apps", name)
		}
	}
}

// Every verb of every command answers --help on stdout, and a wrong flag with one line on stderr.
func TestEveryVerbKnowsTheGrammar(t *testing.T) {
	for i, app := range Apps() {
		for _, v := range verbs(app.Commands, "") {
			if v.Usage == "" || strings.HasSuffix(v.Usage, ".") || v.Usage[:1] != strings.ToLower(v.Usage[:1]) {
				t.Errorf("%s %s: usage %q, want lower case without a full stop", app.Name, v.name, v.Usage)
			}
			for flag, want := range map[string]int{"--help": 0, "--no-such-flag": 2} {
				var out, errs bytes.Buffer
				line := append(append([]string{app.Name}, strings.Fields(v.name)...), flag)
				code := cli.Run(context.Background(), Apps()[i], line, nil, &out, &errs)
				if code != want || (out.Len() > 0) != (want == 0) || (errs.Len() > 0) != (want != 0) {
					t.Errorf("%q: exit %d stdout %q stderr %q", line, code, out.String(), errs.String())
				}
			}
		}
	}
}

func TestPageShowsVerbsFlagsAndEnvironment(t *testing.T) {
	app := cli.App("pars-x", "do x", "First.\n.Second", &urfave.Command{Name: "group", Subcommands: []*urfave.Command{{
		Name: "cat", Usage: "print it", ArgsUsage: "ID…", Description: "More.",
		Flags: []urfave.Flag{&urfave.StringFlag{Name: "key", Usage: "use `FILE`", EnvVars: []string{"PARS_KEY"}}},
	}}})
	got := page(app)
	for _, part := range []string{`.SS group cat ID...`, `.B \-\-key FILE`, "PARS_KEY", "PARS_HOME", ".PP\n\\&.Second", ".SH EXIT STATUS", "does not verify"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	if doc := docGo(app); !strings.Contains(doc, "//\tgroup cat ID…\n") {
		t.Errorf("doc.go:\n%s", doc)
	}
}

func TestScriptsParse(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		for _, app := range Apps() {
			script, err := cli.Script(app, shell)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(path, "-n", file).CombinedOutput(); err != nil {
				t.Errorf("%s of %s: %v\n%s", shell, app.Name, err, out)
			}
		}
	}
}

func TestPagesAreClean(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed") // skip: the labs install it
	}
	files, err := Files(Apps())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if strings.HasPrefix(name, "docs/man/") {
			cmd := exec.Command(mandoc, "-T", "lint", "-W", "error")
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		}
	}
}

func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed") // skip: the script is for those who have it
	}
	app := Apps()[0]
	script, err := cli.Script(app, "bash")
	if err != nil {
		t.Fatal(err)
	}
	fn := "_" + strings.ReplaceAll(app.Name, "-", "_")
	for _, tc := range []struct{ words, want string }{
		{app.Name + " comp", "completion"},
		{app.Name + " completion --pro", "--profile"},
	} {
		script := script + "\nCOMP_WORDS=(" + tc.words + "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); " + fn + "; echo ${COMPREPLY[@]}\n"
		out, err := exec.Command(bash, "-c", script).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != tc.want {
			t.Errorf("%q completes to %q, %v; want %q", tc.words, out, err, tc.want)
		}
	}
}
