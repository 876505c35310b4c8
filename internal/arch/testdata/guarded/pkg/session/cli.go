package session

import (
	_ "github.com/urfave/cli/v2"
	_ "github.com/urfavex/cli"
)
