package crdt

import (
	_ "github.com/pars-network/pars/pkg/dag"
)
