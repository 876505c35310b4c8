package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, tc := range []struct{ name, in, want, err string }{
		{"text", "a\tb\nc\n", "a,c", ""},
		{"json", `{"id":"a","n":1}` + "\n" + `{"id":"b"}`, "a,b", ""},
		{"mixed, blank and CRLF", "a\r\n\n{\"id\":\"b\"}\n", "a,b", ""},
		{"over 64 KiB", long + "\n", long, ""},
		{"no such field", "a\n{\"n\":1}\n", "a", `-: line 2: no text in field "id"`},
		{"bad json", "{x}\n", "", "-: line 1: "},
		{"over 1 MiB", "a\n" + strings.Repeat("y", maxLine+1), "a", "-: line 2: longer than 1048576 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			code, errs := runVerb(context.Background(), strings.NewReader(tc.in), io.Discard, []urfave.Flag{From("ids")}, "", []string{"--from", "-"},
				func(c *urfave.Context) error {
					for s, err := range Lines(c, "id") {
						if err != nil {
							return err
						}
						got = append(got, s)
					}
					return nil
				})
			if s := strings.Join(got, ","); s != tc.want {
				t.Errorf("got %.50q want %.50q", s, tc.want)
			}
			if (code != 0) != (tc.err != "") || !strings.Contains(errs, tc.err) {
				t.Errorf("exit %d stderr %q, want %q", code, errs, tc.err)
			}
		})
	}
}

func TestArgsFillInInput(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, tc := range []struct {
		name  string
		stdin io.Reader
		line  []string
		code  int
		want  string
	}{
		{"given", nil, []string{"S", "F"}, 0, "S F"},
		{"left out in a pipe", strings.NewReader(""), []string{"S"}, 0, "S -"},
		{"left out without a pipe", null, []string{"S"}, 2, ""},
		{"from", null, []string{"S", "--from", "F"}, 0, "S F"},
		{"nothing at all", strings.NewReader(""), nil, 2, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got string
			code, errs := runVerb(context.Background(), tc.stdin, io.Discard, []urfave.Flag{From("x")}, "SESSION FILE|-", tc.line, func(c *urfave.Context) error {
				got = strings.Join(Args(c), " ")
				return nil
			})
			if code != tc.code || got != tc.want {
				t.Errorf("exit %d args %q, want %d %q; stderr %q", code, got, tc.code, tc.want, errs)
			}
		})
	}
}

func TestArity(t *testing.T) {
	for usage, want := range map[string]arity{
		"":                  {0, 0, false},
		"A [B]":             {1, 2, false},
		"SESSION [TEXT…|-]": {1, -1, false},
		"SESSION… FILE":     {2, -1, false},
		"FILE|-":            {1, 1, true},
	} {
		if got := arityOf(usage); got != want {
			t.Errorf("arityOf(%q) = %+v, want %+v", usage, got, want)
		}
	}
}

func TestOutput(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out")
	write := func(data string, err error) func(*urfave.Context) error {
		return func(c *urfave.Context) error {
			return Output(c, func(w io.Writer) error {
				if _, werr := io.WriteString(w, data); werr != nil {
					return werr
				}
				return err
			})
		}
	}
	flags := func() []urfave.Flag { return []urfave.Flag{OutputFlag()} }
	line := []string{"-o", file}
	if code, _ := runVerb(context.Background(), nil, io.Discard, flags(), "", line, write("half", errors.New("no"))); code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("a failure left %v", left)
	}
	if code, errs := runVerb(context.Background(), nil, io.Discard, flags(), "", line, write("\x00whole", nil)); code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "\x00whole" {
		t.Errorf("file holds %q, %v", got, err)
	}
	runVerb(context.Background(), nil, io.Discard, flags(), "", line, write("half", errors.New("no")))
	if got, _ := os.ReadFile(file); string(got) != "\x00whole" {
		t.Errorf("a failure changed the old file to %q", got)
	}
	var out bytes.Buffer
	if code, _ := runVerb(context.Background(), nil, &out, flags(), "", []string{"-o", "-"}, write("\x00p", nil)); code != 0 || out.String() != "\x00p" {
		t.Errorf("pipe: exit %d, %q", code, out.String())
	}
}

func TestTheNullDeviceIsNoTerminal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if terminal(null) || terminal(&answer{null}) || piped(null) {
		t.Error("the null device counts as a terminal or a pipe")
	}
}

func TestNoBytesToATerminal(t *testing.T) {
	var out bytes.Buffer
	w := textOnly{&out}
	for _, bad := range []string{"\x00", "\x1b[2J", "\xff\xfe"} {
		if _, err := io.WriteString(w, bad); Code(err) != 2 || !strings.Contains(err.Error(), "-o FILE") {
			t.Errorf("%q: %v, want a usage error with a hint", bad, err)
		}
	}
	if _, err := io.WriteString(w, "pars:card/سلام\n"); err != nil {
		t.Error(err)
	}
	if out.String() != "pars:card/سلام\n" {
		t.Errorf("wrote %q", out.String())
	}
}

type note string

func (n note) Text() string { return string(n) }

func TestPrintIsHarmless(t *testing.T) {
	hostile := note("id\tمی\u200cروم\x1b]0;x\x07\u009b\u202eabc\u2066\u200f")
	for verbose, want := range map[bool]string{
		false: "id\tمی\u200cروم]0;xabc\n",
		true:  "id\tمی\u200cروم<U+001B>]0;x<U+0007><U+009B><U+202E>abc<U+2066><U+200F>\n",
	} {
		var out bytes.Buffer
		p := &Printer{w: &out, verbose: verbose}
		if err := p.Print(hostile); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("verbose %v: got %q want %q", verbose, out.String(), want)
		}
	}
	if got, want := Escape("a\tb\nc\\\r"), `a\tb\nc\\\r`; got != want {
		t.Errorf("Escape: got %q want %q", got, want)
	}
}

