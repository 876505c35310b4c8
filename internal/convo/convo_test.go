package convo

import (
	"fmt"
	"testing"
)

func echo(c Command) string {
	if c.Verb == "quiet" {
		return ""
	}
	return fmt.Sprintln(c.Verb, c.Args, c.Option("to", "nobody"))
}

func TestPlay(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"answer replaced", "# why\nsay a to=b\n----\nold\nanswer\n\nquiet\n----\n\nsay c\n----\nsay [c] nobody\n",
			"# why\nsay a to=b\n----\nsay [a] b\n\nquiet\n----\n\nsay c\n----\nsay [c] nobody\n"},
		{"two commands, one answer", "say a\nsay b\n----\n", "say a\nsay b\n----\nsay [a] nobody\nsay [b] nobody\n"},
		{"no dashes yet", "say a\n", "say a\n----\nsay [a] nobody\n"},
	} {
		if got := play("f", c.in, echo); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
		if got := play("f", c.want, echo); got != c.want {
			t.Errorf("%s: played again:\n%s", c.name, got)
		}
	}
}

func TestDiff(t *testing.T) {
	if got := diff("f", "a\nb\n", "a\nc\n"); got != "f:2\n got c\nwant b\nall:\na\nc\n" {
		t.Errorf("%q", got)
	}
}
