package main

import (
	_ "github.com/pars-network/pars/internal/cli"
	_ "github.com/pars-network/pars/internal/command/dag"
	_ "github.com/pars-network/pars/pkg/dag"
)
