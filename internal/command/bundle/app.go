// Package bundle is the command pars-bundle.
package bundle

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "Sealed files for a courier. This release has no verb for it yet: the command prints its version and completion scripts, so that packages and scripts can rely on its name."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-bundle", "carry messages in a sealed file", description)
}
