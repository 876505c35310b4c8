// Package cli is the grammar that all pars commands share; with internal/command it is the only place that knows urfave/cli.
//
// A command is a fresh tree of verbs, built by its own App function, and run by Main:
//
//	func App() *urfave.App {
//		return cli.App("pars-dag", "look into sessions", "Longer prose.", &urfave.Command{
//			Name: "cat", Usage: "print a vertex", ArgsUsage: "VERTEX_ID",
//			Flags:  []urfave.Flag{cli.OutputFlag()},
//			Action: func(c *urfave.Context) error { … },
//		})
//	}
//	func main() { cli.Main(dag.App()) }
//
// App closes the traps of urfave/cli v2 in the tree, and permute those of the command line. A verb is a Command without
// Subcommands; App adds the common flags, checks the number of arguments against ArgsUsage, applies --timeout and
// hands Action a Context whose context.Context ends on SIGINT, SIGTERM and the timeout.
//
// ArgsUsage is read: "A B" are required, "[C]" is optional, "D…" may repeat, and "FILE|-" at the end stands for
// standard input when it is left out and standard input is a pipe or a file, or for the value of --from. No ArgsUsage, no arguments.
//
// What a verb uses:
//
//	Args(c) []string                     the arguments, with an omitted "FILE|-" filled in
//	Input(c, name) (io.ReadCloser, error) a file, or standard input for "-"; reading ends with c.Context
//	From(what) urfave.Flag               the flag --from FILE|-
//	Lines(c, key) iter.Seq2[string, error] the list named by --from: first columns, or the field key of JSON lines
//	Out(c).Print(v)                      one record on stdout: v.Text(), or with --json one JSON object a line
//	OutputFlag(), Output(c, write) error -o FILE|-: the file appears only when write returns nil; no bytes to a terminal
//	Home(c) (string, error)              --home, $PARS_HOME or the platform's data directory + "pars"; not created
//	Profile(c) string                    --profile, $PARS_PROFILE or "pars-2026"
//	PassphraseFlag(), Passphrase(c)      --passphrase-file F|-; secrets never stand in a flag or the environment
//	Warnf(c, …), Verbosef(c, …)          one line on stderr, always or with -v only
//	Progress(c).Set(…), .Done()          one changing line on stderr when it is a terminal, else nothing
//	Escape(s)                            tabs, line ends and backslashes made visible, so that s stays one column
//	StdinTerminal(c), StdoutTerminal(c)  whether a person can be asked, whether a person reads the answer
//	Usagef(…) error                      an error of the caller: exit 2
//	ErrUsage, ErrPartial, ErrTimeout     sentinels of this package; Code maps all to exit codes
//
// A verb returns its error: lower case, no full stop, wrapped with %w; errors.Join where several hold. It never prints an
// error, never exits, and prints nothing on stdout but its answer.
package cli
