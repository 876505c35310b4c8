package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"
)

// words prints what a verb of the test tree was given.
type wordsRecord struct {
	Verb string   `json:"verb"`
	Args []string `json:"args"`
	From string   `json:"from"`
	Peer []string `json:"peer"`
	Deep bool     `json:"deep"`
}

func (w wordsRecord) Text() string {
	return fmt.Sprintf("%s args=%q from=%q peer=%q deep=%v", w.Verb, w.Args, w.From, w.Peer, w.Deep)
}

func show(c *urfave.Context) error {
	return Out(c).Print(wordsRecord{c.Command.Name, Args(c), c.String("from"), c.StringSlice("peer"), c.Bool("deep")})
}

func testApp() *urfave.App {
	flags := func() []urfave.Flag {
		return []urfave.Flag{From("peers"), &urfave.StringSliceFlag{Name: "peer"}, &urfave.BoolFlag{Name: "deep"}, OutputFlag()}
	}
	return App("pars-x", "do x", "",
		&urfave.Command{Name: "crawl", Usage: "walk", ArgsUsage: "[NAME…]", Flags: flags(), Action: show},
		&urfave.Command{Name: "cat", Usage: "print", ArgsUsage: "A [B]", Flags: flags(), Action: show},
		&urfave.Command{Name: "bare", Usage: "none", Flags: flags(), Action: show},
		&urfave.Command{Name: "exit", Usage: "an exit coder", Action: func(*urfave.Context) error { return coder{} }},
		&urfave.Command{Name: "wallet", Usage: "a group", Subcommands: []*urfave.Command{
			{Name: "new", Usage: "make one", Flags: flags(), Action: show},
		}},
	)
}

// coder is an error that urfave/cli would end the process for.
type coder struct{}

func (coder) Error() string { return "coded" }
func (coder) ExitCode() int { return 77 }

func runLine(t *testing.T, line ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(context.Background(), testApp(), append([]string{"pars-x"}, line...), nil, &out, &errs)
	return code, out.String(), errs.String()
}

// Each row is a trap of urfave/cli v2.27.7, named by its number in STYLE.md's list where it has one.
func TestTraps(t *testing.T) {
	for _, tc := range []struct {
		trap, line string
		code       int
		out, err   string // a part of the stream; "" means that it must be empty
	}{
		{"1 common flag after the verb", "crawl --json", 0, `"verb":"crawl"`, ""},
		{"1 common flag before the verb", "--json crawl", 0, `"verb":"crawl"`, ""},
		{"1 common flag with a value before the verb", "--timeout 5s --json crawl A", 0, `"args":["A"]`, ""},
		{"1 common flag inside a group", "wallet --json new", 0, `"verb":"new"`, ""},
		{"2 flag after an argument", "crawl A --from - B", 0, `args=["A" "B"] from="-"`, ""},
		{"2 unknown flag after an argument", "crawl A --form -", 2, "", "unknown flag --form"},
		{"2 lone dash is an argument", "crawl -", 0, `args=["-"]`, ""},
		{"2 negative number is a flag", "crawl -5", 2, "", "unknown flag -5"},
		{"2 three dashes", "crawl ---deep", 2, "", "unknown flag ---deep"},
		{"3 bad value", "crawl --timeout x", 2, "", "invalid value"},
		{"3 bad value in a group", "wallet new --timeout x", 2, "", "invalid value"},
		{"3 two forms", "crawl --deep=maybe", 2, "", "invalid boolean value"},
		{"5 no verb", "", 2, "", "no verb given"},
		{"5 no verb in a group", "wallet", 2, "", "no verb given"},
		{"5 no verb but flags", "--json", 2, "", "no verb given"},
		{"6 unknown verb", "fly", 2, "", `unknown verb "fly"`},
		{"6 unknown verb with flags", "fly --away", 2, "", `unknown verb "fly"`},
		{"6 unknown verb in a group", "wallet fly", 2, "", `unknown verb "fly"`},
		{"7 argument named help", "cat help", 0, `args=["help"]`, ""},
		{"7 argument named h", "cat h", 0, `args=["h"]`, ""},
		{"7 no help verb", "help", 2, "", "unknown verb"},
		{"7 no help verb in a group", "wallet help", 2, "", "unknown verb"},
		{"8 exit coder", "exit", 1, "", "pars-x: coded\n"},
		{"9 list flag with a comma", "crawl --peer a,b --peer c", 0, `peer=["a,b" "c"]`, ""},
		{"10 value after a boolean", "bare --deep false", 2, "", "takes no arguments"},
		{"10 too many", "cat a b c", 2, "", "too many arguments"},
		{"10 too few", "cat", 2, "", "usage: pars-x cat A [B]"},
		{"11 flag as a value", "crawl --from --deep", 2, "", "--from needs a value"},
		{"11 no value at the end", "crawl A --from", 2, "", "--from needs a value"},
		{"11 no value before --", "crawl --from -- A", 2, "", "--from needs a value"},
		{"11 joined value", "crawl --from=--x", 0, `from="--x"`, ""},
		{"12 -v means verbose", "crawl -v", 0, "crawl", ""},
		{"12 -v alone is no version", "-v", 2, "", "no verb"},
		{"12 version", "--version", 0, "pars-x ", ""},
		{"12 version of a verb", "crawl --version", 0, "pars-x ", ""},
		{"14 the last one wins", "crawl --from a --from b", 0, `from="b"`, ""},
		{"15 double dash", "crawl A -- -x --deep", 0, `args=["A" "-x" "--deep"]`, ""},
		{"15 double dash first", "crawl -- -x", 0, `args=["-x"]`, ""},
		{"15 double dash twice", "crawl -- A -- B", 0, `args=["A" "--" "B"]`, ""},
		{"argument named like a flag", "crawl --json json", 0, `"args":["json"]`, ""},
		{"argument named like a verb", "cat crawl", 0, `args=["crawl"]`, ""},
		{"negative timeout", "crawl --timeout -1s", 2, "", "negative"},
		{"help", "--help", 0, "usage: pars-x VERB", ""},
		{"help of a group", "wallet -h", 0, "usage: pars-x wallet VERB", ""},
		{"help of a verb", "cat a --help", 0, "usage: pars-x cat [FLAGS] A [B]", ""},
	} {
		t.Run(tc.trap, func(t *testing.T) {
			code, out, errs := runLine(t, strings.Fields(tc.line)...)
			if code != tc.code {
				t.Errorf("exit %d, want %d; stderr %q", code, tc.code, errs)
			}
			check(t, "stdout", out, tc.out)
			check(t, "stderr", errs, tc.err)
			if errs != "" && (strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "pars-x: ")) {
				t.Errorf("stderr %q, want one line that begins with pars-x:", errs)
			}
		})
	}
}

