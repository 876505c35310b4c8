package node

import (
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	pars "github.com/pars-network/pars/pkg/node"
)

type status struct{ pars.Status }

// Text is one line a fact.
func (s status) Text() string {
	lines := []string{
		attach.Strings("state", s.State), attach.Strings("running", s.Running), attach.Strings("online", s.Online),
		attach.Strings("peers", s.Peers), attach.Strings("sessions", s.Sessions), attach.Strings("vertices", s.Vertices),
		attach.Strings("pending", s.Pending), attach.Strings("damaged", s.Damaged), attach.Strings("disk_bytes", s.DiskBytes),
		attach.Strings("disk_limit", s.DiskLimit), attach.Strings("rss_bytes", s.RSSBytes), attach.Strings("uptime_s", s.UptimeS)}
	var roads []string
	for r, n := range s.Roads {
		roads = append(roads, fmt.Sprintf("%s:%d", r, n))
	}
	slices.Sort(roads)
	lines = append(lines, attach.Strings("roads", strings.Join(roads, " ")))
	if s.Mode != "" {
		lines = append(lines, attach.Strings("mode", s.Mode), attach.Strings("mode_reason", s.ModeWhy))
	}
	if s.Running {
		lines = append(lines, attach.Strings("wakeups_h", s.WakeupsH), attach.Strings("bytes_h", s.BytesH), attach.Strings("bytes_today", s.BytesToday))
	}
	if s.Running {
		lines = append(lines, attach.Strings("dht", s.DHT), attach.Strings("dht_peers", s.DHTPeers), attach.Strings("relays", s.Mail.Relays),
			attach.Strings("mail_waiting", s.Mail.Waiting), attach.Strings("mail_left", s.Mail.Left), attach.Strings("mail_fetched", s.Mail.Fetched), attach.Strings("mail_carried", s.Mail.Carried))
	}
	lines = append(lines, chainLines(s.EVM)...)
	if s.BudgetLeft != nil {
		lines = append(lines, attach.Strings("budget_left", *s.BudgetLeft))
	}
	for _, a := range s.Alarms {
		lines = append(lines, attach.Strings("alarm", a))
	}
	return strings.Join(lines, "\n")
}

func statusVerb() *urfave.Command {
	return &urfave.Command{
		Name: "status", Usage: "show how the node and its store are", Flags: attach.Flags(),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a pars.API) error {
				st, err := a.Status(c.Context)
				if err != nil {
					return err
				}
				return cli.Out(c).Print(status{st})
			})
		},
	}
}

type peerRow struct{ pars.Peer }

// Text is peer id, address, road and since when.
func (p peerRow) Text() string {
	return attach.Strings(p.PeerID, p.Addr, p.Road, p.Since.Format("2006-01-02T15:04:05Z"))
}

func peersVerb() *urfave.Command {
	return &urfave.Command{
		Name: "peers", Usage: "list the connected peers", Flags: attach.Flags(),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a pars.API) error {
				return a.Peers(c.Context, func(p pars.Peer) error { return cli.Out(c).Print(peerRow{p}) })
			})
		},
	}
}

type sessionRow struct{ pars.SessionInfo }

// Text is session, title, members and unread messages.
func (s sessionRow) Text() string {
	return attach.Strings(s.Session, cli.Escape(s.Title), s.Members, s.Unread)
}

func sessionsVerb() *urfave.Command {
	return &urfave.Command{
		Name: "sessions", Usage: "list the conversations", Flags: attach.Flags(),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a pars.API) error {
				return a.SessionList(c.Context, func(s pars.SessionInfo) error {
					warn(c, s)
					return cli.Out(c).Print(sessionRow{s})
				})
			})
		},
	}
}

func warn(c *urfave.Context, s pars.SessionInfo) {
	for _, w := range s.Warnings {
		cli.Warnf(c, "session %.8s: %s", s.Session, w)
	}
}

type memberRow struct{ pars.Member }

// Text is pseudonym, claimed name, since when and account.
func (m memberRow) Text() string {
	account := m.Account
	if account == "" {
		account = "-"
	}
	return attach.Strings(m.Pseudonym, cli.Escape(m.Name), m.Since.Format("2006-01-02T15:04:05Z"), account)
}

func membersVerb() *urfave.Command {
	return &urfave.Command{
		Name: "members", Usage: "list who joined a conversation; names are what their owners claim", ArgsUsage: "SESSION", Flags: attach.Flags(),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a pars.API) error {
				return a.Members(c.Context, cli.Args(c)[0], func(m pars.Member) error { return cli.Out(c).Print(memberRow{m}) })
			})
		},
	}
}
