package node

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	pars "github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/profile"
)

// chainFlags say which chain is followed.
func chainFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "chain", Usage: "follow the chain of `PROFILE`, a name or a file; none follows none", DefaultText: "that of the network's profile"},
		&urfave.StringFlag{Name: "checkpoint", Usage: "begin to follow at the block `ROOT`, which is then believed"},
		&urfave.BoolFlag{Name: "allow-old-checkpoint", Usage: "follow from a checkpoint older than the profile's period: whoever bought old keys can lie"},
		&urfave.StringSliceFlag{Name: "beacon", Usage: "ask the beacon API at `URL` too (repeat for more); a URL with a key in it belongs into the profile's file, where other users of the machine do not see it"},
		&urfave.StringSliceFlag{Name: "rpc", Usage: "ask the JSON-RPC server at `URL` too (repeat for more)"},
		&urfave.BoolFlag{Name: "gateway", Usage: "prove the chain's state to strangers and pass on their transactions, out of those servers"},
	}
}

// chainOf reads the flags; nil follows none.
func chainOf(c *urfave.Context, network *profile.Profile) (*pars.Chain, error) {
	name := c.String("chain")
	p := network
	if name != "" && name != "none" {
		var err error
		if p, err = profile.Load(name, os.ReadFile); errors.Is(err, profile.ErrUnknown) {
			return nil, cli.Usagef("run: --chain: %v", err)
		} else if err != nil {
			return nil, err
		}
	}
	if name == "none" || !pars.FollowsChain(p) {
		for _, f := range []string{"checkpoint", "beacon", "rpc", "gateway"} {
			if c.IsSet(f) {
				return nil, cli.Usagef("run: --%s: no chain is followed; name one with --chain", f)
			}
		}
		if name != "" && name != "none" {
			return nil, cli.Usagef("run: --chain: %s publishes no proof of its blocks; nothing can be followed", name)
		}
		return nil, nil
	}
	out := &pars.Chain{Profile: p, AllowOld: c.Bool("allow-old-checkpoint"), Beacon: c.StringSlice("beacon"), RPC: c.StringSlice("rpc"), Gateway: c.Bool("gateway")}
	if s := c.String("checkpoint"); s != "" {
		var err error
		if out.Checkpoint, err = evm.ParseHash(s); err != nil {
			return nil, cli.Usagef("run: --checkpoint: %v", err)
		}
	}
	if out.AllowOld {
		cli.Warnf(c, "old checkpoints are allowed: whoever holds keys of that time can show a false chain")
	}
	return out, nil
}

// chainLines are what status says of the chain.
func chainLines(s *pars.EVMStatus) []string {
	if s == nil {
		return nil
	}
	from := s.From
	if from == "" {
		from = "-"
	}
	var queue []string
	for state, n := range s.Queue {
		queue = append(queue, fmt.Sprintf("%s:%d", state, n))
	}
	slices.Sort(queue)
	return []string{
		attach.Strings("chain", s.Profile), attach.Strings("chain_state", s.State), attach.Strings("head", s.Number), attach.Strings("head_hash", s.Hash),
		attach.Strings("head_age_s", s.Age), attach.Strings("head_from", from), attach.Strings("finalized", s.Finalized),
		attach.Strings("gateway", s.Gateway), attach.Strings("gateways", s.Gateways), attach.Strings("queue", strings.Join(queue, " ")),
	}
}
