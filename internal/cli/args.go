package cli

import (
	"io"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// arity is what a verb's ArgsUsage says about the number of its arguments.
type arity struct {
	min, max int  // max < 0: any number
	input    bool // the last one is FILE|-, which may be left out
}

func arityOf(usage string) arity {
	var a arity
	words := strings.Fields(usage)
	for i, w := range words {
		if a.max >= 0 {
			a.max++
		}
		if strings.HasSuffix(strings.TrimSuffix(w, "]"), "…") || strings.HasSuffix(strings.TrimSuffix(w, "]"), "…|-") {
			a.max = -1
		}
		if !strings.HasPrefix(w, "[") {
			a.min++
		}
		a.input = i == len(words)-1 && strings.HasSuffix(w, "|-")
	}
	return a
}

// checkArgs refuses a wrong number of arguments before a verb does anything.
func checkArgs(c *urfave.Context) error {
	a, n := arityOf(c.Command.ArgsUsage), len(Args(c))
	switch {
	case n < a.min:
		return Usagef("usage: %s", synopsis(c.Command))
	case a.max == 0 && n > 0:
		return Usagef("%s takes no arguments, not %q", c.Command.HelpName, c.Args().First())
	case a.max >= 0 && n > a.max:
		return Usagef("%s: too many arguments; usage: %s", c.Command.Name, synopsis(c.Command))
	}
	return nil
}

// Args returns the arguments of the verb. Where its ArgsUsage ends in "FILE|-" and that argument was left out,
// the value of --from stands in, or "-" when standard input is a pipe or a file.
func Args(c *urfave.Context) []string {
	args := c.Args().Slice()
	a := arityOf(c.Command.ArgsUsage)
	if !a.input || len(args) >= a.min {
		return args
	}
	if from := c.String("from"); from != "" {
		return append(args, from)
	}
	if len(args) == a.min-1 && piped(c.App.Reader) {
		return append(args, "-")
	}
	return args
}

// piped reports whether somebody feeds the stream: a terminal and the null device do not count.
func piped(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return true
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice == 0
}
