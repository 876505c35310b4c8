package dht

import (
	"context"
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/node"
)

type announcedRow struct{ node.Announced }

// Text is session or role, acks, and when it is written again.
func (r announcedRow) Text() string {
	return fmt.Sprintf("%s\t%d acks\tnext %s", r.Session+r.Role, r.Acks, r.Next.Format(time.RFC3339))
}

func announceVerb() *urfave.Command {
	return &urfave.Command{
		Name: "announce", Usage: "tell the members of a session where this node is, or strangers what it serves as", ArgsUsage: "[SESSION]",
		Flags: attach.Flags(&urfave.StringFlag{Name: "role", Usage: "serve as `ROLE` from now on: seeder, courier, or what the node is a gateway of"}),
		Description: "The node that runs on the home does this by itself at its start, when its addresses change and every six hours. The record is signed by a key " +
			"of the day and sealed: only members find it and can read it. Exit 3 when fewer than ten nodes took it, which is normal in a small network. " +
			"With --role the node tells the hash table that it serves strangers, twice a day and after restarts, and shows a signed card to who asks.",
		Action: func(c *urfave.Context) error {
			session, role, err := announced(c)
			if err != nil {
				return err
			}
			return attach.Do(c, false, func(a node.API) error {
				got, err := announce(c.Context, a, session, role)
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

// announced says what is to be told: a session, or a role.
func announced(c *urfave.Context) (session string, role dht.Role, err error) {
	args, name := cli.Args(c), c.String("role")
	if (len(args) == 1) == (name != "") {
		return "", "", cli.Usagef("a SESSION or --role is needed, and not both")
	}
	if name == "" {
		return args[0], "", nil
	}
	if role, err = dht.ParseRole(name); err != nil {
		return "", "", cli.Usagef("%v", err)
	}
	return "", role, nil
}

func announce(ctx context.Context, a node.API, session string, role dht.Role) (node.Announced, error) {
	if role != "" {
		return a.AnnounceRole(ctx, string(role))
	}
	return a.Announce(ctx, session)
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
