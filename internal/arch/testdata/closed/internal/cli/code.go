package cli

import (
	_ "github.com/pars-network/pars/pkg/node"
)
