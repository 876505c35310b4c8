package main

import (
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/dag"
)

func main() { cli.Main(dag.App()) }
