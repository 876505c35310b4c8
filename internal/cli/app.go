package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	urfave "github.com/urfave/cli/v2"
)

// DefaultProfile is the network a command speaks for when none is named.
const DefaultProfile = "pars-2026"

const commonCategory = "common"

// App builds the tree of one command. The verb completion is added to those given. The tree has no Version: that of
// urfave/cli is a shared flag which takes -v; permute knows --version.
// Every call of the caller's own App function must build its verbs anew: urfave/cli writes into them.
func App(name, usage, description string, verbs ...*urfave.Command) *urfave.App {
	app := &urfave.App{
		Name: name, Usage: usage, Description: description,
		Commands:                  append(verbs, completionVerb()),
		Compiled:                  time.Unix(0, 0), // else urfave/cli looks up the executable's own file
		HideHelp:                  true,            // its help verb and flag are shared globals; permute knows --help
		DisableSliceFlagSeparator: true,            // --peer a,b is one peer
		Action:                    noVerb,
		OnUsageError:              usageError,
		ExitErrHandler:            func(*urfave.Context, error) {}, // else exit coders end the process from inside
	}
	for _, cmd := range app.Commands {
		prepare(cmd)
	}
	return app
}

// Common returns new flags that every verb has.
func Common() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "home", EnvVars: []string{"PARS_HOME"}, Category: commonCategory,
			Usage: "keep keys and data in `DIR`", DefaultText: "the platform's data directory + pars"},
		&urfave.StringFlag{Name: "profile", EnvVars: []string{"PARS_PROFILE"}, Category: commonCategory,
			Usage: "speak for the network of the profile `NAME|FILE`", Value: DefaultProfile, DefaultText: DefaultProfile},
		&urfave.BoolFlag{Name: "json", Category: commonCategory, DisableDefaultText: true,
			Usage: "print JSON lines"},
		&urfave.DurationFlag{Name: "timeout", Category: commonCategory,
			Usage: "give up after `D`, such as 30s or 2h", DefaultText: "none"},
		&urfave.BoolFlag{Name: "v", Category: commonCategory, DisableDefaultText: true,
			Usage: "tell more on standard error"},
	}
}

// prepare puts the guards on cmd and all below it.
func prepare(cmd *urfave.Command) {
	cmd.HideHelp = true
	cmd.OnUsageError = usageError
	cmd.BashComplete = func(*urfave.Context) {}
	if len(cmd.Subcommands) > 0 {
		cmd.Action = noVerb
		for _, sub := range cmd.Subcommands {
			prepare(sub)
		}
		return
	}
	cmd.Flags = append(cmd.Flags, Common()...)
	action := cmd.Action
	cmd.Action = func(c *urfave.Context) error { return act(c, action) }
}

// act runs one verb under --timeout, after the number of its arguments was checked.
func act(c *urfave.Context, action urfave.ActionFunc) error {
	if err := checkArgs(c); err != nil {
		return err
	}
	limit := c.Duration("timeout")
	if limit < 0 {
		return Usagef("%s: --timeout is negative", c.Command.Name)
	}
	if limit == 0 {
		return action(c)
	}
	ctx, cancel := context.WithTimeout(c.Context, limit)
	defer cancel()
	c.Context = ctx
	err := action(c)
	if err != nil && ctx.Err() == context.DeadlineExceeded && !errors.Is(err, ErrTimeout) {
		return fmt.Errorf("%w after %v: %w", ErrTimeout, limit, err) // a library may hide what stopped it
	}
	return err
}

// noVerb is the action of the root and of every group of verbs.
func noVerb(c *urfave.Context) error {
	if c.NArg() == 0 {
		return Usagef("no verb given; see %s --help", c.Command.HelpName)
	}
	return Usagef("unknown verb %q; see %s --help", c.Args().First(), c.Command.HelpName)
}

// usageError turns what the flag parser says into one line of ours.
func usageError(c *urfave.Context, err error, _ bool) error {
	text := err.Error()
	r, n := utf8.DecodeRuneInString(text)
	return Usagef("%s%s; see %s --help", string(unicode.ToLower(r)), text[n:], c.Command.HelpName)
}

// Run runs one command line and returns its exit code. It keeps nothing between calls; stdin may be nil.
// args[0] is the name of the program.
func Run(ctx context.Context, app *urfave.App, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	app.Reader, app.Writer, app.ErrWriter = stdin, &answer{stdout}, stderr
	err := run(ctx, app, args)
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		err = errors.Join(cause, err) // a verb that was interrupted and ended well was interrupted all the same
	}
	code := Code(err)
	if err != nil && !errors.Is(err, errPipe) {
		complain(stderr, app.Name, err)
	}
	return code
}

func run(ctx context.Context, app *urfave.App, args []string) error {
	line, err := permute(app, args)
	switch {
	case err != nil:
		return err
	case line.help:
		return help(app.Writer, app, line.path)
	case line.version:
		return printVersion(app)
	}
	return app.RunContext(ctx, append([]string{app.Name}, line.args()...))
}

// complain prints err, one prefixed line for each of its lines; the ends of a context are told in words that are not Go's.
func complain(w io.Writer, name string, err error) {
	plain := strings.NewReplacer(context.Canceled.Error(), "interrupted", context.DeadlineExceeded.Error(), "timed out")
	for line := range strings.SplitSeq(plain.Replace(err.Error()), "\n") {
		fmt.Fprintf(w, "%s: %s\n", name, harmless(line, "", true))
	}
}

// answer is standard output. A reader that went away is told apart from every other broken pipe.
type answer struct{ io.Writer }

func (a *answer) Write(p []byte) (int, error) {
	n, err := a.Writer.Write(p)
	if err != nil && isPipe(err) {
		return n, fmt.Errorf("%w: %w", errPipe, err)
	}
	return n, err
}

// StdinTerminal reports whether a person can be asked.
func StdinTerminal(c *urfave.Context) bool { return terminal(c.App.Reader) }

// StdoutTerminal reports whether the answer goes to a screen.
func StdoutTerminal(c *urfave.Context) bool { return terminal(c.App.Writer) }

func terminal(stream any) bool {
	if a, ok := stream.(*answer); ok {
		stream = a.Writer
	}
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device too
	return err != nil || !os.SameFile(info, null)
}
