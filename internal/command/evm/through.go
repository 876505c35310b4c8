package evm

import (
	"context"
	"errors"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/gateway"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/evm/teller"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

const busyFor = 5 * time.Second // the node has the vault for moments only

// running returns the node that runs on this home and follows the chain of the profile; nil when there is none.
func running(c *urfave.Context) (teller.API, error) {
	p, err := chainProfile(c)
	if err != nil {
		return nil, err
	}
	if p.Chain == nil || p.Chain.Finality == profile.FinalityNone {
		return nil, nil
	}
	home, err := cli.Home(c)
	if err != nil {
		return nil, err
	}
	spec, err := light.SpecOf(p.Chain)
	if err != nil {
		return nil, err
	}
	a, chain := teller.Dial(c.Context, home)
	if a == nil || chain.ID != p.ChainID || chain.Tag != gateway.TagOf(spec) {
		return nil, nil
	}
	return a, nil
}

// throughNode makes the running node a source beside the others: it may know gateways. Transactions go by it first.
func throughNode(c *urfave.Context, cl *evm.Client) error {
	a, err := running(c)
	if a == nil || err != nil {
		return err
	}
	p := teller.Peer(a, cl.Spec())
	cl.Peers = func() []evm.Peer { return []evm.Peer{p} }
	cl.Submit = func(ctx context.Context, raw []byte) error { return p.Submit(ctx, cl.Profile.ChainID, raw, 0) }
	return nil
}

// opened opens the vault, and waits a little where another program has it.
func opened(ctx context.Context, open func() (*evm.Vault, error)) (*evm.Vault, error) {
	for end := time.Now().Add(busyFor); ; {
		v, err := open()
		if !errors.Is(err, wire.ErrBusy) || time.Now().After(end) || ctx.Err() != nil {
			return v, err
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// sendThrough hands what is to be sent to the node, whose queue it is.
func sendThrough(c *urfave.Context, a teller.API, id [16]byte, until uint64) error {
	q := teller.Sending{ID: id, Until: until, Gas: c.Uint64("gas")}
	if args := cli.Args(c); len(args) == 1 {
		raw, err := rawTx(c, args[0])
		if err != nil {
			return err
		}
		q.Raw = raw
	} else {
		m, err := message(c)
		if err != nil {
			return err
		}
		q.From, q.To, q.Wei, q.Data = m.From, m.To, m.Value.String(), m.Data
	}
	done, err := a.Send(c.Context, q)
	return printDone(c, done, err)
}

func printDone(c *urfave.Context, done teller.Done, err error) error {
	if err != nil {
		return err
	}
	if done.Why != "" {
		cli.Warnf(c, "queued; the node sends it when the chain can be reached: %s", done.Why)
	}
	if done.Entry == nil {
		return nil
	}
	return cli.Out(c).Print(entryRow(*done.Entry))
}

func editThrough(c *urfave.Context, a teller.API, do string) error {
	id, err := entryID(cli.Args(c)[0])
	if err != nil {
		return err
	}
	done, err := a.Edit(c.Context, teller.Editing{ID: id, Do: do})
	return printDone(c, done, err)
}

// orThrough runs the verb on the running node where there is one.
func orThrough(through func(*urfave.Context, teller.API) error, alone urfave.ActionFunc) urfave.ActionFunc {
	return func(c *urfave.Context) error {
		a, err := running(c)
		if err != nil {
			return err
		}
		if a != nil {
			return through(c, a)
		}
		return alone(c)
	}
}

func listThrough(c *urfave.Context, a teller.API) error {
	return a.Queue(c.Context, func(e teller.Entry) error { return cli.Out(c).Print(entryRow(e)) })
}

// runThrough lets the node look at the chain, and with --follow waits until nothing is under way.
func runThrough(c *urfave.Context, a teller.API) error {
	for {
		done, err := a.Run(c.Context)
		if err != nil {
			return err
		}
		busy := false
		err = a.Queue(c.Context, func(e teller.Entry) error { busy = busy || e.UnderWay(); return nil })
		if err != nil || !busy || !c.Bool("follow") || c.Context.Err() != nil {
			if done.Why != "" && err == nil {
				cli.Warnf(c, "%s", done.Why)
			}
			return errors.Join(err, listThrough(c, a))
		}
		pause(c.Context, 2*time.Second)
	}
}
