package dag

import (
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/wire"
)

type added struct {
	ID string `json:"id"`
}

// Text is the vertex id.
func (a added) Text() string { return a.ID }

func addVerb() *urfave.Command {
	return &urfave.Command{
		Name: "add", Usage: "write a file as a message", ArgsUsage: "SESSION FILE|-", Flags: attach.Flags(cli.From("the message")),
		Action: func(c *urfave.Context) error {
			in, err := cli.Input(c, cli.Args(c)[1])
			if err != nil {
				return err
			}
			defer in.Close()
			const most = 1 << 20
			b, err := io.ReadAll(io.LimitReader(in, most+1))
			if err != nil {
				return fmt.Errorf("read message: %w", err)
			}
			return attach.Do(c, false, func(a node.API) error {
				m, err := a.Send(c.Context, node.SendQuery{Session: cli.Args(c)[0], Text: string(b)})
				if err != nil {
					return err
				}
				return cli.Out(c).Print(added{m.ID})
			})
		},
	}
}

func exportVerb() *urfave.Command {
	return &urfave.Command{
		Name: "export", Usage: "write a session's entries, signed and sealed, to a file", ArgsUsage: "SESSION",
		Description: "The file shows to whoever has it how many entries there are, their sizes, times and pseudonyms; their texts stay sealed.",
		Flags:       attach.Flags(cli.OutputFlag()),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a node.API) error {
				return cli.Output(c, func(w io.Writer) error { return a.Export(c.Context, cli.Args(c)[0], w) })
			})
		},
	}
}

type imported struct{ node.Imported }

// Text is id, result and, where there is one, the reason.
func (i imported) Text() string {
	id := i.ID
	if id == "" {
		id = "-"
	}
	if i.Reason == "" {
		return attach.Strings(id, i.Result)
	}
	return attach.Strings(id, i.Result, i.Reason)
}

func importVerb() *urfave.Command {
	return &urfave.Command{
		Name: "import", Usage: "merge what another replica exported", ArgsUsage: "FILE|-",
		Description: "In any order and any number of times. Prints a line for each entry: new, known, parked (it waits for what it " +
			"stands on) or refused, with the reason. Exit 3 when some were refused, 6 when all were.",
		Flags:  attach.Flags(cli.From("entries")),
		Action: importAction,
	}
}

func importAction(c *urfave.Context) error {
	in, err := cli.Input(c, cli.Args(c)[0])
	if err != nil {
		return err
	}
	defer in.Close()
	taken, refused := 0, 0
	meter := cli.Progress(c)
	defer meter.Done()
	return attach.Do(c, false, func(a node.API) error {
		err := a.Import(c.Context, in, func(i node.Imported) error {
			if i.Result == "refused" {
				refused++
			} else {
				taken++
			}
			meter.Set("%d entries taken, %d refused", taken, refused)
			return cli.Out(c).Print(imported{i})
		})
		switch {
		case err != nil:
			return err
		case refused > 0 && taken == 0:
			return fmt.Errorf("all %d entries were refused: %w", refused, wire.ErrInvalid)
		case refused > 0:
			return fmt.Errorf("%d of %d entries were refused: %w", refused, refused+taken, cli.ErrPartial)
		}
		return nil
	})
}
