package bundle

import (
	"errors"
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/courier"
)

// report is the salvage report of a repair.
type report struct{ *bundle.Report }

// Text is the report as JSON: it is for programs.
func (r report) Text() string {
	b, err := r.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func repairAction(c *urfave.Context) error {
	if c.String("o") == "" {
		return cli.Usagef("-o FILE is needed: the repaired file goes there, the report to standard output")
	}
	return withFile(c, func(a courier.API, q courier.FileQuery) error {
		key, r, err := courierKey(c, a, &q)
		if err != nil {
			return unopened(c, q, err)
		}
		f, size, err := regular(q.Path)
		if err != nil {
			return err
		}
		defer f.Close()
		if r != nil && r.Form == bundle.FormCompact {
			if !r.Whole() {
				return errors.Join(cli.Out(c).Print(report{r}), fmt.Errorf("too small a bundle to hold parity, ask for another copy: %w", bundle.ErrDamaged))
			}
			err := cli.Output(c, func(w io.Writer) error { _, err := io.Copy(w, io.NewSectionReader(f, 0, size)); return err })
			return errors.Join(err, cli.Out(c).Print(report{r}))
		}
		b, err := bundle.Open(f, size, bundle.Keys{Courier: key})
		if errors.Is(err, bundle.ErrNotForUs) && len(q.Courier) == 0 && key != nil {
			return fmt.Errorf("it is for us, and no sector of it is good: %w", bundle.ErrDamaged)
		}
		if err != nil {
			return unopened(c, q, err)
		}
		var damaged error
		err = cli.Output(c, func(w io.Writer) error {
			err := b.Repair(w)
			if errors.Is(err, bundle.ErrDamaged) {
				damaged, err = err, nil // what is there is worth having
			}
			return err
		})
		if err != nil {
			return err
		}
		return errors.Join(cli.Out(c).Print(report{&b.Report}), damaged)
	})
}

// courierKey returns the key that is named, or the one that a recipient's key opens and what that saw.
func courierKey(c *urfave.Context, a courier.API, q *courier.FileQuery) (*bundle.Key, *bundle.Report, error) {
	if len(q.Courier) == 32 {
		k := bundle.Key(q.Courier)
		return &k, nil, nil
	}
	v, err := a.Look(c.Context, *q, func(courier.Result) error { return nil })
	if err != nil || len(v.Courier) != 32 {
		if v != nil {
			return nil, &v.Report, err
		}
		return nil, nil, err
	}
	k := bundle.Key(v.Courier)
	return &k, &v.Report, nil
}
