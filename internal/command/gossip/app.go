// Package gossip is the command pars-gossip.
package gossip

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "Gossip among the nodes of the network. This release has no verb for it yet: the command prints its version and completion scripts, so that packages and scripts can rely on its name."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-gossip", "relay and read sealed messages of a topic", description)
}
