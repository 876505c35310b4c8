package main

import (
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/command/qr"
)

func main() { cli.Main(qr.App()) }
