package dag

import (
	_ "github.com/pars-network/pars/internal/cli"
	_ "github.com/pars-network/pars/internal/command/dht"
	_ "github.com/pars-network/pars/pkg/node"
)
