package cli

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func unit() Unit {
	return Unit{Name: "pars-node", Description: "pars node of /home/a & b/100%", Writes: "/home/a & b/100%",
		Exec: []string{"/usr/bin/pars-node", "run", "--home", `/home/a & b/100%`, "--budget", "200MB/month", `odd "$x"\`, ""}}
}

// TestServices holds each system's text to a golden file.
func TestServices(t *testing.T) {
	for goos, path := range map[string]string{"linux": "systemd/user/pars-node.service", "darwin": "Library/LaunchAgents/network.pars.pars-node.plist", "windows": ""} {
		s, ok := unit().Service(goos, 501)
		if !ok || filepath.ToSlash(s.Path) != path || len(s.Install) == 0 || len(s.Remove) == 0 || len(s.Status) == 0 {
			t.Errorf("%s: %+v", goos, s)
		}
		want, err := os.ReadFile("testdata/unit-" + goos)
		if err != nil {
			t.Fatal(err)
		}
		if s.Text != string(want) {
			t.Errorf("%s:\n%s\nwant:\n%s", goos, s.Text, want)
		}
	}
	if _, ok := unit().Service("plan9", 0); ok {
		t.Error("every system is known")
	}
}

func TestPlistIsXML(t *testing.T) {
	s, _ := unit().Service("darwin", 501)
	d := xml.NewDecoder(strings.NewReader(s.Text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWords(t *testing.T) {
	for w, want := range map[string]string{`plain`: `plain`, `a b`: `"a b"`, `50%`: `50%%`, `$HOME`: `$$HOME`, `a"b\c`: `"a\"b\\c"`, "": `""`, "a\nb": `"a\nb"`, ";": `";"`} {
		if got := systemdWord(w); got != want {
			t.Errorf("systemd %q: %s, want %s", w, got, want)
		}
	}
	for w, want := range map[string]string{`C:\a\b`: `C:\a\b`, `C:\a b\`: `"C:\a b\\"`, `say "x"`: `"say \"x\""`, `a\"b c`: `"a\\\"b c"`} {
		if got := (Unit{Exec: []string{w}}).windows(); got != want {
			t.Errorf("windows %q: %s, want %s", w, got, want)
		}
	}
}