func check(t *testing.T, name, got, part string) {
	t.Helper()
	if (part == "") != (got == "") || !strings.Contains(got, part) {
		t.Errorf("%s %q, want %q in it", name, got, part)
	}
}

// Trap 3: a bad PARS_* value must not print help on stdout either.
func TestBadEnvironment(t *testing.T) {
	app := testApp()
	app.Commands[0].Flags = append(app.Commands[0].Flags, &urfave.IntFlag{Name: "workers", EnvVars: []string{"PARS_WORKERS"}})
	t.Setenv("PARS_WORKERS", "many")
	var out, errs bytes.Buffer
	if code := Run(context.Background(), app, []string{"pars-x", "crawl"}, nil, &out, &errs); code != 2 || out.Len() > 0 {
		t.Errorf("exit %d stdout %q, want 2 and nothing", code, out.String())
	}
	check(t, "stderr", errs.String(), "PARS_WORKERS")
}

// Traps 3 to 8 are closed in the tree itself, also for whoever runs it without Run.
func TestTreeAlone(t *testing.T) {
	for _, line := range [][]string{{"--no"}, {"wallet", "--no"}, {"crawl", "--no"}, {}, {"fly"}, {"wallet", "fly"}, {"wallet"}, {"h"}, {"help"}} {
		app := testApp()
		var out, errs bytes.Buffer
		app.Writer, app.ErrWriter = &out, &errs
		err := app.RunContext(context.Background(), append([]string{"pars-x"}, line...))
		if !errors.Is(err, ErrUsage) || out.Len()+errs.Len() > 0 {
			t.Errorf("%q: error %v, printed %q %q; want a usage error alone", line, err, out.String(), errs.String())
		}
	}
}

// Trap 4: a flag that must be given would print help on stdout.
// Trap 13: nothing of one tree is found in the next, and no shared global flag is written to.
func TestTreesAreFresh(t *testing.T) {
	global := *urfave.HelpFlag.(*urfave.BoolFlag)
	a, b := testApp(), testApp()
	for i := range a.Commands {
		if a.Commands[i] == b.Commands[i] {
			t.Errorf("verb %s is shared by two trees", a.Commands[i].Name)
		}
	}
	for _, app := range []*urfave.App{a, b, b} {
		var out, errs bytes.Buffer
		if code := Run(context.Background(), app, []string{"pars-x", "cat", "x"}, nil, &out, &errs); code != 0 {
			t.Errorf("exit %d: %s", code, errs.String())
		}
	}
	for _, cmd := range append(b.Commands, &urfave.Command{Name: "root", Flags: b.Flags}) {
		for _, f := range cmd.Flags {
			if f == urfave.HelpFlag || f == urfave.VersionFlag {
				t.Errorf("verb %s holds a flag that all trees share", cmd.Name)
			}
			if r, ok := f.(urfave.RequiredFlag); ok && r.IsRequired() {
				t.Errorf("verb %s: flag %v is required", cmd.Name, f.Names())
			}
		}
	}
	if got := *urfave.HelpFlag.(*urfave.BoolFlag); got.HasBeenSet != global.HasBeenSet || !slices.Equal(got.Aliases, global.Aliases) {
		t.Error("the shared help flag was changed")
	}
}

func TestHelpIsGrouped(t *testing.T) {
	app := testApp()
	app.Commands[1].Category = "reading"
	var out bytes.Buffer
	Run(context.Background(), app, []string{"pars-x", "--help"}, nil, &out, &out)
	for _, part := range []string{"\nverbs:\n", "\nreading verbs:\n  cat ", "exit codes: 0 ok", "completion"} {
		check(t, "help", out.String(), part)
	}
	out.Reset()
	Run(context.Background(), app, []string{"pars-x", "cat", "--help"}, nil, &out, &out)
	for _, part := range []string{"\nflags:\n", "--from FILE|-", "\ncommon flags:\n", "[$PARS_HOME]", "(default: pars-2026)"} {
		check(t, "help", out.String(), part)
	}
}
