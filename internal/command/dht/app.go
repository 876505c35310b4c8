// Package dht is the command pars-dht.
package dht

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "Looks into the distributed hash table in which nodes find each other, and serves it. Every verb begins with nodes named by --peer " +
	"or --from and belongs to the network of --profile. A record is 1,024 bytes, signed by a key that changes each day; what it says only the members " +
	"of its session can read. An answer of the table is a hint: what is not signed may be a lie."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-dht", "find peers and records without a server", description,
		pingVerb(), findNodeVerb(), getVerb(), putVerb(), announceVerb(), findPeersVerb(), crawlVerb(), seedVerb(), traceVerb(), auditVerb(), diffVerb())
}
