package arch

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// packageComments wants the first line of every package to say what it is for, once.
func packageComments(t *tree) []Finding {
	var out []Finding
	for _, dir := range t.folders() {
		files := slices.DeleteFunc(slices.Clone(dir.files), func(f *file) bool { return f.test })
		if len(files) == 0 {
			files = dir.files
		}
		var with []*file
		for _, f := range files {
			if f.ast.Doc != nil && f.ast.Doc.Text() != "" {
				with = append(with, f)
			}
		}
		if len(with) == 0 {
			out = append(out, t.at(files[0], files[0].ast.Name, "no file of %s has a package comment", dir.dir))
		}
		for _, f := range with[min(1, len(with)):] {
			out = append(out, t.at(f, f.ast.Name, "a second package comment; the first is in %s", with[0].name))
		}
	}
	return out
}

// documented wants a comment on what a library exports.
func documented(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		if f.test || f.generated || !within(f.dir, "pkg") {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc.Text() == "" && !wellKnown(d) {
					out = append(out, t.at(f, d, "%s has no comment", d.Name.Name))
				}
			case *ast.GenDecl:
				out = append(out, t.undocumented(f, d)...)
			}
		}
	}
	return out
}

func (t *tree) undocumented(f *file, d *ast.GenDecl) []Finding {
	var out []Finding
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc.Text()+s.Comment.Text() == "" && (d.Lparen.IsValid() || d.Doc.Text() == "") {
				out = append(out, t.at(f, s, "type %s has no comment", s.Name.Name))
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && s.Doc.Text()+s.Comment.Text()+d.Doc.Text() == "" {
					out = append(out, t.at(f, n, "%s has no comment", n.Name))
				}
			}
		}
	}
	return out
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// wellKnown methods mean what their interface of the standard library says.
func wellKnown(d *ast.FuncDecl) bool {
	return d.Recv != nil && slices.Contains([]string{"Error", "Unwrap", "Is", "String", "Len", "Less", "Swap"}, d.Name.Name)
}

// names refuses packages named for nothing.
func names(t *tree) []Finding {
	var out []Finding
	for _, dir := range t.folders() {
		for _, f := range dir.files {
			name := strings.TrimSuffix(f.ast.Name.Name, "_test")
			for _, bad := range []string{"util", "utils", "common", "helper", "helpers", "misc", "types", "manager"} {
				if name == bad || slices.Contains(strings.Split(f.dir, "/"), bad) {
					out = append(out, t.at(f, f.ast.Name, "%s says nothing about what is in it", bad))
				}
			}
		}
	}
	return out
}

const (
	maxFile     = 600
	maxTestFile = 1200
	maxFunc     = 100
)

// large lists what may exceed the sizes, with the reason.
func large() map[string]string { return map[string]string{} }

func sizes(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		if f.generated || large()[f.path] != "" {
			continue
		}
		limit := maxFile
		if f.test {
			limit = maxTestFile
		}
		if f.lines > limit {
			out = append(out, t.at(f, f.ast.Name, "%d lines, more than %d", f.lines, limit))
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || f.test {
				continue
			}
			if n := t.fset.Position(fn.End()).Line - t.fset.Position(fn.Pos()).Line + 1; n > maxFunc {
				out = append(out, t.at(f, fn, "%s has %d lines, more than %d", fn.Name.Name, n, maxFunc))
			}
		}
	}
	return out
}

// fuzzed wants a Fuzz target in the same folder for every exported decoder of a library: its name ends like the
// decoder's, or it calls it.
func fuzzed(t *tree) []Finding {
	var out []Finding
	for _, dir := range t.folders() {
		if !within(dir.dir, "pkg") {
			continue
		}
		targets := fuzzTargets(dir.files)
		for _, f := range dir.files {
			for _, d := range f.ast.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || f.test || !decoder(fn) {
					continue
				}
				if !slices.ContainsFunc(targets, func(target *ast.FuncDecl) bool { return covers(target, fn.Name.Name) }) {
					out = append(out, t.at(f, fn, "no Fuzz target calls %s", fn.Name.Name))
				}
			}
		}
	}
	return out
}

func decoder(fn *ast.FuncDecl) bool {
	name := fn.Name.Name
	return exportedReceiver(fn) && (strings.HasPrefix(name, "Decode") || strings.HasPrefix(name, "Parse"))
}

func fuzzTargets(files []*file) []*ast.FuncDecl {
	var out []*ast.FuncDecl
	for _, f := range files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Fuzz") {
				out = append(out, fn)
			}
		}
	}
	return out
}

func covers(target *ast.FuncDecl, name string) bool {
	found := target.Name.Name == "Fuzz"+name
	ast.Inspect(target.Body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			found = true
		}
		return !found
	})
	return found
}

// variables wants a comment that says why a package holds something that can be changed under it.
func variables(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		if f.test || f.generated || within(f.dir, "test", "bench") {
			continue
		}
		for _, d := range f.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				s := spec.(*ast.ValueSpec)
				if s.Doc.Text()+s.Comment.Text()+g.Doc.Text() == "" && changeable(s) && s.Names[0].Name != "_" {
					out = append(out, t.at(f, s, "variable %s can be changed by anybody; say why it is safe", s.Names[0].Name))
				}
			}
		}
	}
	return out
}

// changeable reports a pointer, map or slice as far as the syntax shows it.
func changeable(s *ast.ValueSpec) bool {
	shared := func(e ast.Expr) bool {
		switch x := e.(type) {
		case *ast.MapType, *ast.StarExpr:
			return true
		case *ast.ArrayType:
			return x.Len == nil
		}
		return false
	}
	if s.Type != nil {
		return shared(s.Type)
	}
	return slices.ContainsFunc(s.Values, func(v ast.Expr) bool {
		switch x := v.(type) {
		case *ast.CompositeLit:
			return shared(x.Type)
		case *ast.UnaryExpr:
			return x.Op == token.AND
		case *ast.CallExpr:
			id, ok := x.Fun.(*ast.Ident)
			return ok && (id.Name == "new" || id.Name == "make")
		}
		return false
	})
}
