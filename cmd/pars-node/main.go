package main

import (
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/node"
)

func main() { cli.Main(node.App()) }
