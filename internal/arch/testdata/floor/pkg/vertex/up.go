package vertex

import (
	_ "github.com/pars-network/pars/pkg/store"
	_ "github.com/pars-network/pars/pkg/wire"
)
