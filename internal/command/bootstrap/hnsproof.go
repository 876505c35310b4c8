package bootstrap

import (
	"errors"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap/hns"
	"github.com/pars-network/pars/pkg/wire"
)

func hnsProofVerb() *urfave.Command {
	return &urfave.Command{
		Name: "proof", Usage: "write what proves a name, for somebody without a network", ArgsUsage: "NAME",
		Description: "The file holds the path from a tree root to the name, or to the place where it would be. Whoever holds the headers checks it with verify. " +
			"The proof of an absent name is written too, exit 4.",
		Flags: hnsPeerFlags(cli.OutputFlag(), &urfave.BoolFlag{Name: "stale", Usage: "prove under an old block"}),
		Action: func(c *urfave.Context) error {
			a, err := hnsProve(c, strings.TrimSuffix(cli.Args(c)[0], "."))
			if a == nil || a.Proof == nil || err != nil && !errors.Is(err, wire.ErrNotFound) {
				return err
			}
			if e := cli.Output(c, func(w io.Writer) error { _, err := w.Write(a.Slip().Encode()); return err }); e != nil {
				return e
			}
			return err
		},
	}
}

func hnsVerifyVerb() *urfave.Command {
	return &urfave.Command{
		Name: "verify", Usage: "check a proof of a name against the headers that are held, and ask nobody", ArgsUsage: "FILE|-",
		Description: "Prints the records as resolve does. Exit 4 when the name is proven absent, or when the proof is of a root that is not held, and 6 when it " +
			"does not hold.",
		Flags: hnsFlags(),
		Action: func(c *urfave.Context) error {
			in, err := cli.Input(c, cli.Args(c)[0])
			if err != nil {
				return err
			}
			defer in.Close()
			b, err := io.ReadAll(io.LimitReader(in, hns.MaxSlip+1))
			if err != nil {
				return err
			}
			s, err := hns.DecodeSlip(b)
			if err != nil {
				return err
			}
			h, err := openHNS(c)
			if err != nil {
				return err
			}
			a, err := s.Check(h.chain)
			if err != nil {
				return err
			}
			return hnsPrint(c, a)
		},
	}
}
