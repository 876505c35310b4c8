package evm

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/evm/teller"
	"github.com/pars-network/pars/pkg/keystore"
)

type entryRow teller.Entry

// Text is id, state, receiver, wei, hash and what keeps it.
func (r entryRow) Text() string {
	to, hash := "-", "-"
	if r.To != nil {
		to = r.To.String()
	}
	if r.Hash != nil {
		hash = r.Hash.String()
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", r.ID, r.State, to, r.Wei, hash, cli.Escape(r.Why))
}

func rowOfEntry(e *queue.Entry) entryRow { return entryRow(teller.EntryOf(e)) }

func sendVerb() *urfave.Command {
	return &urfave.Command{
		Name: "send", Usage: "queue a payment or a signed transaction, and send it once the chain can be reached", ArgsUsage: "[RAWTX|-]",
		Description: "What is queued stays in the home until it is final, through any time without a network: nonce and fees of a payment are set when a verified head is there. " +
			"--valid only stops the sending; what has left this device can be included until it is cancelled.",
		Flags:  chainFlags(payFlags(&urfave.DurationFlag{Name: "valid", Usage: "send it only within `DURATION` from now"})...),
		Action: sendAction,
	}
}

func sendAction(c *urfave.Context) error {
	var until uint64
	if d := c.Duration("valid"); d > 0 {
		until = uint64(time.Now().Add(d).Unix())
	}
	var id [16]byte
	rand.Read(id[:])
	if a, err := running(c); a != nil || err != nil {
		if err != nil {
			return err
		}
		return sendThrough(c, a, id, until)
	}
	return vault(c, func(v *evm.Vault, _ *keystore.Keys) error {
		e, err := queued(c, v, id, until)
		if err != nil {
			return err
		}
		if err := v.Save(); err != nil {
			return err
		}
		if err := pump(c, v); err != nil {
			cli.Warnf(c, "queued; it is sent when the chain can be reached: %v", err)
		}
		return cli.Out(c).Print(rowOfEntry(e))
	})
}

func queued(c *urfave.Context, v *evm.Vault, id [16]byte, until uint64) (*queue.Entry, error) {
	if args := cli.Args(c); len(args) == 1 {
		raw, err := rawTx(c, args[0])
		if err != nil {
			return nil, err
		}
		return v.Queue.AddRaw(id, raw, until)
	}
	m, err := message(c)
	if err != nil {
		return nil, err
	}
	k, err := v.Key(m.From)
	if err != nil {
		return nil, err
	}
	e := &queue.Entry{ID: id, From: k.Address(), To: evm.Geth(m.To), Value: m.Value, Data: m.Data, Gas: c.Uint64("gas"), ValidUntil: until}
	return e, v.Queue.Add(e)
}

func rawTx(c *urfave.Context, arg string) ([]byte, error) {
	if arg == "-" {
		in, err := cli.Input(c, arg)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		b, err := io.ReadAll(io.LimitReader(in, 1<<19))
		if err != nil {
			return nil, err
		}
		arg = strings.TrimSpace(string(b))
	}
	raw, err := evm.ParseHex(arg)
	if err != nil {
		return nil, cli.Usagef("%v", err)
	}
	return raw, nil
}

// pump brings the head and then the queue up to date.
func pump(c *urfave.Context, v *evm.Vault) error {
	cl, err := reading(c)
	if err != nil {
		return err
	}
	return cl.Pump(c.Context, v)
}

func queueVerb() *urfave.Command {
	return &urfave.Command{
		Name: "queue", Usage: "transactions on their way",
		Subcommands: []*urfave.Command{queueLs(), queueRun(), queueEdit("bump", "pay a tenth more for the same transaction, or what the chain asks now", false),
			queueEdit("cancel", "take the transaction's number for one that pays nothing", true), queueDrop()},
	}
}

func printQueue(c *urfave.Context, v *evm.Vault) error {
	for _, e := range v.Queue.Entries {
		if err := cli.Out(c).Print(rowOfEntry(e)); err != nil {
			return err
		}
	}
	return nil
}

func queueLs() *urfave.Command {
	return &urfave.Command{
		Name: "ls", Usage: "print the queue as it was left", Flags: []urfave.Flag{cli.PassphraseFlag()},
		Action: orThrough(listThrough, func(c *urfave.Context) error {
			return vault(c, func(v *evm.Vault, _ *keystore.Keys) error { return printQueue(c, v) })
		}),
	}
}

func queueRun() *urfave.Command {
	return &urfave.Command{
		Name: "run", Usage: "look at the chain, send what is due, and print the queue",
		Flags: chainFlags(cli.PassphraseFlag(), &urfave.BoolFlag{Name: "follow", Usage: "stay until nothing is under way"}),
		Action: orThrough(runThrough, func(c *urfave.Context) error {
			return vault(c, func(v *evm.Vault, _ *keystore.Keys) error {
				err := pump(c, v)
				for c.Bool("follow") && c.Context.Err() == nil && (err != nil || underWay(v)) {
					pause(c.Context, 2*time.Second)
					err = pump(c, v)
				}
				return errors.Join(err, printQueue(c, v))
			})
		}),
	}
}

func underWay(v *evm.Vault) bool {
	for _, e := range v.Queue.Entries {
		if !e.State.Ended() && e.State != queue.Unclear {
			return true
		}
	}
	return false
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func entryID(s string) (id [16]byte, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, cli.Usagef("%.40q is no id of the queue: 32 digits", s)
	}
	return [16]byte(b), nil
}

func queueEdit(name, usage string, cancel bool) *urfave.Command {
	return &urfave.Command{
		Name: name, Usage: usage, ArgsUsage: "ID", Flags: chainFlags(cli.PassphraseFlag()),
		Action: orThrough(func(c *urfave.Context, a teller.API) error { return editThrough(c, a, name) }, func(c *urfave.Context) error {
			id, err := entryID(cli.Args(c)[0])
			if err != nil {
				return err
			}
			return vault(c, func(v *evm.Vault, _ *keystore.Keys) error {
				cl, offline := reading(c)
				var base *big.Int
				if offline == nil {
					base = cl.BaseFee()
				}
				e, err := v.Resign(id, cancel, base)
				if err != nil {
					return err
				}
				if offline == nil {
					offline = cl.Pump(c.Context, v)
				}
				if err := offline; err != nil {
					cli.Warnf(c, "signed; it is sent when the chain can be reached: %v", err)
				}
				return cli.Out(c).Print(rowOfEntry(e))
			})
		}),
	}
}

func queueDrop() *urfave.Command {
	return &urfave.Command{
		Name: "drop", Usage: "forget a transaction that has ended or never left this device", ArgsUsage: "ID", Flags: []urfave.Flag{cli.PassphraseFlag()},
		Action: orThrough(func(c *urfave.Context, a teller.API) error { return editThrough(c, a, teller.Drop) }, func(c *urfave.Context) error {
			id, err := entryID(cli.Args(c)[0])
			if err != nil {
				return err
			}
			return vault(c, func(v *evm.Vault, _ *keystore.Keys) error {
				if err := v.Queue.Drop(id); err != nil {
					return err
				}
				return v.Save()
			})
		}),
	}
}
