// Package dht is the command pars-dht.
package dht

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "The distributed hash table of the network. This release has no verb for it yet: the command prints its version and completion scripts, so that packages and scripts can rely on its name."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-dht", "find peers and records without a server", description)
}
