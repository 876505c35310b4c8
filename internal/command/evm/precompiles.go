package evm

import (
	"context"
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/wire"
)

type probeRow struct {
	Key      string      `json:"key"`
	Address  evm.Address `json:"address"`
	State    string      `json:"state"`
	Why      string      `json:"why,omitempty"`
	Verified bool        `json:"verified"`
}

// Text is key, address, present or absent, and why.
func (r probeRow) Text() string {
	return r.Key + "\t" + r.Address.String() + "\t" + r.State + "\tnot verified\t" + cli.Escape(r.Why)
}

func precompilesVerb() *urfave.Command {
	return &urfave.Command{
		Name: "precompiles", Usage: "ask a server which contracts of the profile its nodes carry in their code",
		Description: "Each is asked a question with a known answer, and the same with one bit wrong; both answers must be right. It is the word of one server and no proof. " +
			"One that would be told a secret is not called.",
		Flags: []urfave.Flag{&urfave.StringSliceFlag{Name: "rpc", Usage: "ask the JSON-RPC server at `URL` (repeat for more; before those of the profile)"}},
		Action: func(c *urfave.Context) error {
			p, err := chainProfile(c)
			if err != nil {
				return err
			}
			if p.Chain == nil || len(p.Chain.Precompiles) == 0 {
				return fmt.Errorf("profile %s names no precompile: %w", p.Name, wire.ErrNotFound)
			}
			cl := &evm.Client{Profile: p, Now: time.Now}
			if err := rpcs(c, cl); err != nil {
				return err
			}
			return printProbes(c.Context, c, cl)
		},
	}
}

func printProbes(ctx context.Context, c *urfave.Context, cl *evm.Client) error {
	list, err := cl.Probes(ctx)
	if err != nil {
		return err
	}
	for _, p := range list {
		row := probeRow{Key: p.Key, Address: p.Address, State: "absent", Why: p.Why}
		if p.Present {
			row.State = "present"
		}
		if err := cli.Out(c).Print(row); err != nil {
			return err
		}
	}
	return nil
}
