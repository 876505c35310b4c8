package gen

import (
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

// page is the manual page of one command. It carries no date, so that regenerating changes nothing.
func page(app *urfave.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" pars \"pars manual\"\n", strings.ToUpper(roff(app.Name)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(app.Name), roff(app.Usage))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n.I VERB\n[\\fIFLAGS\\fR] [\\fIARGUMENTS\\fR]\n", roff(app.Name))
	b.WriteString(".SH DESCRIPTION\n" + prose(app.Description))
	b.WriteString(".SH VERBS\n")
	all := verbs(app.Commands, "")
	for _, v := range all {
		fmt.Fprintf(&b, ".SS %s\n%s.\n", roff(strings.TrimSpace(v.name+" "+v.ArgsUsage)), roff(v.Usage))
		if v.Description != "" {
			b.WriteString(".PP\n" + prose(v.Description))
		}
		flagList(&b, own(v.Flags, false))
	}
	b.WriteString(".SH OPTIONS\nEvery verb takes these; flags may stand before or after arguments.\n")
	if len(all) > 0 {
		flagList(&b, own(all[0].Flags, true))
	}
	b.WriteString(".TP\n.B \\-\\-help\nshow what the command or the verb does\n.TP\n.B \\-\\-version\nshow the version\n")
	environment(&b, all)
	exitStatus(&b)
	b.WriteString(".SH SEE ALSO\n.BR pars (7)\n")
	return b.String()
}

func flagList(b *strings.Builder, flags []cli.FlagDoc) {
	for _, d := range flags {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(d.Form), roff(d.Line()))
	}
}

func environment(b *strings.Builder, all []verb) {
	seen := map[string]bool{}
	b.WriteString(".SH ENVIRONMENT\nA flag goes before its variable, a variable before the default.\n")
	for _, v := range all {
		for _, f := range v.Flags {
			d, _ := cli.DocOf(f)
			for _, e := range d.Env {
				if !seen[e] {
					seen[e] = true
					fmt.Fprintf(b, ".TP\n.B %s\nthe default of %s\n", roff(e), roff(strings.Fields(d.Form)[0]))
				}
			}
		}
	}
}

func exitStatus(b *strings.Builder) {
	b.WriteString(".SH EXIT STATUS\n")
	for row := range strings.SplitSeq(cli.ExitCodes, ", ") {
		code, meaning, _ := strings.Cut(row, " ")
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", code, roff(meaning))
	}
	b.WriteString(".PP\nWhen several hold, the first of 2, 130, 6, 7, 5, 3, 4, 1 counts.\n")
}

// overview is pars.7: what all commands share.
func overview(apps []*urfave.App) string {
	var b strings.Builder
	b.WriteString(".TH PARS 7 \"\" pars \"pars manual\"\n.SH NAME\npars \\- talk and decide together when servers, names and the Internet are taken away\n")
	b.WriteString(".SH DESCRIPTION\n" + prose(concepts))
	b.WriteString(".SH COMMANDS\n")
	for _, app := range apps {
		fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(app.Name), roff(app.Usage))
	}
	b.WriteString(".SH GRAMMAR\n" + prose(grammar))
	exitStatus(&b)
	b.WriteString(".PP\nA program whose standard output nobody reads ends in silence, as other filters do.\n")
	return b.String()
}

const concepts = `An account is a person: long-lived keys that a phrase of 24 words recovers. A device is one installation of an account. A node is a running process on the network; its key is not tied to the account.
A session is one conversation. What people say in it are vertices: signed entries, each naming the entries it was written after. Heads are the vertices that nobody has built on yet. Any two nodes that hold the same vertices show the same conversation, whatever the road and order in which these came.
A profile is a data file with the constants of one network.`

const grammar = `Every command is a noun and a verb: pars-dag heads. Standard output is the answer or nothing; all else goes to standard error. Text is one record a line, its first tab-separated column being what the next command reads; with --json it is one JSON object a line. A list that --from reads may have either form.
Flags may stand before or after arguments. After -- all words are arguments. A lone - is standard input or output. A value that begins with -- is written as --name=value, or for a file as ./--name. A flag given twice counts once: the last one, but for those that make a list.
A secret is read from a file or standard input and never stands in a flag or a variable.`

// prose makes paragraphs of lines.
func prose(text string) string {
	var paras []string
	for para := range strings.SplitSeq(text, "\n") {
		if para != "" {
			paras = append(paras, roff(para)+"\n")
		}
	}
	return strings.Join(paras, ".PP\n")
}

// roff keeps text from being read as commands of the typesetter.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...", "’", "'").Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
