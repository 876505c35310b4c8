package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	urfave "github.com/urfave/cli/v2"
)

// Main runs app on the process's own streams and ends the process.
// A first SIGINT or SIGTERM cancels the verb's context; a second one ends the process at once.
// SIGPIPE is left to the runtime, which ends a program whose standard output nobody reads.
func Main(app *urfave.App) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(Run(ctx, app, os.Args, os.Stdin, os.Stdout, os.Stderr))
}
