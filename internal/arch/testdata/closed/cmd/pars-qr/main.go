package main

import (
	_ "github.com/pars-network/pars/internal/cli"
)
