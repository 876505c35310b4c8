// Package gossip is the command pars-gossip.
package gossip

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "Reads and writes sealed messages that nodes pass on among each other, and passes them on for others. A TOPIC is a word, which everybody who " +
	"knows it can read and write; session:ID, the conversation of that id in this home; or shard:XX, the sealed messages of one of the network's " +
	"topics as they are, in base64. Who carries a message sees its size class and a tag that changes each day, and not who wrote it."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-gossip", "relay and read sealed messages of a topic", description, relayVerb(), pubVerb(), subVerb(), peersVerb())
}
