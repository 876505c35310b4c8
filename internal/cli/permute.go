package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// commandLine is a command line taken apart.
type commandLine struct {
	path          []*urfave.Command // the groups, then the verb
	flags         []string
	rest          []string
	help, version bool
}

// args is the line as urfave/cli must see it: verb, flags, exactly one "--", arguments.
func (l *commandLine) args() []string {
	var out []string
	for _, cmd := range l.path {
		out = append(out, cmd.Name)
	}
	if l.verb() == nil {
		return append(out, l.rest...) // the action of the root or group tells what is wrong
	}
	return append(append(append(out, l.flags...), "--"), l.rest...)
}

// verb is nil while the line names none.
func (l *commandLine) verb() *urfave.Command {
	if n := len(l.path); n > 0 && len(l.path[n-1].Subcommands) == 0 {
		return l.path[n-1]
	}
	return nil
}

// permute accepts flags before and after arguments, and common flags before the verb, which urfave/cli takes for
// arguments or refuses. A flag at the end without its value must be found here: urfave/cli would take the "--" for it.
func permute(app *urfave.App, args []string) (*commandLine, error) {
	line := &commandLine{}
	verbs, flags := app.Commands, Common()
	for i := 1; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			line.rest = append(line.rest, args[i+1:]...)
			return line, nil
		case strings.HasPrefix(arg, "-") && arg != "-":
			n, err := line.flag(app, flags, args[i:])
			if err != nil {
				return nil, err
			}
			i += n - 1
		case verbs == nil || find(verbs, arg) == nil:
			line.rest, verbs = append(line.rest, arg), nil
		default:
			cmd := find(verbs, arg)
			line.path, verbs = append(line.path, cmd), cmd.Subcommands
			if len(cmd.Subcommands) == 0 {
				flags = cmd.Flags
			}
		}
	}
	return line, nil
}

// flag takes the flag args[0] and reports how many words it and its value are.
func (l *commandLine) flag(app *urfave.App, flags []urfave.Flag, args []string) (int, error) {
	name, _, joined := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[0], "-"), "-"), "=")
	switch {
	case !joined && (name == "help" || name == "h"):
		l.help = true
		return 1, nil
	case !joined && name == "version":
		l.version = true
		return 1, nil
	case l.verb() == nil && len(l.rest) > 0:
		return 1, nil // of a verb that does not exist; the verb is the complaint
	}
	at := strings.Join(append([]string{app.Name}, names(l.path)...), " ")
	takes, known := takesValue(flags, name)
	if !known {
		return 0, Usagef("unknown flag %s; see %s --help", strings.SplitN(args[0], "=", 2)[0], at)
	}
	if !takes || joined {
		l.flags = append(l.flags, args[0])
		return 1, nil
	}
	if len(args) == 1 || strings.HasPrefix(args[1], "--") {
		return 0, Usagef("flag %s needs a value; see %s --help", args[0], at)
	}
	l.flags = append(l.flags, args[0], args[1])
	return 2, nil
}

func takesValue(flags []urfave.Flag, name string) (takes, known bool) {
	for _, f := range flags {
		for _, n := range f.Names() {
			if n == name {
				doc, ok := f.(urfave.DocGenerationFlag)
				return ok && doc.TakesValue(), true
			}
		}
	}
	return false, false
}

func find(cmds []*urfave.Command, name string) *urfave.Command {
	for _, cmd := range cmds {
		if cmd.HasName(name) {
			return cmd
		}
	}
	return nil
}

func names(path []*urfave.Command) []string {
	var out []string
	for _, cmd := range path {
		out = append(out, cmd.Name)
	}
	return out
}
