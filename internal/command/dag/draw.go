package dag

import (
	"io"
	"path/filepath"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/node"
)

func drawVerb() *urfave.Command {
	return &urfave.Command{
		Name: "draw", Usage: "draw a session's log, as SVG or, when the file ends in .dot, as a graph", ArgsUsage: "SESSION",
		Description: "A lane for each author, time downwards. Heads are marked, branches of an author who forked are red, what waits is dashed. No text of anybody is in the picture.",
		Flags:       attach.Flags(cli.OutputFlag()),
		Action: func(c *urfave.Context) error {
			if name := c.String("o"); name != "" && name != "-" && !slices.Contains([]string{".svg", ".dot"}, filepath.Ext(name)) {
				return cli.Usagef("draw writes FILE.svg and FILE.dot, not %q", name)
			}
			q := node.DrawQuery{Session: cli.Args(c)[0], Dot: strings.HasSuffix(c.String("o"), ".dot")}
			return attach.Do(c, false, func(a node.API) error {
				return cli.Output(c, func(w io.Writer) error { return a.Draw(c.Context, q, w) })
			})
		},
	}
}
