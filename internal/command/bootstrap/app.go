// Package bootstrap is the command pars-bootstrap.
package bootstrap

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "Finds the first peers by whatever road is open: a list signed by several holders of keys, which comes compiled in, as a file, by DNS or " +
	"from the cache, and peers of the local network. Names are validated by DNSSEC here, from the root keys down; no resolver is believed."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-bootstrap", "find the first peers by whatever road is open", description,
		ensVerb(), hnsVerb(), resolveVerb(), explainVerb(), probeVerb(), lookupVerb(), proveVerb(), verifyVerb(), keyVerb(), signVerb(), publishVerb())
}
