package main

import (
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/dht"
)

func main() { cli.Main(dht.App()) }
