// Package bundle is the command pars-bundle.
package bundle

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "A bundle is one file that holds what others lack: a conversation's entries, cards, signed lists, proofs, transactions, " +
	"programs. It may be copied, cut, damaged and read by the wrong person. Sealed, it is random bytes to all but its recipients, the members of the " +
	"sessions in it. The courier key lets a courier verify, repair and split it without reading. Every verb works with or without a running node."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-bundle", "carry messages in a sealed file", description,
		packVerb(), planVerb(), lsVerb(), verifyVerb(), unpackVerb(), haveVerb(), splitVerb(), joinVerb(), repairVerb())
}
