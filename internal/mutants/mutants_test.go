package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestListIsCurrent holds the list against the tree: each fault has one place to stand in, and tests that must see it.
func TestListIsCurrent(t *testing.T) {
	names := map[string]bool{}
	for _, m := range mutants() {
		if names[m.name] {
			t.Errorf("%s: listed twice", m.name)
		}
		names[m.name] = true
		b, err := os.ReadFile(filepath.Join("../..", m.file))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if n := strings.Count(string(b), m.old); n != 1 {
			t.Errorf("%s: stands %d times in %s", m.name, n, m.file)
		}
		tests := testsOf(t, filepath.Join("../..", m.pkg))
		for _, run := range strings.Split(m.run, "|") {
			if !regexp.MustCompile(`(?m)^func ` + strings.SplitN(strings.Trim(run, "^$"), "/", 2)[0]).MatchString(tests) {
				t.Errorf("%s: no test %s in %s", m.name, run, m.pkg)
			}
		}
	}
}

// testsOf returns the text of a package's tests.
func testsOf(t *testing.T, dir string) string {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}
