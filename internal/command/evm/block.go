package evm

import (
	"context"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
)

type logRow struct {
	In      uint64      `json:"block"`
	Tx      evm.Hash    `json:"tx"`
	Index   uint        `json:"index"`
	Address evm.Address `json:"address"`
	Topics  []evm.Hash  `json:"topics"`
	Data    string      `json:"data"`
	// Verified and Head say under which head it was proven.
	Verified bool     `json:"verified"`
	Head     evm.Hash `json:"hash"`
}

// Text is block, transaction, index, contract, topics and data.
func (r logRow) Text() string {
	var topics []string
	for _, t := range r.Topics {
		topics = append(topics, t.String())
	}
	return fmt.Sprintf("%d\t%v\t%d\t%v\t%s\t%s", r.In, r.Tx, r.Index, r.Address, strings.Join(topics, ","), r.Data)
}

func rowOfLog(l evm.Log, head evm.Hash) logRow {
	return logRow{l.Block, l.Tx, l.Index, l.Address, append([]evm.Hash{}, l.Topics...), hexOf(l.Data), true, head}
}

func logsVerb() *urfave.Command {
	return &urfave.Command{
		Name: "logs", Usage: "print all events of a range of blocks that match, and prove that there are no others",
		Flags: readFlags(&urfave.StringSliceFlag{Name: "address", Usage: "of the contract at `ADDRESS` (repeat for alternatives)"},
			&urfave.StringSliceFlag{Name: "topic", Usage: "with `HASH[,HASH]…`, alternatives, or - for any, at the next place (repeat for each place)"},
			&urfave.StringFlag{Name: "since", Usage: "from `BLOCK` on to --block", DefaultText: "--block"}),
		Action: func(c *urfave.Context) error {
			f, err := filter(c)
			if err != nil {
				return err
			}
			cl, err := reading(c)
			if err != nil {
				return err
			}
			from := evm.Tag(c.String("since"))
			if from == "" {
				from = tag(c)
			}
			list, m, err := cl.Logs(c.Context, from, tag(c), f)
			if err != nil {
				return err
			}
			marked(c, m)
			for _, l := range list {
				if err := cli.Out(c).Print(rowOfLog(l, m.Hash)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func filter(c *urfave.Context) (f evm.LogFilter, err error) {
	for _, s := range c.StringSlice("address") {
		a, err := address(s)
		if err != nil {
			return f, err
		}
		f.Addresses = append(f.Addresses, a)
	}
	for _, place := range c.StringSlice("topic") {
		var any []evm.Hash
		for s := range strings.SplitSeq(place, ",") {
			if s == "-" {
				continue
			}
			h, err := evm.ParseHash(s)
			if err != nil {
				return f, cli.Usagef("--topic: %v", err)
			}
			any = append(any, h)
		}
		f.Topics = append(f.Topics, any)
	}
	return f, nil
}

type receiptRow struct {
	Tx       evm.Hash     `json:"tx"`
	Status   string       `json:"status"`
	GasUsed  uint64       `json:"gas_used"`
	GasPrice string       `json:"gas_price"`
	Contract *evm.Address `json:"contract,omitempty"`
	Logs     []logRow     `json:"logs"`
	mark
}

// Text is transaction, ok or reverted, block and gas, then a line an event.
func (r receiptRow) Text() string {
	s := fmt.Sprintf("%v\t%s\tblock %d\tgas %d", r.Tx, r.Status, r.Block, r.GasUsed)
	if r.Contract != nil {
		s += "\tcontract " + r.Contract.String()
	}
	for _, l := range r.Logs {
		s += "\n" + l.Text()
	}
	return s
}

func receiptVerb() *urfave.Command {
	return &urfave.Command{
		Name: "receipt", Usage: "prove what became of a transaction", ArgsUsage: "TX", Flags: readFlags(),
		Action: func(c *urfave.Context) error {
			tx, err := evm.ParseHash(cli.Args(c)[0])
			if err != nil {
				return cli.Usagef("%v", err)
			}
			return answered(c, func(ctx context.Context, cl *evm.Client) (cli.Record, error) {
				r, m, err := cl.Receipt(ctx, tx)
				if err != nil {
					return nil, err
				}
				row := receiptRow{Tx: r.Tx, Status: "reverted", GasUsed: r.GasUsed, GasPrice: r.GasPrice.String(), Contract: r.Contract, Logs: []logRow{}, mark: marked(c, m)}
				if r.OK {
					row.Status = "ok"
				}
				for _, l := range r.Logs {
					row.Logs = append(row.Logs, rowOfLog(l, m.Hash))
				}
				return row, nil
			})
		},
	}
}
