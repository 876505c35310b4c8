package evm

import (
	"context"
	"fmt"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	stakes "github.com/pars-network/pars/pkg/evm/stake"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

type stakeRow struct {
	Address evm.Address `json:"address"`
	Wei     string      `json:"wei"`
	Score   float64     `json:"score"`
	mark
}

// Text is wei and the score.
func (r stakeRow) Text() string {
	return r.Wei + "\t" + strconv.FormatFloat(r.Score, 'g', 4, 64)
}

func stakeVerb() *urfave.Command {
	return &urfave.Command{
		Name: "stake", Usage: "prove what an account has staked in the profile's registry, and the score it gives a relay", ArgsUsage: "ADDRESS",
		Description: "The registry is read under the final head. The score is the stake in units of the profile, up to its cap; a relay without one is neutral. " +
			"wallet bind says which node an account's stake is for.",
		Flags: chainFlags(&urfave.BoolFlag{Name: "stale", Usage: "answer from an old head, and show its age"}),
		Action: func(c *urfave.Context) error {
			a, err := address(cli.Args(c)[0])
			if err != nil {
				return err
			}
			if _, err := registered(c); err != nil {
				return err
			}
			return answered(c, func(ctx context.Context, cl *evm.Client) (cli.Record, error) {
				r := &stakes.Registry{Profile: cl.Profile, Chain: cl, Now: time.Now}
				s, err := r.StakeOf(ctx, a)
				if err != nil {
					return nil, err
				}
				return stakeRow{a, s.Wei.String(), s.Score, marked(c, s.Mark)}, nil
			})
		},
	}
}

// registered returns the profile, or says that it names no registry.
func registered(c *urfave.Context) (*profile.Profile, error) {
	p, err := chainProfile(c)
	if err == nil && (p.Chain == nil || p.Chain.Stake == nil) {
		err = fmt.Errorf("profile %s names no stake registry: %w", p.Name, wire.ErrNotFound)
	}
	return p, err
}

type bindRow struct {
	Account evm.Address `json:"account"`
	Peer    string      `json:"peer_id"`
	Expires string      `json:"expires"`
	Binding string      `json:"binding"`
}

// Text is the binding.
func (r bindRow) Text() string { return r.Binding }

func walletBind() *urfave.Command {
	return &urfave.Command{
		Name: "bind", Usage: "say that this home's node counts as an account's stake",
		Description: "Prints PeerStake (EIP-712) signed by the account and by the node key. It shows everybody who reads the node's role card which account is behind it. " +
			"It is kept in the home for the node, and holds 30 days at most.",
		Flags: []urfave.Flag{cli.PassphraseFlag(), &urfave.StringFlag{Name: "sender", Usage: "of `ADDRESS` of the wallet", DefaultText: "the first"},
			&urfave.DurationFlag{Name: "valid", Value: stakes.MaxLife, Usage: "for `DURATION` from now"}},
		Action: bindAction,
	}
}

func bindAction(c *urfave.Context) error {
	p, err := registered(c)
	if err != nil {
		return err
	}
	if d := c.Duration("valid"); d <= 0 || d > stakes.MaxLife {
		return cli.Usagef("--valid: more than nothing, at most %v", stakes.MaxLife)
	}
	var from *evm.Address
	if s := c.String("sender"); s != "" {
		a, err := address(s)
		if err != nil {
			return err
		}
		from = &a
	}
	return vault(c, func(v *evm.Vault, keys *keystore.Keys) error {
		k, err := v.Key(from)
		if err != nil {
			return err
		}
		end := time.Now().Add(c.Duration("valid"))
		b, err := stakes.Bind(p, sig.FromSeed(keys.NodeSeed), k, uint64(end.Unix()))
		if err != nil {
			return err
		}
		if err := v.KeepBinding(b.Encode()); err != nil {
			return err
		}
		id := string(wire.AppendBase58(nil, []byte(stakes.PeerID(b.Peer))))
		return cli.Out(c).Print(bindRow{b.Account, id, end.UTC().Format(time.RFC3339), hexOf(b.Encode())})
	})
}
