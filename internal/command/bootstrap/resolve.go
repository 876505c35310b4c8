package bootstrap

import (
	"errors"
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/road"
)

type peerRow struct {
	Addr    string     `json:"addr"`
	PeerID  string     `json:"peer_id"`
	Road    string     `json:"road"`
	Class   string     `json:"class"`
	Seq     uint64     `json:"list_seq,omitempty"`
	By      string     `json:"verified_by,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
}

// Text is the multiaddr.
func (r peerRow) Text() string { return r.Addr }

func resolveVerb() *urfave.Command {
	return &urfave.Command{
		Name: "resolve", Usage: "find first peers on all roads at once", ArgsUsage: "[NAME]",
		Description: "Prints one multiaddr a line, the best class first; its output feeds pars-dht crawl and sign. Signed is in a list that enough holders signed, or " +
			"below names that DNSSEC secures; a hint is anybody's word. Exit 3 when there is only an expired list or a part of one, 6 when all that was found is " +
			"evidence of tampering. The newest list is kept in the folder cache of the home, and an older one is refused from then on.",
		Flags:  findFlags(&urfave.BoolFlag{Name: "all", Usage: "fetch the whole list, not only the first peers"}),
		Action: resolveAction,
	}
}

func resolveAction(c *urfave.Context) error {
	s, memory, err := setup(c)
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := race(c, s, memory)
	if err != nil {
		return err
	}
	r.All = c.Bool("all")
	res, err := r.Run(c.Context)
	if res == nil {
		return err
	}
	for _, a := range res.Alarms {
		cli.Warnf(c, "%s", a)
	}
	if res.Clock {
		cli.Warnf(c, "the clock of this machine seems wrong")
	}
	if res.Memory != nil {
		cli.Warnf(c, "what was found is not remembered: %v", res.Memory)
	}
	for _, p := range res.Peers {
		for _, a := range p.Addrs {
			row := peerRow{Addr: a, PeerID: p.ID, Road: p.Road, Class: string(p.Class), Seq: p.Seq, By: p.By}
			if !p.Until.IsZero() {
				until := p.Until.Truncate(time.Second).UTC()
				row.Expires = &until
			}
			if perr := cli.Out(c).Print(row); perr != nil {
				return perr
			}
		}
	}
	for _, rep := range res.Reports {
		cli.Verbosef(c, "%s", strings.ReplaceAll(rowOfReport(rep).Text(), "\t", "  "))
	}
	return errors.Join(err, partial(res, r.All))
}

// partial says what is missing of a good answer.
func partial(res *bootstrap.Result, all bool) error {
	signed := 0
	for _, p := range res.Peers {
		switch p.Class {
		case bootstrap.Stale:
			return fmt.Errorf("only an old list was found: %w", cli.ErrPartial)
		case bootstrap.Signed:
			signed++
		}
	}
	if all && res.Root != nil && signed < res.Root.Peers {
		return fmt.Errorf("%d of %d peers of the list were found: %w", signed, res.Root.Peers, cli.ErrPartial)
	}
	return nil
}

type reportRow struct {
	bootstrap.Report
	MS float64 `json:"ms"`
}

func rowOfReport(r bootstrap.Report) reportRow {
	return reportRow{r, float64(r.Took.Microseconds()) / 1000}
}

// Text is road, result, time and reason.
func (r reportRow) Text() string {
	name := r.Road
	if r.Transport != "" {
		name += " " + r.Transport
	}
	why := r.Reason
	if r.Server != "" {
		why = r.Server + ": " + why
	}
	return fmt.Sprintf("%s\t%s\t%.0f ms\t%s", name, r.Result, r.MS, cli.Escape(why))
}

func explainVerb() *urfave.Command {
	return &urfave.Command{
		Name: "explain", Usage: "try every road to its end and say what became of it", ArgsUsage: "[NAME]",
		Description: "One line a road, in words that can be sent to a friend: there is no address of a contact in it.",
		Flags:       findFlags(),
		Action: func(c *urfave.Context) error {
			s, memory, err := setup(c)
			if err != nil {
				return err
			}
			defer s.Close()
			r, err := race(c, s, memory)
			if err != nil {
				return err
			}
			r.Every = true
			res, err := r.Run(c.Context)
			if res == nil {
				return err
			}
			for _, rep := range res.Reports {
				if perr := cli.Out(c).Print(rowOfReport(rep)); perr != nil {
					return perr
				}
			}
			for _, a := range res.Alarms {
				cli.Warnf(c, "%s", a)
			}
			return err
		},
	}
}

type trialRow struct {
	bootstrap.Trial
	MS float64 `json:"ms"`
}

// Text is test, result, time and detail.
func (r trialRow) Text() string {
	return fmt.Sprintf("%s\t%s\t%.0f ms\t%s", r.Test, r.Result, r.MS, r.Detail)
}

type stateRow struct {
	State string `json:"state"`
	About string `json:"about"`
}

// Text is the state and what it means.
func (r stateRow) Text() string { return r.State + "\t" + r.About }

func probeVerb() *urfave.Command {
	return &urfave.Command{
		Name: "probe", Usage: "tell which network this is, from nothing to the free Internet",
		Description: "S0 nothing, S1 an island, S2 the national network alone, S3 and names of the world, S4 a filtered Internet, S5 a free one. Asks for one name that " +
			"cannot exist, and greets a few peers: neighbours, and those of the list that is held, compiled in or in --file, at home and abroad. A page, an accepted " +
			"connection or an unsigned answer proves nothing. S5 takes two hosts abroad that answer by TCP and by QUIC, and that no road fails where another passes; " +
			"a proxy carries no QUIC, so S4 is the most that is told through one.",
		Flags: findFlags(&urfave.StringSliceFlag{Name: "canary", Usage: "also ask for `NAME`, which a censor may note (repeat for more)"}),
		Action: func(c *urfave.Context) error {
			s, memory, err := setup(c)
			if err != nil {
				return err
			}
			defer s.Close()
			var m road.Machine
			p := &bootstrap.Probe{Setup: s, Linked: linked(s.Profile), Canary: c.StringSlice("canary")}
			if err := greeter(c, s, memory, p); err != nil {
				return err
			}
			trials, err := p.Run(c.Context, &m)
			if err != nil {
				return err
			}
			for _, t := range trials {
				if err := cli.Out(c).Print(trialRow{t, float64(t.Took.Microseconds()) / 1000}); err != nil {
					return err
				}
			}
			return tellState(c, m.State(time.Now()), p.Linked)
		},
	}
}

func tellState(c *urfave.Context, s road.State, linked bool) error {
	about := map[road.State]string{road.S0: "nobody can be reached", road.S1: "an island", road.S2: "the national network alone",
		road.S3: "names of the world, and nobody of it yet", road.S4: "hosts abroad answer, and not on every road", road.S5: "the free Internet"}[s]
	if s == road.S0 && linked {
		return fmt.Errorf("there is a network, and nothing on it that can be proven: %w", cli.ErrTimeout)
	}
	return cli.Out(c).Print(stateRow{s.String(), about})
}
