package main

import (
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/evm"
)

func main() { cli.Main(evm.App()) }
