package gen

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/command/bootstrap"
	"github.com/pars-network/pars/internal/command/bundle"
	"github.com/pars-network/pars/internal/command/dag"
	"github.com/pars-network/pars/internal/command/dht"
	"github.com/pars-network/pars/internal/command/evm"
	"github.com/pars-network/pars/internal/command/gossip"
	"github.com/pars-network/pars/internal/command/node"
	"github.com/pars-network/pars/internal/command/qr"
)

// Apps returns a new tree of every command.
func Apps() []*urfave.App {
	return []*urfave.App{
		bootstrap.App(), bundle.App(), dag.App(), dht.App(), evm.Pages(), gossip.App(), node.App(), qr.App(),
	}
}
