package node

import (
	"fmt"
	"io"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	pars "github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/session"
)

type invitation struct{ pars.Invitation }

// Text is the line to hand over.
func (i invitation) Text() string { return i.Invite }

func inviteVerb() *urfave.Command {
	return &urfave.Command{
		Name: "invite", Usage: "invite somebody to a conversation, a new one when none is named", ArgsUsage: "[SESSION]",
		Description: "The line that is printed is the key: anyone who ever holds it can read everything in this conversation, " +
			"what was written before and what will be, and can write there. There is no taking it back. --expires binds the " +
			"newcomer's own program only.",
		Flags: attach.Flags(
			&urfave.StringFlag{Name: "title", Usage: "call a new conversation `T`, up to 64 bytes"},
			&urfave.StringFlag{Name: "expires", Usage: "let the invite end after `D`, such as 30m, 2h or 14d", Value: "7d"}),
		Action: inviteAction,
	}
}

func inviteAction(c *urfave.Context) error {
	q := pars.InviteQuery{Title: c.String("title")}
	if len(cli.Args(c)) > 0 {
		q.Session = cli.Args(c)[0]
		if q.Title != "" {
			return cli.Usagef("--title is for a new conversation: name none")
		}
	}
	var err error
	if q.Expires, err = duration(c.String("expires")); err != nil {
		return err
	}
	return attach.Do(c, q.Session == "", func(a pars.API) error {
		inv, err := a.Invite(c.Context, q)
		if err != nil {
			return err
		}
		cli.Warnf(c, "invite key: anyone who ever holds the invite can read everything in this conversation")
		return cli.Out(c).Print(invitation{inv})
	})
}

// duration reads a length of time with days: 14d, 2h30m.
func duration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days+"$", "%d$", &n); err == nil && n >= 0 && n < 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, nil
	}
	return 0, cli.Usagef("%q is no length of time: write 30m, 2h or 14d", s)
}

func joinVerb() *urfave.Command {
	return &urfave.Command{
		Name: "join", Usage: "take an invite", ArgsUsage: "INVITE|-",
		Description: "Prints the session. Reading and writing work at once; what others wrote comes with the first contact.",
		Flags:       attach.Flags(&urfave.StringFlag{Name: "name", Usage: "be called `NAME`, up to 64 bytes; others see that you claim it"}),
		Action: func(c *urfave.Context) error {
			text, err := argument(c, cli.Args(c)[:1])
			if err != nil {
				return err
			}
			if _, err := session.ParseInvite(text); err != nil { // before a home is made for it
				return err
			}
			return attach.Do(c, true, func(a pars.API) error {
				s, err := a.Join(c.Context, pars.JoinQuery{Invite: text, Name: c.String("name")})
				if err != nil {
					return err
				}
				warn(c, s)
				return cli.Out(c).Print(joined{s})
			})
		},
	}
}

type joined struct{ pars.SessionInfo }

// Text is the session.
func (j joined) Text() string { return j.Session }

// argument joins words, or reads standard input for "-".
func argument(c *urfave.Context, words []string) (string, error) {
	if len(words) != 1 || words[0] != "-" {
		return strings.Join(words, " "), nil
	}
	in, err := cli.Input(c, "-")
	if err != nil {
		return "", err
	}
	defer in.Close()
	const most = 1 << 20
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	if len(b) > most {
		return "", fmt.Errorf("standard input is over %d bytes", most)
	}
	return strings.TrimSuffix(string(b), "\n"), nil
}

type sent struct {
	ID      string `json:"id"`
	Session string `json:"session"`
	Seq     uint64 `json:"seq"`
	State   string `json:"state"`
}

// Text is the vertex id.
func (s sent) Text() string { return s.ID }

func sendVerb() *urfave.Command {
	return &urfave.Command{
		Name: "send", Usage: "write a message", ArgsUsage: "SESSION TEXT…|-",
		Description: "Prints the id of the entry once it is safe on this disk. It goes to others as soon as there is a way.",
		Flags:       attach.Flags(),
		Action: func(c *urfave.Context) error {
			text, err := argument(c, cli.Args(c)[1:])
			if err != nil {
				return err
			}
			return attach.Do(c, false, func(a pars.API) error {
				m, err := a.Send(c.Context, pars.SendQuery{Session: cli.Args(c)[0], Text: text})
				if err != nil {
					return err
				}
				return cli.Out(c).Print(sent{m.ID, m.Session, m.Seq, m.State})
			})
		},
	}
}

type messageRow struct{ pars.Message }

// Text is vertex id, author, time and text.
func (m messageRow) Text() string {
	when, text := "-", cli.Escape(m.Content)
	if m.Time != nil {
		when = m.Time.Format("2006-01-02T15:04:05Z")
	}
	if m.Missing != "" {
		text = "[" + m.Missing + "]"
	}
	return attach.Strings(m.ID, m.Author, when, text)
}

func readVerb() *urfave.Command {
	return &urfave.Command{
		Name: "read", Usage: "print the messages of a conversation", ArgsUsage: "SESSION",
		Description: "Everybody reads the messages in the same order. Times are what the authors' clocks said; one more than a " +
			"day ahead is not shown.",
		Flags: attach.Flags(
			&urfave.StringFlag{Name: "since", Usage: "only what arrived here after the entry `ID`"},
			&urfave.BoolFlag{Name: "follow", Usage: "go on with what arrives until stopped"}),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a pars.API) error {
				q := pars.ReadQuery{Session: cli.Args(c)[0], Since: c.String("since"), Follow: c.Bool("follow")}
				return a.Read(c.Context, q, func(m pars.Message) error { return cli.Out(c).Print(messageRow{m}) })
			})
		},
	}
}
