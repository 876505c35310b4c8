package evm

import (
	"fmt"
	"os"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm/light/spectest"
	"github.com/pars-network/pars/pkg/wire"
)

type caseRow struct {
	Case   string `json:"case"`
	Passed bool   `json:"passed"`
	Error  string `json:"error,omitempty"`
}

// Text is ok or FAIL, the case, and why.
func (r caseRow) Text() string {
	if r.Passed {
		return "ok\t" + r.Case
	}
	return "FAIL\t" + r.Case + "\t" + cli.Escape(r.Error)
}

type sumRow struct {
	Passed int `json:"passed"`
	Failed int `json:"failed"`
}

// Text is the last line.
func (r sumRow) Text() string { return fmt.Sprintf("%d passed, %d failed", r.Passed, r.Failed) }

func vectorsVerb() *urfave.Command {
	return &urfave.Command{
		Name: "vectors", Usage: "run the published light-client test cases found below a folder", ArgsUsage: "DIR",
		Description: "Cases of light_client/sync and light_client/update_ranking in the layout of ethereum/consensus-specs, of any preset and fork from altair to fulu. " +
			"A case of a fork that is not known fails, and so does a folder without cases.",
		Action: func(c *urfave.Context) error {
			dir, err := filepath.Abs(cli.Args(c)[0])
			if err != nil {
				return err
			}
			if _, err := os.Stat(dir); err != nil {
				return err
			}
			var sum sumRow
			var out error
			err = spectest.Run(os.DirFS(dir), filepath.ToSlash(dir), func(r spectest.Result) {
				row := caseRow{Case: r.Case, Passed: r.Err == nil}
				if r.Err != nil {
					row.Error = r.Err.Error()
					sum.Failed++
				} else {
					sum.Passed++
				}
				if out == nil {
					out = cli.Out(c).Print(row)
				}
			})
			if err != nil || out != nil {
				return fmt.Errorf("vectors: %w", firstOf(err, out))
			}
			if err := cli.Out(c).Print(sum); err != nil {
				return err
			}
			switch {
			case sum.Failed > 0:
				return wire.Invalid("%d cases failed", sum.Failed)
			case sum.Passed == 0:
				return fmt.Errorf("no case below %s: %w", dir, wire.ErrNotFound)
			}
			return nil
		},
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
