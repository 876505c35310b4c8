package main

import (
	_ "github.com/pars-network/pars/pkg/bootstrap"
	_ "github.com/pars-network/pars/pkg/evm/proof"
)
