// Package evm is the command pars-evm.
package evm

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "Facts of a chain, checked on this device: the sync committees of the beacon chain prove a block, and Merkle proofs under it prove all else. " +
	"Servers named by --beacon and --rpc, or by the profile, are asked and never believed; what does not verify is refused with exit 6. The first start needs " +
	"--checkpoint, the root of a recent finalized block from somebody you trust. State is kept in the folder evm of the home."

// App returns a new tree of the command's verbs.
func App() *urfave.App { return app(fullVerbs()...) }

// Pages returns the tree with every verb that a build may have, for what is written about them.
func Pages() *urfave.App { return app(nodeVerb(nil)) }

func app(more ...*urfave.Command) *urfave.App {
	return cli.App("pars-evm", "check facts of a chain without trusting who tells them", description, append([]*urfave.Command{
		syncVerb(), headVerb(), balanceVerb(), nonceVerb(), codeVerb(), storageVerb(), callVerb(), logsVerb(), receiptVerb(), proofVerb(), verifyVerb(), stakeVerb(),
		sendVerb(), walletVerb(), queueVerb(), precompilesVerb(), serveVerb(), validatorVerb(), vectorsVerb()}, more...)...)
}
