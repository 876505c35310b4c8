package cli

import (
	"os"

	"github.com/urfave/cli/v2"
)

func end() error {
	os.Exit(1)
	return cli.Exit("x", 1)
}
