package spectest

import (
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// flow reads a scalar, {a: b, …} or [a, …] that fills s.
func flow(s string) (*node, error) {
	f := &flowReader{s: s}
	n, err := f.value(0)
	if f.skip(); err == nil && f.s != "" {
		err = wire.Invalid("YAML: %.40q follows a value", f.s)
	}
	return n, err
}

type flowReader struct{ s string }

func (f *flowReader) skip() { f.s = strings.TrimLeft(f.s, " \t") }

func (f *flowReader) eat(c byte) bool {
	f.skip()
	if f.s == "" || f.s[0] != c {
		return false
	}
	f.s = f.s[1:]
	return true
}

func (f *flowReader) value(depth int) (*node, error) {
	if depth > maxNesting {
		return nil, wire.Invalid("YAML: nested too deep")
	}
	switch {
	case f.eat('{'):
		return f.items(depth, '}', true)
	case f.eat('['):
		return f.items(depth, ']', false)
	}
	return &node{scalar: unquote(f.word(depth > 0))}, nil
}

func (f *flowReader) items(depth int, end byte, named bool) (*node, error) {
	n := &node{}
	for !f.eat(end) {
		if f.s == "" {
			return nil, wire.Invalid("YAML: value does not end")
		}
		if named {
			n.keys = append(n.keys, unquote(f.word(true)))
			if !f.eat(':') {
				return nil, wire.Invalid("YAML: key without a value")
			}
		}
		v, err := f.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if named {
			n.vals = append(n.vals, v)
		} else {
			n.list = append(n.list, v)
		}
		if !f.eat(',') {
			if !f.eat(end) {
				return nil, wire.Invalid("YAML: %.40q in a list", f.s)
			}
			return n, nil
		}
	}
	return n, nil
}

// word takes a scalar: quoted, or up to a mark of the flow form.
func (f *flowReader) word(inside bool) string {
	f.skip()
	if f.s != "" && (f.s[0] == '\'' || f.s[0] == '"') {
		if i := strings.IndexByte(f.s[1:], f.s[0]); i >= 0 {
			out := f.s[:i+2]
			f.s = f.s[i+2:]
			return out
		}
	}
	i := len(f.s)
	if inside {
		if j := strings.IndexAny(f.s, ",:{}[]"); j >= 0 {
			i = j
		}
	}
	out := f.s[:i]
	f.s = f.s[i:]
	return strings.TrimSpace(out)
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}
