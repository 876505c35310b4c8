// Package node is the command pars-node.
package node

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = `The node that every user runs: conversations that need no server. It keeps what was written, meets
other nodes on the local network or where it is told, and exchanges with each what the other lacks. Writing and
reading work at any time, with or without a running node, online or not.`

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-node", "run a node and talk", description,
		initVerb(), phraseVerb(), runVerb(), statusVerb(), idVerb(), peersVerb(), sessionsVerb(), inviteVerb(), joinVerb(),
		sendVerb(), readVerb(), membersVerb(), wipeVerb(), serviceVerb())
}
