package profile

import (
	_ "github.com/pars-network/pars/pkg/sig"
)
