package main

import (
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/bootstrap"
)

func main() { cli.Main(bootstrap.App()) }