func TestJSONIsOneObjectALine(t *testing.T) {
	var out bytes.Buffer
	p := &Printer{w: &out, json: true}
	for range 2 {
		if err := p.Print(wordsRecord{Verb: "<a&b>"}); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"verb":"<a&b>","args":null,"from":"","peer":null,"deep":false}` + "\n"
	if out.String() != want+want {
		t.Errorf("got %q", out.String())
	}
}

func TestProgressIsSilentWithoutATerminal(t *testing.T) {
	code, errs := runVerb(context.Background(), nil, io.Discard, nil, "", nil, func(c *urfave.Context) error {
		p := Progress(c)
		p.Set("half")
		p.Done()
		Verbosef(c, "not asked for")
		Warnf(c, "told %d", 1)
		return nil
	})
	if code != 0 || errs != "pars-x: told 1\n" {
		t.Errorf("exit %d stderr %q", code, errs)
	}
	var line bytes.Buffer
	m := &Meter{w: &line}
	m.Set("one")
	m.Set("two at once")
	m.Done()
	if got, want := line.String(), "\r\x1b[Kone\r\x1b[K"; got != want {
		t.Errorf("got %q want %q", got, want)
	}
}

func TestHome(t *testing.T) {
	env := func(kv ...string) func(string) string {
		return func(k string) string {
			for i := 0; i < len(kv); i += 2 {
				if kv[i] == k {
					return kv[i+1]
				}
			}
			return ""
		}
	}
	for _, tc := range []struct {
		goos, want string
		env        func(string) string
	}{
		{"linux", "/h/.local/share", env("HOME", "/h")},
		{"linux", "/x", env("HOME", "/h", "XDG_DATA_HOME", "/x")},
		{"linux", "/h/.local/share", env("HOME", "/h", "XDG_DATA_HOME", "relative")},
		{"darwin", "/h/Library/Application Support", env("HOME", "/h")},
		{"android", "/h", env("HOME", "/h")},
		{"windows", `C:\l`, env("LocalAppData", `C:\l`)},
		{"linux", "", env()},
	} {
		got, err := dataDir(tc.goos, tc.env)
		if filepath.ToSlash(got) != tc.want || (tc.want == "") != (Code(err) == 2) {
			t.Errorf("%s: got %q, %v want %q", tc.goos, got, err, tc.want)
		}
	}
	t.Setenv("PARS_HOME", "from-env")
	for _, tc := range []struct{ line, want string }{{"", "from-env"}, {"--home=given", "given"}} {
		_, errs := runVerb(context.Background(), nil, io.Discard, nil, "", strings.Fields(tc.line), func(c *urfave.Context) error {
			dir, err := Home(c)
			if err != nil || filepath.Base(dir) != tc.want || !filepath.IsAbs(dir) {
				return fmt.Errorf("got %q, %w", dir, err)
			}
			return nil
		})
		if errs != "" {
			t.Error(errs)
		}
	}
}

func TestPassphrase(t *testing.T) {
	for _, tc := range []struct {
		in, want string
		code     int
	}{
		{"secret words\r\nmore", "secret words", 0},
		{"no end", "no end", 0},
		{"\n", "", 2},
		{strings.Repeat("x", maxPassphrase+1), "", 2},
	} {
		var got []byte
		code, errs := runVerb(context.Background(), strings.NewReader(tc.in), io.Discard, []urfave.Flag{PassphraseFlag()}, "", []string{"--passphrase-file", "-"},
			func(c *urfave.Context) (err error) {
				got, err = Passphrase(c)
				return err
			})
		if code != tc.code || string(got) != tc.want {
			t.Errorf("%.20q: exit %d got %q; stderr %q", tc.in, code, got, errs)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, out, errs := runLine(t, "completion", shell)
		if code != 0 || errs != "" {
			t.Errorf("%s: exit %d: %s", shell, code, errs)
		}
		for _, part := range []string{"crawl", "wallet", "from", "deep"} {
			check(t, shell, out, part)
		}
	}
	if code, _, errs := runLine(t, "completion", "csh"); code != 2 || !strings.Contains(errs, "csh") {
		t.Errorf("csh: exit %d: %s", code, errs)
	}
}

// Commands joined in one process share nothing; make race watches this one.
func TestPipelineInOneProcess(t *testing.T) {
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		app := App("pars-a", "a", "", &urfave.Command{Name: "list", Usage: "list", Action: func(c *urfave.Context) error {
			for _, s := range []string{"one", "two"} {
				if err := Out(c).Print(wordsRecord{Verb: s}); err != nil {
					return err
				}
			}
			return nil
		}})
		code := Run(context.Background(), app, []string{"pars-a", "list", "--json"}, nil, w, io.Discard)
		w.Close()
		done <- code
	}()
	var got []string
	code, errs := runVerb(context.Background(), r, io.Discard, []urfave.Flag{From("words")}, "", []string{"--from", "-"}, func(c *urfave.Context) error {
		for s, err := range Lines(c, "verb") {
			if err != nil {
				return err
			}
			got = append(got, s)
		}
		return nil
	})
	if first := <-done; first != 0 || code != 0 || strings.Join(got, " ") != "one two" {
		t.Errorf("exits %d and %d, got %q; %s", first, code, got, errs)
	}
}
