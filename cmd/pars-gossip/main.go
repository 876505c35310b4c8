package main

import (
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/gossip"
)

func main() { cli.Main(gossip.App()) }
