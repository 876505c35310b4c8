package vertex

import (
	_ "github.com/pars-network/pars/internal/convo"
	_ "github.com/pars-network/pars/pkg/dag"
)
