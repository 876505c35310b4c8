package spectest

import (
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// node is a value of the YAML subset in which the cases are written: block and flow lists and maps of scalars.
type node struct {
	scalar string
	list   []*node
	keys   []string
	vals   []*node
}

func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i, k := range n.keys {
		if k == key {
			return n.vals[i]
		}
	}
	return nil
}

func (n *node) text(key string) string {
	if v := n.get(key); v != nil {
		return v.scalar
	}
	return ""
}

type line struct {
	indent int
	text   string
}

// parser holds the lines that are left.
type parser struct {
	lines []line
	depth int
}

const maxNesting = 16

// ParseYAML reads the subset; what is outside it is an error that Is wire.ErrInvalid.
func ParseYAML(b []byte) (*node, error) {
	p := &parser{}
	for s := range strings.SplitSeq(string(b), "\n") {
		text := strings.TrimRight(s, " \r")
		trimmed := strings.TrimLeft(text, " ")
		if trimmed == "" || trimmed[0] == '#' || trimmed == "---" || trimmed == "..." {
			continue
		}
		if open := len(p.lines) - 1; open >= 0 && unclosed(p.lines[open].text) {
			p.lines[open].text += " " + trimmed // a flow value goes on
			continue
		}
		p.lines = append(p.lines, line{len(text) - len(trimmed), trimmed})
	}
	n, err := p.block(0)
	if err == nil && len(p.lines) > 0 {
		err = wire.Invalid("YAML: %.40q stands out of line", p.lines[0].text)
	}
	return n, err
}

func unclosed(s string) bool {
	return strings.Count(s, "{")+strings.Count(s, "[") > strings.Count(s, "}")+strings.Count(s, "]")
}

// block reads the lines that are indented by at least so much as one value.
func (p *parser) block(least int) (*node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNesting {
		return nil, wire.Invalid("YAML: nested too deep")
	}
	if len(p.lines) == 0 || p.lines[0].indent < least {
		return &node{}, nil
	}
	at, first := p.lines[0].indent, p.lines[0].text
	if strings.HasPrefix(first, "{") || strings.HasPrefix(first, "[") {
		p.lines = p.lines[1:]
		return flow(first)
	}
	out := &node{}
	dash := dashed(first)
	for len(p.lines) > 0 && p.lines[0].indent == at && (!dash || dashed(p.lines[0].text)) {
		if err := p.entry(out, at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func dashed(s string) bool { return s == "-" || strings.HasPrefix(s, "- ") }

func (p *parser) entry(out *node, at int) error {
	text := p.lines[0].text
	if dashed(text) {
		if out.keys != nil {
			return wire.Invalid("YAML: %.40q in a map", text)
		}
		rest := strings.TrimLeft(text[1:], " ")
		if rest == "" {
			p.lines = p.lines[1:]
		} else {
			p.lines[0] = line{at + len(text) - len(rest), rest}
		}
		v, err := p.value(rest, at+1)
		out.list = append(out.list, v)
		return err
	}
	key, rest, ok := strings.Cut(text, ":")
	if !ok || out.list != nil {
		return wire.Invalid("YAML: %.40q is no entry", text)
	}
	p.lines = p.lines[1:]
	rest = strings.TrimSpace(rest)
	var v *node
	var err error
	switch {
	case rest != "":
		v, err = flow(rest)
	case len(p.lines) > 0 && p.lines[0].indent == at && strings.HasPrefix(p.lines[0].text, "- "):
		v, err = p.block(at) // a list may stand under its key
	default:
		v, err = p.block(at + 1)
	}
	out.keys, out.vals = append(out.keys, unquote(key)), append(out.vals, v)
	return err
}

// value is what follows a dash: a map that begins on its line, or one scalar or flow value.
func (p *parser) value(rest string, least int) (*node, error) {
	if rest != "" && !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, "[") && !strings.Contains(rest, ": ") && !strings.HasSuffix(rest, ":") {
		p.lines = p.lines[1:]
		return &node{scalar: unquote(rest)}, nil
	}
	return p.block(least)
}
