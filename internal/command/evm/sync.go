package evm

import (
	"errors"
	"fmt"
	"os"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/store/files"
)

type headRow struct {
	Slot          uint64   `json:"slot"`
	Number        uint64   `json:"number"`
	Hash          evm.Hash `json:"hash"`
	Finalized     uint64   `json:"finalized"`
	FinalizedHash evm.Hash `json:"finalized_hash"`
	Participation float64  `json:"participation"`
	Time          string   `json:"time"`
	Age           int64    `json:"head_age_s"`
	Stalled       bool     `json:"stalled,omitempty"`
}

// Text is number, hash, the finalized number, slot and how many signed.
func (r headRow) Text() string {
	return fmt.Sprintf("%d\t%v\tfinal %d\tslot %d\t%.0f %% signed", r.Number, r.Hash, r.Finalized, r.Slot, 100*r.Participation)
}

func rowOf(cl *evm.Client) (headRow, bool) {
	h, ok := cl.Head()
	if !ok {
		return headRow{}, false
	}
	return rowOfHead(cl, h), true
}

func rowOfHead(cl *evm.Client, h evm.Head) headRow {
	f, _ := cl.Final()
	return headRow{h.Slot, h.Number, h.Hash, f.Number, f.Hash, h.Participation, h.Time.Format(time.RFC3339),
		max(0, int64(time.Since(h.Time)/time.Second)), cl.Stalled()}
}

func syncVerb() *urfave.Command {
	return &urfave.Command{
		Name: "sync", Usage: "bring the verified head up to date",
		Description: "Begins at what is kept in the home, at --checkpoint, or at that of the profile; a checkpoint given by hand goes before. Sources are raced in pairs: " +
			"one whose answer does not verify is left alone for an hour. Prints the head, with --follow each new one until stopped.",
		Flags: chainFlags(&urfave.BoolFlag{Name: "follow", Usage: "stay, and print each new head"},
			&urfave.StringFlag{Name: "save", Usage: "write every verified container into `DIR`, for --files of another device"}),
		Action: syncAction,
	}
}

func syncAction(c *urfave.Context) error {
	cl, err := open(c)
	if err != nil {
		return err
	}
	if dir := c.String("save"); dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		cl.Keep = folder{files.OS(dir)}.WriteAtomic
	}
	if c.Bool("follow") {
		return follow(c, cl)
	}
	err = cl.Sync(c.Context)
	row, ok := rowOf(cl)
	if err != nil || !ok {
		return err
	}
	return cli.Out(c).Print(row)
}

func follow(c *urfave.Context, cl *evm.Client) error {
	var out error
	err := cl.Follow(c.Context, func(evm.Head) {
		if row, ok := rowOf(cl); ok && out == nil {
			out = cli.Out(c).Print(row)
		}
	})
	return errors.Join(err, out)
}

func headVerb() *urfave.Command {
	return &urfave.Command{
		Name: "head", Usage: "print the newest verified head that is kept here, and ask nobody",
		Flags: []urfave.Flag{&urfave.BoolFlag{Name: "stale", Usage: "print it however old it is"}},
		Action: func(c *urfave.Context) error {
			cl, err := open(c)
			if err != nil {
				return err
			}
			if cl.Submit != nil { // a node runs here and knows better than the file, which it writes now and then
				cl.Sources = nil
				if err := cl.Sync(c.Context); err != nil {
					cli.Verbosef(c, "%v", err)
				}
			}
			row, ok := rowOf(cl)
			if !ok {
				return evm.ErrNoCheckpoint
			}
			if age := time.Duration(row.Age) * time.Second; age > evm.MaxAge && !c.Bool("stale") {
				return &evm.StaleError{Age: age, Slot: row.Slot}
			}
			return cli.Out(c).Print(row)
		},
	}
}
