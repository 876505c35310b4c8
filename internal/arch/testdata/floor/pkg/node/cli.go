package node

import (
	_ "github.com/pars-network/pars/internal/cli"
	_ "github.com/pars-network/pars/internal/fail"
)
