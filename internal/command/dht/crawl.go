package dht

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/dht"
)

func crawlVerb() *urfave.Command {
	return &urfave.Command{
		Name: "crawl", Usage: "ask every node whom it knows, and print all",
		Description: "With --resume each answer, and each node that was named, is kept in a file and on the disk within a second; the same command " +
			"again asks the rest. The output feeds crawl, seed, audit and diff.",
		Flags: seedFlags(
			&urfave.StringFlag{Name: "resume", Usage: "keep what was found in `FILE`, and go on from it"},
			&urfave.BoolFlag{Name: "neighbours", Usage: "print whom each node named, too"},
			&urfave.IntFlag{Name: "limit", Usage: "ask at most `N` nodes"},
			&urfave.IntFlag{Name: "workers", Value: 64, Usage: "ask `N` nodes at a time"}),
		Action: crawlAction,
	}
}

func crawlAction(c *urfave.Context) error {
	if c.Int("workers") < 1 || c.Int("workers") > 10_000 || c.Int("limit") < 0 {
		return cli.Usagef("--workers is 1 to 10000, --limit at least 1")
	}
	p, err := network(c)
	if err != nil {
		return err
	}
	book, done, begin, err := openBook(c)
	if err != nil {
		return err
	}
	named, skipped, err := seeds(c)
	if err != nil && len(begin) == 0 {
		return errors.Join(err, book.close())
	}
	scout, stop, err := scout(p)
	if err != nil {
		return errors.Join(err, book.close())
	}
	defer stop()
	meter := cli.Progress(c)
	found := 0
	crawl := &dht.Crawl{Caller: scout, Who: true, Workers: c.Int("workers"), Limit: c.Int("limit"), Neighbours: c.Bool("neighbours"), Net: p.NetID8(), Now: time.Now, Done: done,
		Heard:    func(l dht.NodeLine) error { return book.add(l) },
		Progress: func(asked, known int) { meter.Set("%d asked, %d known, %d answer", asked, known, found) },
		Emit: func(l dht.NodeLine) error {
			if l.Reachable {
				found++
			}
			return errors.Join(book.add(l), cli.Out(c).Print(l))
		}}
	_, err = crawl.Run(c.Context, append(begin, named...))
	meter.Done()
	return errors.Join(err, skipped, book.close())
}

// book is the file of --resume. The zero value keeps nothing.
type book struct {
	f      *os.File
	synced time.Time
}

// openBook reads what an earlier run kept: who is done, and who is known.
func openBook(c *urfave.Context) (b *book, done map[dht.PeerID]bool, begin []dht.Peer, err error) {
	b = &book{}
	name := c.String("resume")
	if name == "" {
		return b, nil, nil, nil
	}
	done = map[dht.PeerID]bool{}
	if _, err := os.Stat(name); err == nil {
		set, bad, err := readSet(c, name)
		if err != nil {
			return nil, nil, nil, err
		}
		if bad != nil {
			cli.Warnf(c, "%v", bad) // the last line of a run that was cut off
		}
		for _, l := range set {
			p, err := l.Peer()
			if err != nil {
				return nil, nil, nil, err
			}
			done[p.ID] = l.Reachable || l.Error == "wrong-net"
			begin = append(begin, p)
		}
	}
	b.f, err = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, nil, err
	}
	return b, done, begin, b.mend()
}

// mend ends a last line that was cut off, so that the next one stands alone.
func (b *book) mend() error {
	info, err := b.f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := []byte{0}
	if _, err := b.f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = b.f.Write([]byte{'\n'})
	return err
}

func (b *book) add(l dht.NodeLine) error {
	if b.f == nil {
		return nil
	}
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err := b.f.Write(append(line, '\n')); err != nil {
		return err
	}
	if now := time.Now(); now.Sub(b.synced) >= time.Second {
		b.synced = now
		return b.f.Sync()
	}
	return nil
}

func (b *book) close() error {
	if b.f == nil {
		return nil
	}
	return errors.Join(b.f.Sync(), b.f.Close())
}

type hopRow struct{ dht.Hop }

