package wire

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func labels(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "labels.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for i, v := range spec.Values {
				s, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				out[spec.Names[i].Name] = s
			}
		}
		return true
	})
	return out
}

func TestLabels(t *testing.T) {
	shape := regexp.MustCompile(`^pars/[a-z0-9/-]+/v[0-9]+$`)
	all := labels(t)
	if len(all) < 30 {
		t.Fatalf("read %d labels only", len(all))
	}
	for name, s := range all {
		if !shape.MatchString(s) {
			t.Errorf("%s: %q has not the shape of a label", name, s)
		}
		for other, o := range all {
			if other != name && strings.HasPrefix(o, s) {
				t.Errorf("%s %q is the beginning of %s %q", name, s, other, o)
			}
		}
	}
}
