package dht

import (
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/node"
)

type announcedRow struct{ node.Announced }

// Text is session, acks, and when it is written again.
func (r announcedRow) Text() string {
	return fmt.Sprintf("%s\t%d acks\tnext %s", r.Session, r.Acks, r.Next.Format(time.RFC3339))
}

func announceVerb() *urfave.Command {
	return &urfave.Command{
		Name: "announce", Usage: "tell the members of a session where this node is, now", ArgsUsage: "SESSION", Flags: attach.Flags(),
		Description: "The node that runs on the home does this by itself at its start, when its addresses change and every six hours. The record is signed by a key " +
			"of the day and sealed: only members find it and can read it. Exit 3 when fewer than ten nodes took it, which is normal in a small network.",
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a node.API) error {
				got, err := a.Announce(c.Context, cli.Args(c)[0])
				if err != nil {
					return err
				}
				if err := cli.Out(c).Print(announcedRow{got}); err != nil {
					return err
				}
				if got.Acks < enoughAcks {
					return fmt.Errorf("%d nodes took the record, %d would be safe: %w", got.Acks, enoughAcks, cli.ErrPartial)
				}
				return nil
			})
		},
	}
}

type memberRow struct{ node.Whereabouts }

// Text is peer id, addresses and how old the record is.
func (r memberRow) Text() string {
	return attach.Strings(r.PeerID, strings.Join(r.Addrs, " "), fmt.Sprintf("%d s", r.AgeS))
}

// findMembers looks for the members of a session through the node that runs on the home.
func findMembers(c *urfave.Context, session string) error {
	return attach.Do(c, false, func(a node.API) error {
		return a.FindPeers(c.Context, session, func(w node.Whereabouts) error { return cli.Out(c).Print(memberRow{w}) })
	})
}
