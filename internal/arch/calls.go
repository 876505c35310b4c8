package arch

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// ban is a function or a whole package that must not be used, but in some places.
type ban struct {
	pkg    string
	names  []string // none: the import itself
	except []string // folders
	tests  bool     // tests may
	why    string
}

func bans() []ban {
	seeded := []string{"internal/simnet", "internal/evil", "internal/convo", "test", "bench"}
	return []ban{
		{"time", []string{"Now", "Since", "Until"}, []string{"cmd", "pkg/node", "internal", "test", "bench"}, true, "time is passed in"},
		{"math/rand", nil, seeded, true, "randomness is passed in"},
		{"math/rand/v2", nil, seeded, true, "randomness is passed in"},
		{"os", []string{"Exit"}, []string{"internal/cli", "bench"}, true, "only cli.Main ends the process"},
		{"log", nil, nil, false, "errors are returned, and told by internal/cli"},
		{"log/slog", nil, []string{"internal", "pkg/node", "cmd", "test", "bench"}, true, "libraries do not log"},
		{"github.com/urfave/cli/v2", []string{"Exit", "NewExitError", "HandleExitCoder", "NewApp"}, nil, false, "it prints, or ends the process, on its own"},
		{"crypto/ed25519", []string{"Verify", "VerifyWithOptions"}, []string{"bench"}, true, "pkg/sig holds the one rule of what a valid signature is"},
	}
}

func calls(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		for _, b := range bans() {
			if within(f.dir, b.except...) || b.tests && f.test {
				continue
			}
			out = append(out, t.banned(f, b)...)
		}
		out = append(out, t.goTool(f)...)
	}
	return out
}

func (t *tree) banned(f *file, b ban) []Finding {
	var out []Finding
	if b.names == nil {
		for _, spec := range f.ast.Imports {
			if importPath(spec) == b.pkg {
				out = append(out, t.at(f, spec, "%s is not used here: %s", b.pkg, b.why))
			}
		}
		return out
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if ok && f.selects(sel, b.pkg, b.names...) {
			out = append(out, t.at(f, sel, "%s.%s is not used here: %s", b.pkg, sel.Sel.Name, b.why))
		}
		return true
	})
	return out
}

// selects reports whether sel is one of the names of the package pkg.
func (f *file) selects(sel *ast.SelectorExpr, pkg string, names ...string) bool {
	id, ok := sel.X.(*ast.Ident)
	return ok && f.imports[id.Name] == pkg && slices.Contains(names, sel.Sel.Name)
}

// goTool finds exec.Command("go", …).
func (t *tree) goTool(f *file) []Finding {
	var out []Finding
	ast.Inspect(f.ast, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !f.selects(sel, "os/exec", "Command", "CommandContext") {
			return true
		}
		for _, arg := range call.Args[:min(2, len(call.Args))] {
			if lit, ok := arg.(*ast.BasicLit); ok && lit.Value == `"go"` {
				out = append(out, t.at(f, call, "the test cache does not see what the go tool reads"))
			}
			if sel.Sel.Name == "Command" {
				break
			}
		}
		return true
	})
	return out
}

// pure keeps clocks, randomness, goroutines, sockets and files out of floor 0 and of every core.go.
func pure(t *tree) []Finding {
	outside := []string{"net", "os", "log", "crypto/rand", "math/rand", "math/rand/v2", "sync", "net/http", "os/exec", "syscall"}
	var out []Finding
	for _, f := range t.files {
		p, ok := placeOf(f.dir)
		if !ok || f.test || !within(f.dir, "pkg") || p.floor > 0 && f.name != "core.go" {
			continue
		}
		for _, spec := range f.ast.Imports {
			if slices.Contains(outside, importPath(spec)) {
				out = append(out, t.at(f, spec, "a core is told everything; it does not import %s", importPath(spec)))
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				out = append(out, t.at(f, g, "a core starts no goroutine"))
			}
			if sel, ok := n.(*ast.SelectorExpr); ok && f.selects(sel, "time", "Now", "Since", "Until", "After", "Sleep", "NewTimer", "NewTicker", "Tick", "AfterFunc") {
				out = append(out, t.at(f, sel, "a core is told the time"))
			}
			return true
		})
	}
	return out
}

// inits refuses work that starts by importing.
func inits(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				out = append(out, t.at(f, fn, "nothing happens by being imported"))
			}
		}
	}
	return out
}

// required finds Required: true in a flag, for which urfave/cli prints help on stdout.
func required(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		if !within(f.dir, "internal", "cmd") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, isKey := kv.Key.(*ast.Ident)
			value, isValue := kv.Value.(*ast.Ident)
			if isKey && isValue && key.Name == "Required" && value.Name == "true" {
				out = append(out, t.at(f, kv, "the action checks, so that no help lands on stdout"))
			}
			return true
		})
	}
	return out
}

// sleeps wants a reason for every sleep in a test, on its line or the one above.
func sleeps(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		if !f.test && !within(f.dir, "test") {
			continue
		}
		reasons := t.reasons(f, "sleep")
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if ok && f.selects(sel, "time", "Sleep") && !reasons[t.line(sel)] && !reasons[t.line(sel)-1] {
				out = append(out, t.at(f, sel, "wait for an event, or say why in a comment that begins with sleep:"))
			}
			return true
		})
	}
	return out
}

// skips wants the reason of every test that may leave itself out: one that is always left out tests nothing. The labs
// tell by it that a counterpart is missing.
func skips(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		if !f.test || within(f.dir, "test/interop") {
			continue
		}
		reasons := t.reasons(f, "skip")
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if ok && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name) && !reasons[t.line(sel)] && !reasons[t.line(sel)-1] {
				out = append(out, t.at(f, sel, "let the test fail, or say why not in a comment that begins with skip:"))
			}
			return true
		})
	}
	return out
}

// reasons are the lines with a comment that begins with the word and goes on.
func (t *tree) reasons(f *file, word string) map[int]bool {
	out := map[int]bool{}
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if reason, ok := strings.CutPrefix(c.Text, "// "+word+": "); ok && reason != "" {
				out[t.line(c)] = true
			}
		}
	}
	return out
}

func (t *tree) line(n interface{ Pos() token.Pos }) int { return t.fset.Position(n.Pos()).Line }
