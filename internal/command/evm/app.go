// Package evm is the command pars-evm.
package evm

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "Chain facts, checked here. This release has no verb for it yet: the command prints its version and completion scripts, so that packages and scripts can rely on its name."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-evm", "check facts of a chain without trusting who tells them", description)
}
