// Package arch holds the tree to its own rules: what may import what, what must be tested and documented, and how large
// it may grow.
//
// It reads sources with go/parser and never runs the go tool: the test cache does not see what such a child reads, and a
// test that shells out stays green with a fault planted. The rules are in rules.go and calls.go, the tables of floors in
// floors.go. Every rule has a planted tree under testdata that it must refuse.
package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the path that our own imports begin with.
const module = "github.com/pars-network/pars/"

// Finding is one place where the tree breaks a rule.
type Finding struct {
	File string
	Line int
	Rule string
	Text string
}

func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Rule, f.Text) }

// file is one parsed source file.
type file struct {
	path      string // from the root of the tree, with slashes
	dir       string
	name      string
	ast       *ast.File
	lines     int
	test      bool
	generated bool
	imports   map[string]string // local name to import path
}

// tree is all Go sources below a root.
type tree struct {
	fset  *token.FileSet
	files []*file
}

// load parses every Go file below root but testdata and hidden folders.
func load(root string) (*tree, error) {
	t := &tree{fset: token.NewFileSet()}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skip := d.Name(); p != root && (skip == "testdata" || skip == "node_modules" || strings.HasPrefix(skip, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		return t.add(p, filepath.ToSlash(rel))
	})
	return t, err
}

func (t *tree) add(name, rel string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.fset, rel, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	f := &file{
		path: rel, dir: path.Dir(rel), name: path.Base(rel), ast: parsed,
		lines: bytes.Count(src, []byte("\n")), test: strings.HasSuffix(rel, "_test.go"),
		generated: ast.IsGenerated(parsed), imports: map[string]string{},
	}
	for _, spec := range parsed.Imports {
		p := importPath(spec)
		local := path.Base(p)
		if strings.HasPrefix(local, "v") && len(local) > 1 && strings.Trim(local[1:], "0123456789") == "" {
			local = path.Base(path.Dir(p)) // …/cli/v2 is named cli
		}
		if spec.Name != nil {
			local = spec.Name.Name
		}
		f.imports[local] = p
	}
	t.files = append(t.files, f)
	return nil
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value // the parser has accepted it, so this cannot happen
	}
	return p
}

// within reports whether dir is one of the folders or below one.
func within(dir string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return dir == f || strings.HasPrefix(dir, f+"/") })
}

// at makes a finding of the rule at a node.
func (t *tree) at(f *file, n ast.Node, format string, args ...any) Finding {
	return Finding{File: f.path, Line: t.fset.Position(n.Pos()).Line, Text: fmt.Sprintf(format, args...)}
}

// folders groups the files by folder, in a fixed order.
func (t *tree) folders() []folder {
	byDir := map[string][]*file{}
	for _, f := range t.files {
		byDir[f.dir] = append(byDir[f.dir], f)
	}
	var out []folder
	for dir, files := range byDir {
		out = append(out, folder{dir, files})
	}
	slices.SortFunc(out, func(a, b folder) int { return strings.Compare(a.dir, b.dir) })
	return out
}

type folder struct {
	dir   string
	files []*file
}

// rule is one check of the whole tree.
type rule struct {
	name  string // also the folder of its planted tree
	check func(*tree) []Finding
}

// rules returns all checks.
func rules() []rule {
	return []rule{
		{"floor", floors},
		{"guarded", guarded},
		{"closed", closed},
		{"testonly", testOnly},
		{"pure", pure},
		{"comment", packageComments},
		{"documented", documented},
		{"name", names},
		{"size", sizes},
		{"fuzz", fuzzed},
		{"call", calls},
		{"init", inits},
		{"required", required},
		{"skip", skips},
		{"sleep", sleeps},
		{"variable", variables},
	}
}

// Check returns everything below root that breaks a rule, in the order of files and lines.
func Check(root string) ([]Finding, error) {
	t, err := load(root)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, r := range rules() {
		for _, f := range r.check(t) {
			f.Rule = r.name
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return out, nil
}
