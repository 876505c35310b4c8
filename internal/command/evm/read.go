package evm

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
)

type balanceRow struct {
	Address evm.Address `json:"address"`
	Wei     string      `json:"wei"`
	mark
}

// Text is the balance in wei.
func (r balanceRow) Text() string { return r.Wei }

// about answers with what is at an address, the first argument.
func about(name, usage, args string, f func(context.Context, *evm.Client, *urfave.Context, evm.Address) (cli.Record, error)) *urfave.Command {
	return &urfave.Command{
		Name: name, Usage: usage, ArgsUsage: args, Flags: readFlags(),
		Action: func(c *urfave.Context) error {
			a, err := address(cli.Args(c)[0])
			if err != nil {
				return err
			}
			return answered(c, func(ctx context.Context, cl *evm.Client) (cli.Record, error) { return f(ctx, cl, c, a) })
		},
	}
}

func balanceVerb() *urfave.Command {
	return about("balance", "print the balance of an account in wei", "ADDRESS",
		func(ctx context.Context, cl *evm.Client, c *urfave.Context, a evm.Address) (cli.Record, error) {
			acc, m, err := cl.Account(ctx, a, tag(c))
			if err != nil {
				return nil, err
			}
			return balanceRow{a, acc.Balance.String(), marked(c, m)}, nil
		})
}

type nonceRow struct {
	Address evm.Address `json:"address"`
	Nonce   uint64      `json:"nonce"`
	mark
}

// Text is the nonce.
func (r nonceRow) Text() string { return fmt.Sprint(r.Nonce) }

func nonceVerb() *urfave.Command {
	return about("nonce", "print how many transactions an account has sent", "ADDRESS",
		func(ctx context.Context, cl *evm.Client, c *urfave.Context, a evm.Address) (cli.Record, error) {
			acc, m, err := cl.Account(ctx, a, tag(c))
			if err != nil {
				return nil, err
			}
			return nonceRow{a, acc.Nonce, marked(c, m)}, nil
		})
}

type bytesRow struct {
	Data string `json:"data"`
	mark
}

// Text is 0x and the bytes.
func (r bytesRow) Text() string { return r.Data }

func hexOf(b []byte) string { return "0x" + hex.EncodeToString(b) }

func codeVerb() *urfave.Command {
	return about("code", "print the code of a contract", "ADDRESS",
		func(ctx context.Context, cl *evm.Client, c *urfave.Context, a evm.Address) (cli.Record, error) {
			b, m, err := cl.Code(ctx, a, tag(c))
			if err != nil {
				return nil, err
			}
			return bytesRow{hexOf(b), marked(c, m)}, nil
		})
}

func storageVerb() *urfave.Command {
	v := about("storage", "print one word of a contract's storage", "ADDRESS SLOT",
		func(ctx context.Context, cl *evm.Client, c *urfave.Context, a evm.Address) (cli.Record, error) {
			slot, err := evm.ParseWord(cli.Args(c)[1])
			if err != nil {
				return nil, err
			}
			v, m, err := cl.Storage(ctx, a, slot, tag(c))
			if err != nil {
				return nil, err
			}
			return bytesRow{v.String(), marked(c, m)}, nil
		})
	v.Before = func(c *urfave.Context) error { // a mistyped word is told before anybody is asked
		if args := cli.Args(c); len(args) > 1 {
			if _, err := evm.ParseWord(args[1]); err != nil {
				return cli.Usagef("%v", err)
			}
		}
		return nil
	}
	return v
}

type callRow struct {
	Data string `json:"data"`
	Gas  uint64 `json:"gas,omitempty"`
	mark
}

// Text is what the call returned, or the gas.
func (r callRow) Text() string {
	if r.Gas > 0 {
		return fmt.Sprint(r.Gas)
	}
	return r.Data
}

func callVerb() *urfave.Command {
	return &urfave.Command{
		Name: "call", Usage: "run a contract on proven state and print what it returns",
		Flags: readFlags(&urfave.StringFlag{Name: "to", Usage: "call the contract at `ADDRESS`"},
			&urfave.StringFlag{Name: "data", Value: "0x", Usage: "with `HEX`"},
			&urfave.StringFlag{Name: "sender", Usage: "as `ADDRESS`"},
			&urfave.StringFlag{Name: "value", Value: "0", Usage: "with `WEI`"},
			&urfave.BoolFlag{Name: "gas", Usage: "print the gas that it needs instead"}),
		Action: callAction,
	}
}

