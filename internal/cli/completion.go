package cli

import (
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

func completionVerb() *urfave.Command {
	return &urfave.Command{
		Name: "completion", Usage: "print a completion script", ArgsUsage: "bash|zsh|fish",
		Description: "Prints a script for the shell that completes verbs and flags. It is made from the tree of verbs alone: completing opens no file and no socket.",
		Action: func(c *urfave.Context) error {
			script, err := Script(c.App, Args(c)[0])
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.App.Writer, script)
			return err
		},
	}
}

// Script is the completion script of app for a shell.
func Script(app *urfave.App, shell string) (string, error) {
	switch shell {
	case "bash":
		return bashScript(app), nil
	case "zsh":
		// zsh runs bash functions through its own emulation.
		return "#compdef " + app.Name + "\nautoload -U +X bashcompinit && bashcompinit\n" + bashScript(app), nil
	case "fish":
		return fishScript(app), nil
	}
	return "", Usagef("completion for %q is not known; bash, zsh and fish are", shell)
}

// walk calls visit for the root and every group and verb below, parents first; path is empty for the root.
func walk(verbs []*urfave.Command, path []*urfave.Command, visit func(path, verbs []*urfave.Command)) {
	visit(path, verbs)
	for _, v := range verbs {
		walk(v.Subcommands, append(path[:len(path):len(path)], v), visit)
	}
}

// words is what may follow at path: verbs of a group, flags of a verb.
func words(path, verbs []*urfave.Command) []string {
	out := names(verbs)
	if len(path) > 0 {
		for _, f := range path[len(path)-1].Flags {
			if d, ok := DocOf(f); ok {
				out = append(out, dashed(d.Names)...)
			}
		}
	} else {
		out = append(out, "--version")
	}
	return append(out, "--help")
}

func dashed(flags []string) []string {
	var out []string
	for _, n := range flags {
		if len(n) == 1 {
			out = append(out, "-"+n)
		} else {
			out = append(out, "--"+n)
		}
	}
	return out
}

func bashScript(app *urfave.App) string {
	var b strings.Builder
	fn := "_" + strings.ReplaceAll(app.Name, "-", "_")
	fmt.Fprintf(&b, "# bash completion of %s\n%s() {\n", app.Name, fn)
	b.WriteString("  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i\n")
	b.WriteString("  for ((i = 1; i < COMP_CWORD; i++)); do\n    case \"$at/${COMP_WORDS[i]}\" in\n")
	walk(app.Commands, nil, func(path, _ []*urfave.Command) {
		if len(path) > 0 {
			fmt.Fprintf(&b, "      '/%[1]s') at='/%[1]s' ;;\n", strings.Join(names(path), "/"))
		}
	})
	b.WriteString("    esac\n  done\n  case \"$at\" in\n")
	walk(app.Commands, nil, func(path, verbs []*urfave.Command) {
		at := ""
		if len(path) > 0 {
			at = "/" + strings.Join(names(path), "/")
		}
		fmt.Fprintf(&b, "    '%s') words='%s' ;;\n", at, strings.Join(words(path, verbs), " "))
	})
	b.WriteString("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n")
	fmt.Fprintf(&b, "complete -o default -F %s %s\n", fn, app.Name)
	return b.String()
}

func fishScript(app *urfave.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# fish completion of %s\n", app.Name)
	walk(app.Commands, nil, func(path, verbs []*urfave.Command) {
		when := seen(path, verbs)
		for _, v := range verbs {
			fmt.Fprintf(&b, "complete -c %s -f -n '%s' -a %s -d '%s'\n", app.Name, when, v.Name, quoted(v.Usage))
		}
		if len(path) == 0 {
			return
		}
		for _, f := range path[len(path)-1].Flags {
			d, ok := DocOf(f)
			if !ok {
				continue
			}
			fmt.Fprintf(&b, "complete -c %s -n '%s'%s -d '%s'\n", app.Name, when, fishFlag(f, d), quoted(d.Usage))
		}
	})
	fmt.Fprintf(&b, "complete -c %s -l help -s h -d 'show help'\n", app.Name)
	return b.String()
}

// seen is the fish condition that the line stands at path and not yet below it.
func seen(path, verbs []*urfave.Command) string {
	var cond []string
	if len(path) == 0 {
		return "__fish_use_subcommand"
	}
	for _, p := range path {
		cond = append(cond, "__fish_seen_subcommand_from "+p.Name)
	}
	if len(verbs) > 0 {
		cond = append(cond, "not __fish_seen_subcommand_from "+strings.Join(names(verbs), " "))
	}
	return strings.Join(cond, "; and ")
}

func fishFlag(f urfave.Flag, d FlagDoc) string {
	s := ""
	for _, n := range d.Names {
		if len(n) == 1 {
			s += " -s " + n
		} else {
			s += " -l " + n
		}
	}
	if doc, ok := f.(urfave.DocGenerationFlag); ok && doc.TakesValue() {
		s += " -r"
	}
	return s
}

func quoted(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `'`, `\'`)
}