// Text is hop, peer, shared bits, time and event.
func (h hopRow) Text() string {
	return fmt.Sprintf("%d\t%s\t%d\t%.1f ms\t%s\t%s", h.Hop.Hop, h.PeerID, h.Distance, h.RTT, h.Event, cli.Escape(h.Error))
}

func traceVerb() *urfave.Command {
	return &urfave.Command{
		Name: "trace", Usage: "print each step of a look-up, or of a recorded one", ArgsUsage: "[KEY|PEER_ID]",
		Description: "A trace of --json is played again by --replay on the same core without a network, and gives the same lines. A file that was cut " +
			"off plays to its end, exit 3.",
		Flags:  seedFlags(&urfave.StringFlag{Name: "replay", Usage: "play the trace in `FILE|-` again"}),
		Action: traceAction,
	}
}

func traceAction(c *urfave.Context) error {
	out := cli.Out(c)
	var printed error
	emit := func(h dht.Hop) { printed = errors.Join(printed, out.Print(hopRow{h})) }
	if name := c.String("replay"); name != "" {
		in, err := cli.Input(c, name)
		if err != nil {
			return err
		}
		defer in.Close()
		err = dht.Replay(in, dht.PeerName, dht.ParsePeerID, emit)
		if errors.Is(err, dht.ErrCut) {
			err = errors.Join(err, cli.ErrPartial)
		}
		return errors.Join(err, printed)
	}
	if len(cli.Args(c)) != 1 {
		return cli.Usagef("a KEY, a PEER_ID or --replay FILE is needed")
	}
	arg := cli.Args(c)[0]
	if key, ok := recordKey(arg); ok {
		return joined(c, func(ctx context.Context, n *dht.Node) error {
			_, err := n.GetRecord(ctx, key, emit)
			return errors.Join(err, printed)
		})
	}
	key, _, err := place(arg)
	if err != nil {
		return err
	}
	return joined(c, func(ctx context.Context, n *dht.Node) error {
		_, _, err := n.FindNearest(ctx, key, emit)
		return errors.Join(err, printed)
	})
}

type findingRow struct{ dht.Finding }

func tell(c *urfave.Context, list []dht.Finding, skipped error) error {
	alarms := 0
	for _, f := range list {
		if f.Alarm {
			alarms++
		}
		if err := cli.Out(c).Print(findingRow{f}); err != nil {
			return err
		}
	}
	if alarms > 0 {
		return errors.Join(fmt.Errorf("%d findings are an alarm: %w", alarms, cli.ErrPartial), skipped)
	}
	return skipped
}

func auditVerb() *urfave.Command {
	return &urfave.Command{
		Name: "audit", Usage: "look at a crawl for what an attacker leaves in it", ArgsUsage: "[KEY]",
		Description: "Tells whether more nodes crowd around a key, or anywhere, than chance puts there; how much of the network is in one place; how much " +
			"of it is gone; and with --neighbours in the crawl, who names only nodes that nobody else does. Exit 3 on an alarm.",
		Flags: []urfave.Flag{cli.From("the nodes of a crawl")},
		Action: func(c *urfave.Context) error {
			var at *dht.ID
			if len(cli.Args(c)) == 1 {
				if key, ok := recordKey(cli.Args(c)[0]); ok {
					id := key.ID()
					at = &id
				} else if _, id, err := place(cli.Args(c)[0]); err != nil {
					return err
				} else {
					at = &id
				}
			}
			if c.String("from") == "" {
				return cli.Usagef("--from FILE|- is needed")
			}
			set, skipped, err := readSet(c, c.String("from"))
			if err != nil {
				return err
			}
			return tell(c, dht.Audit(set, at), skipped)
		},
	}
}

func diffVerb() *urfave.Command {
	return &urfave.Command{
		Name: "diff", Usage: "tell who joined, left and moved between two crawls", ArgsUsage: "OLD NEW",
		Description: "Exit 3 when another identity stands behind an address that was somebody else's.",
		Action: func(c *urfave.Context) error {
			old, bad, err := readSet(c, cli.Args(c)[0])
			if err != nil {
				return err
			}
			fresh, worse, err := readSet(c, cli.Args(c)[1])
			if err != nil {
				return err
			}
			return tell(c, dht.Compare(old, fresh), errors.Join(bad, worse))
		},
	}
}
