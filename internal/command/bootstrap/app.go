// Package bootstrap is the command pars-bootstrap.
package bootstrap

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "Roads to the first peers. This release has no verb for it yet: the command prints its version and completion scripts, so that packages and scripts can rely on its name."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-bootstrap", "find the first peers by whatever road is open", description)
}
