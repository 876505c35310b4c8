package dag

import (
	_ "github.com/pars-network/pars/pkg/crdt"
)
