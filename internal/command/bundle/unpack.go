package bundle

import (
	"errors"
	"fmt"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/wire"
)

func unpackVerb() *urfave.Command {
	return &urfave.Command{
		Name: "unpack", Usage: "take everything out of a bundle", ArgsUsage: "FILE|-",
		Description: "A line for each object: new, known, parked (it waits for what it stands on) or refused, with the reason. In any order and any number of " +
			"times; a run that was stopped goes on where it was. Exit 3 when some were refused or lost, 6 when all were. Files are put into --into or " +
			"the home's folder files, once their hash is right.",
		Flags:  fileFlags(&urfave.StringFlag{Name: "into", Usage: "put files into `DIR`"}),
		Action: unpackAction,
	}
}

func unpackAction(c *urfave.Context) error {
	return withFile(c, func(a courier.API, q courier.FileQuery) error {
		if into := c.String("into"); into != "" {
			dir, err := filepath.Abs(into)
			if err != nil {
				return err
			}
			q.Into = dir
		} else if !hasHome(c) {
			return fmt.Errorf("say with --into where files go, or: %w", errNoHome)
		}
		meter := cli.Progress(c)
		defer meter.Done()
		n := 0
		emit := func(r courier.Result) error {
			n++
			meter.Set("%d objects", n)
			return cli.Out(c).Print(resultRow{r})
		}
		var sum courier.Verdict
		for first := true; ; first = false {
			v, err := a.Unpack(c.Context, q, emit)
			if !first && errors.Is(err, bundle.ErrNotForUs) {
				break // what follows the bundle is none
			}
			if err != nil {
				return unopened(c, q, err)
			}
			err = fate(v)
			sum.Kept, sum.Refused = sum.Kept+v.Kept, sum.Refused+v.Refused
			if err != nil || v.Known || v.End >= q.Offset+v.Bytes || v.End <= q.Offset {
				return err
			}
			q.Offset = v.End // two bundles may be behind each other
		}
		return nil
	})
}

// fate is the error of one bundle.
func fate(v *courier.Verdict) error {
	switch {
	case v.Known:
		return nil
	case v.Chunks.Good == 0:
		return bundle.ErrDamaged
	case v.Refused > 0 && v.Kept == 0:
		return fmt.Errorf("all %d objects were refused: %w", v.Refused, wire.ErrInvalid)
	case v.Refused > 0:
		return fmt.Errorf("%d of %d objects were refused: %w", v.Refused, v.Refused+v.Kept, cli.ErrPartial)
	case !v.Sound():
		return fmt.Errorf("what is whole was taken; %d windows, %d chunks are lost: %w", v.LostWindows, len(v.Chunks.Refused), cli.ErrPartial)
	}
	return nil
}
