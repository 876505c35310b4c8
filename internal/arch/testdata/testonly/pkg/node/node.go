package node

import (
	_ "github.com/pars-network/pars/internal/simnet"
)