func message(c *urfave.Context) (*evm.Message, error) {
	data, err := evm.ParseHex(c.String("data"))
	if err != nil {
		return nil, cli.Usagef("--data: %v", err)
	}
	value, ok := new(big.Int).SetString(c.String("value"), 10)
	if !ok || value.Sign() < 0 {
		return nil, cli.Usagef("--value: %q is no decimal number of wei", c.String("value"))
	}
	m := &evm.Message{Data: data, Value: value}
	for name, to := range map[string]**evm.Address{"to": &m.To, "sender": &m.From} {
		s := c.String(name)
		if s == "" && name == "to" {
			return nil, cli.Usagef("--to: name a contract")
		}
		if s == "" {
			continue
		}
		a, err := address(s)
		if err != nil {
			return nil, err
		}
		*to = &a
	}
	return m, nil
}

func callAction(c *urfave.Context) error {
	m, err := message(c)
	if err != nil {
		return err
	}
	return answered(c, func(ctx context.Context, cl *evm.Client) (cli.Record, error) {
		if c.Bool("gas") {
			gas, at, err := cl.Estimate(ctx, m, tag(c))
			if err != nil {
				return nil, err
			}
			return callRow{Gas: gas, mark: marked(c, at)}, nil
		}
		r, err := cl.CallMessage(ctx, m, tag(c))
		if err != nil {
			return nil, err
		}
		return callRow{Data: hexOf(r.Return), mark: marked(c, r.Mark)}, nil
	})
}

type provenRow struct {
	Address  evm.Address `json:"address"`
	Nonce    uint64      `json:"nonce"`
	Wei      string      `json:"wei"`
	CodeHash evm.Hash    `json:"code_hash"`
	Storage  []slotRow   `json:"storage"`
	mark
}

type slotRow struct {
	Slot  evm.Hash `json:"slot"`
	Value evm.Hash `json:"value"`
}

// Text is address, balance and nonce, then a line a slot.
func (r provenRow) Text() string {
	s := fmt.Sprintf("%v\t%s\t%d\tblock %d", r.Address, r.Wei, r.Nonce, r.Block)
	for _, w := range r.Storage {
		s += fmt.Sprintf("\n%v\t%v", w.Slot, w.Value)
	}
	return s
}

func proofVerb() *urfave.Command {
	return &urfave.Command{
		Name: "proof", Usage: "write a proof of an account, and of words of its storage, that others check without a network", ArgsUsage: "ADDRESS [SLOT]…",
		Flags: readFlags(cli.OutputFlag()),
		Action: func(c *urfave.Context) error {
			a, err := address(cli.Args(c)[0])
			if err != nil {
				return err
			}
			var slots []evm.Hash
			for _, s := range cli.Args(c)[1:] {
				w, err := evm.ParseWord(s)
				if err != nil {
					return cli.Usagef("%v", err)
				}
				slots = append(slots, w)
			}
			cl, err := reading(c)
			if err != nil {
				return err
			}
			b, _, err := cl.Prove(c.Context, a, slots, tag(c))
			if err != nil {
				return err
			}
			return cli.Output(c, func(w io.Writer) error { _, err := w.Write(b); return err })
		},
	}
}

func verifyVerb() *urfave.Command {
	return &urfave.Command{
		Name: "verify", Usage: "check a proof with what is kept here, and ask nobody", ArgsUsage: "FILE|-",
		Flags: []urfave.Flag{&urfave.BoolFlag{Name: "allow-old-checkpoint", Usage: "check it against state older than the profile's period"}},
		Action: func(c *urfave.Context) error {
			in, err := cli.Input(c, cli.Args(c)[0])
			if err != nil {
				return err
			}
			defer in.Close()
			b, err := io.ReadAll(io.LimitReader(in, evm.MaxProofFile+1))
			if err != nil {
				return err
			}
			f, err := evm.DecodeProofFile(b)
			if err != nil {
				return err
			}
			cl, err := open(c)
			if err != nil {
				return err
			}
			p, err := cl.Check(f)
			if err != nil {
				return err
			}
			row := provenRow{p.Address, p.Account.Nonce, p.Account.Balance.String(), p.Account.CodeHash, []slotRow{}, marked(c, p.Mark)}
			for i, s := range p.Slots {
				row.Storage = append(row.Storage, slotRow{s, p.Values[i]})
			}
			return cli.Out(c).Print(row)
		},
	}
}
