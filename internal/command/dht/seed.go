package dht

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	tableEvery   = time.Minute
	provideEvery = 12 * time.Hour
)

func seedVerb() *urfave.Command {
	return &urfave.Command{
		Name: "seed", Usage: "serve the table until stopped, as a first node for others",
		Description: "Holds no data of a user: its key and its table stand in the folder cache of the home, the table is written each minute and asked anew " +
			"at the next start. Prints one line when it is ready, then one a minute.",
		Flags: seedFlags(&urfave.StringSliceFlag{Name: "listen", Usage: "listen at `MULTIADDR`, such as /ip4/0.0.0.0/tcp/4001 (repeat for more)"},
			&urfave.BoolFlag{Name: "print-unit", Usage: "print a systemd user unit that starts this line at each login, and end"}),
		Action: seedAction,
	}
}

type readyRow struct {
	Type   string   `json:"type"`
	PeerID string   `json:"peer_id"`
	Addrs  []string `json:"addrs"`
}

// Text is the line that says that the seeder answers.
func (r readyRow) Text() string {
	return strings.Join(append([]string{"ready", r.PeerID}, r.Addrs...), " ")
}

type minuteRow struct {
	Type    string  `json:"type"`
	Peers   int     `json:"peers"`
	RPCs    float64 `json:"rpcs_s"`
	Records int     `json:"records"`
	Bytes   int     `json:"bytes"`
}

// Text is what the seeder did in a minute.
func (r minuteRow) Text() string {
	return fmt.Sprintf("minute\t%d peers\t%.1f requests/s\t%d records\t%d bytes", r.Peers, r.RPCs, r.Records, r.Bytes)
}

type unitRow struct {
	Unit string `json:"unit"`
}

// Text is the unit itself.
func (r unitRow) Text() string { return strings.TrimSuffix(r.Unit, "\n") }

// printUnit prints the service that runs the seeder with the flags of this call.
func printUnit(c *urfave.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	home, err := cli.Home(c)
	if err == nil {
		home, err = filepath.Abs(home)
	}
	if err != nil {
		return err
	}
	u := cli.Unit{Name: "pars-seeder", Description: "pars seeder of " + home, Exec: []string{self, "seed", "--home", home}, Writes: home}
	for _, name := range []string{"profile", "from"} {
		if c.IsSet(name) {
			u.Exec = append(u.Exec, "--"+name, c.String(name))
		}
	}
	for _, l := range c.StringSlice("listen") {
		u.Exec = append(u.Exec, "--listen", l)
	}
	if c.Bool("force") {
		u.Exec = append(u.Exec, "--force")
	}
	s, _ := u.Service("linux", 0)
	return cli.Out(c).Print(unitRow{s.Text})
}

func seedAction(c *urfave.Context) error {
	if c.Bool("print-unit") {
		return printUnit(c)
	}
	p, err := network(c)
	if err != nil {
		return err
	}
	listen := c.StringSlice("listen")
	if err := link.CheckAddrs(listen, c.StringSlice("peer")); err != nil {
		return cli.Usagef("seed: %v", err)
	}
	home, err := cli.Home(c)
	if err != nil {
		return err
	}
	cache := filepath.Join(home, "cache")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return err
	}
	key, err := nodeKey(filepath.Join(cache, "dht.key"))
	if err != nil {
		return err
	}
	begin, skipped, err := seeds(c)
	if err != nil && !errors.Is(err, wire.ErrNotFound) { // the first seeder of a network knows nobody
		return err
	}
	table := filepath.Join(cache, "dht-table-"+p.NetID8()+".jsonl")
	begin = append(begin, readTable(c, table)...)
	if len(listen) == 0 {
		listen = []string{"/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001"}
	}
	h, err := link.Host(link.Options{Seed: key, Listen: listen, Limits: link.Machine, Low: 400, Dial: 5 * time.Second})
	if err != nil {
		return err
	}
	defer h.Close()
	n := &dht.Node{Host: h, NetID: p.NetID(), Chain: p.ChainID, Server: true, Now: time.Now, Rand: rand.Reader, Seeds: func() []dht.Peer { return begin }}
	if err := n.Start(); err != nil {
		return err
	}
	defer n.Close()
	if len(begin) > 0 {
		if err := n.Join(c.Context); err != nil {
			cli.Warnf(c, "%v", err)
		}
	}
	cards := &dht.Services{Host: h, NetID: p.NetID(), Now: time.Now}
	if err := errors.Join(cards.Start(), cards.Serve("seeder", dht.Plain)); err != nil {
		return err
	}
	defer cards.Close()
	if err := cli.Out(c).Print(readyRow{"ready", n.PeerID(), n.Self().AddrNames()}); err != nil {
		return err
	}
	return errors.Join(serve(c, n, table, p.NetID8()), skipped)
}

// serve writes the table each minute and at the end, and tells others of the seeder twice a day. To be stopped is
// its normal end.
func serve(c *urfave.Context, n *dht.Node, table, net string) error {
	tick := time.NewTicker(tableEvery)
	defer tick.Stop()
	provided, before := provide(c.Context, n), 0
	for {
		select {
		case <-c.Context.Done():
			return writeTable(n, table, net)
		case <-tick.C:
		}
		if err := writeTable(n, table, net); err != nil {
			return err
		}
		s := n.Stats()
		row := minuteRow{"minute", s.Peers, float64(s.Served-before) / tableEvery.Seconds(), s.Records, s.Records * dht.RecordSize}
		if err := cli.Out(c).Print(row); err != nil {
			return err
		}
		if before = s.Served; time.Since(provided) > provideEvery {
			provided = provide(c.Context, n)
		}
	}
}

// provide returns when it was done; a failure is tried again with the next minute.
func provide(ctx context.Context, n *dht.Node) time.Time {
	if n.Known() == 0 {
		return time.Time{}
	}
	if _, err := n.Provide(ctx, "seeder"); err != nil {
		return time.Time{}
	}
	return time.Now()
}

// nodeKey reads the 32 bytes of the seeder's key, or makes them.
func nodeKey(name string) (key [32]byte, err error) {
	b, err := os.ReadFile(name)
	if err == nil && len(b) == len(key) {
		return [32]byte(b), nil
	}
	if err == nil {
		return key, fmt.Errorf("%s: %w", name, wire.Invalid("key of %d bytes", len(b)))
	}
	if !errors.Is(err, os.ErrNotExist) {
		return key, err
	}
	rand.Read(key[:])
	return key, replace(name, key[:])
}

func readTable(c *urfave.Context, name string) (out []dht.Peer) {
	set, _, err := readSet(c, name)
	if err != nil {
		return nil // the first start
	}
	for _, l := range set {
		if p, err := l.Peer(); err == nil {
			p.Class = dht.Table
			out = append(out, p)
		}
	}
	return out
}

func writeTable(n *dht.Node, name, net string) error {
	var b []byte
	for _, p := range n.Table() {
		now := time.Now().UTC()
		line, err := json.Marshal(dht.NodeLine{PeerID: dht.PeerName(p.ID), NodeID: dht.NodeID(p.ID).String(), Addrs: p.AddrNames(), Reachable: true, First: now, Last: now, OKCount: 1, Net: net})
		if err != nil {
			return err
		}
		b = append(append(b, line...), '\n')
	}
	if len(b) == 0 {
		return nil // an empty table is no reason to forget whom one knew
	}
	return replace(name, b)
}

// replace writes a file that is whole or the old one.
func replace(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
