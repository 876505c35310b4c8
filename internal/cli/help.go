package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/version"
)

// ExitCodes is the table that help and the manual pages show.
const ExitCodes = "0 ok, 1 failed, 2 usage, 3 partly done, 4 not found, 5 timed out, 6 does not verify, 7 busy, 130 interrupted"

// help prints what is known about the command, group or verb at the end of path.
func help(w io.Writer, app *urfave.App, path []*urfave.Command) error {
	var b strings.Builder
	name := strings.Join(append([]string{app.Name}, names(path)...), " ")
	usage, about, verbs, args := app.Usage, app.Description, app.Commands, ""
	var flags []urfave.Flag
	if len(path) > 0 {
		cmd := path[len(path)-1]
		usage, about, verbs, args, flags = cmd.Usage, cmd.Description, cmd.Subcommands, cmd.ArgsUsage, cmd.Flags
	}
	fmt.Fprintf(&b, "%s - %s\n\n", name, usage)
	if len(verbs) > 0 {
		fmt.Fprintf(&b, "usage: %s VERB [FLAGS] [ARGUMENTS]\n", name)
	} else {
		fmt.Fprintf(&b, "usage: %s\n", strings.TrimSpace(name+" [FLAGS] "+args))
	}
	if about != "" {
		fmt.Fprintf(&b, "\n%s\n", about)
	}
	writeVerbs(&b, verbs)
	writeFlags(&b, "flags", flags, "")
	writeFlags(&b, "common flags", flags, commonCategory)
	if len(path) == 0 {
		b.WriteString("\nflags:\n  --help, -h  show this, or with a verb what it does\n  --version   show the version\n")
		fmt.Fprintf(&b, "\nexit codes: %s\n", ExitCodes)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printVersion(app *urfave.App) error {
	_, err := fmt.Fprintf(app.Writer, "%s %s\n", app.Name, version.String())
	return err
}

// synopsis is the usage line of a verb that runs.
func synopsis(cmd *urfave.Command) string {
	return strings.TrimSpace(cmd.HelpName + " " + cmd.ArgsUsage)
}

// writeVerbs lists verbs under their categories, those without one first.
func writeVerbs(b *strings.Builder, verbs []*urfave.Command) {
	var groups []string
	width := 0
	for _, v := range verbs {
		if !slices.Contains(groups, v.Category) {
			groups = append(groups, v.Category)
		}
		width = max(width, len(v.Name))
	}
	slices.Sort(groups)
	for _, group := range groups {
		fmt.Fprintf(b, "\n%s:\n", strings.TrimSpace(group+" verbs"))
		for _, v := range verbs {
			if v.Category == group {
				fmt.Fprintf(b, "  %-*s  %s\n", width, v.Name, v.Usage)
			}
		}
	}
}

func writeFlags(b *strings.Builder, title string, flags []urfave.Flag, category string) {
	var rows []FlagDoc
	width := 0
	for _, f := range flags {
		if d, ok := DocOf(f); ok && d.Category == category {
			rows = append(rows, d)
			width = max(width, len(d.Form))
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, d := range rows {
		fmt.Fprintf(b, "  %-*s  %s\n", width, d.Form, d.Line())
	}
}

// FlagDoc is what help and the manual pages say about a flag.
type FlagDoc struct {
	Names    []string
	Form     string // "--home DIR"
	Usage    string
	Default  string
	Env      []string
	Category string
}

// DocOf describes a flag. Hidden flags have no description.
func DocOf(f urfave.Flag) (FlagDoc, bool) {
	doc, ok := f.(urfave.DocGenerationFlag)
	if !ok {
		return FlagDoc{}, false
	}
	if v, ok := f.(urfave.VisibleFlag); ok && !v.IsVisible() {
		return FlagDoc{}, false
	}
	d := FlagDoc{Names: f.Names(), Usage: doc.GetUsage(), Env: doc.GetEnvVars()}
	if c, ok := f.(urfave.CategorizableFlag); ok {
		d.Category = c.GetCategory()
	}
	value := ""
	if doc.TakesValue() {
		value = " VALUE"
		d.Default = doc.GetDefaultText()
		if before, rest, ok := strings.Cut(d.Usage, "`"); ok {
			name, after, _ := strings.Cut(rest, "`")
			value, d.Usage = " "+name, before+name+after
		}
	}
	var forms []string
	for _, n := range d.Names {
		if len(n) == 1 {
			forms = append(forms, "-"+n+value)
		} else {
			forms = append(forms, "--"+n+value)
		}
	}
	d.Form = strings.Join(forms, ", ")
	return d, true
}

// Line is the description with default and environment.
func (d FlagDoc) Line() string {
	s := d.Usage
	if d.Default != "" {
		s += " (default: " + d.Default + ")"
	}
	for _, e := range d.Env {
		s += " [$" + e + "]"
	}
	return s
}
