package main

import (
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/bundle"
)

func main() { cli.Main(bundle.App()) }
