// Package dag is the command pars-dag.
package dag

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = `The signed log under every conversation: look into it, compare two replicas, and merge them by files.
Every verb works with or without a running node.`

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-dag", "look into the signed log and merge it", description,
		headsVerb(), lsVerb(), logVerb(), catVerb(), addVerb(), checkVerb(), exportVerb(), importVerb(), drawVerb(), benchVerb())
}
