package node

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/version"
	"github.com/pars-network/pars/pkg/link"
	pars "github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/resource"
	"github.com/pars-network/pars/pkg/store"
)

type ready struct {
	Type    string   `json:"type"`
	Account string   `json:"account"`
	PeerID  string   `json:"peer_id"`
	Addrs   []string `json:"addrs"`
	Home    string   `json:"home"`
	PID     int      `json:"pid"`
}

// Text is the line that says that the node answers.
func (r ready) Text() string {
	return strings.Join(append([]string{"ready", r.PeerID}, r.Addrs...), " ")
}

type event struct{ pars.Event }

// Text is type, peer and road, or the mode and why.
func (e event) Text() string {
	if e.Type == "mode" {
		return attach.Strings(e.Type, e.Mode, e.Why)
	}
	return attach.Strings(e.Type, e.PeerID, e.Road)
}

func runVerb() *urfave.Command {
	return &urfave.Command{
		Name: "run", Usage: "run the node until it is stopped",
		Description: "Makes the home when there is none. Prints one line when it is ready; with --events one line more for " +
			"each thing that happens. It finds other nodes on the local network and members of its sessions through the hash " +
			"table, comes back to those it was level with, and stays connected to those named by --peer, a seeder for one.",
		Flags: attach.Flags(append(chainFlags(),
			&urfave.StringSliceFlag{Name: "listen", Usage: "listen at `MULTIADDR`, such as /ip4/0.0.0.0/tcp/4001 (repeat for more)"},
			&urfave.StringSliceFlag{Name: "peer", Usage: "stay connected to `MULTIADDR`, which ends in /p2p/PEER_ID (repeat for more)"},
			&urfave.BoolFlag{Name: "no-mdns", Usage: "neither announce on nor look around the local network"},
			&urfave.BoolFlag{Name: "no-dht", Usage: "neither tell members where this node is nor look for them in the hash table"},
			&urfave.BoolFlag{Name: "no-resolve", Usage: "do not look for first peers by the names and lists of the profile"},
			&urfave.StringSliceFlag{Name: "list", Usage: "take first peers from the list, card or rotation in `FILE`, bytes or text (repeat for more)"},
			&urfave.BoolFlag{Name: "no-mail", Usage: "neither pass on nor keep nor leave sealed envelopes"},
			&urfave.BoolFlag{Name: "offline", Usage: "no network at all: serve local programs only"},
			&urfave.BoolFlag{Name: "metered", Usage: "the network costs by the byte: few peers, nothing for strangers"},
			&urfave.StringFlag{Name: "budget", Usage: "use at most `SIZE` of the network, such as 200MB/month or 200kB/h, but for what a person sends"},
			&urfave.Float64Flag{Name: "max-mbps", Usage: "exchange messages at no more than `N` megabits a second", DefaultText: "no limit"},
			&urfave.StringFlag{Name: "metrics", Usage: "serve Prometheus metrics at `ADDR`, such as 127.0.0.1:9464"},
			&urfave.BoolFlag{Name: "events", Usage: "print what happens, one line each"})...),
		Action: runAction,
	}
}

func runAction(c *urfave.Context) error {
	cfg, err := attach.Config(c)
	if err != nil {
		return err
	}
	budget, err := use(c)
	if err != nil {
		return err
	}
	if err := link.CheckAddrs(c.StringSlice("listen"), c.StringSlice("peer")); err != nil {
		return cli.Usagef("run: %v", err)
	}
	chain, err := chainOf(c, cfg.Profile)
	if err != nil {
		return err
	}
	had := pars.HasHome(cfg.Dir)
	h, err := attach.Open(c, cfg, func(cfg pars.HomeConfig) (*pars.Home, error) { return pars.OpenHome(cfg, true) })
	if errors.Is(err, store.ErrBusy) && pars.Running(c.Context, cfg.Dir) {
		return fmt.Errorf("a node runs on %s already: see pars-node status, or name another home with --home: %w", cfg.Dir, err)
	}
	if err != nil {
		return err
	}
	if !had {
		attach.Made(c, cfg)
	}
	out := &locked{p: cli.Out(c)}
	n := &pars.Node{Home: h, Profile: cfg.Profile, Listen: c.StringSlice("listen"), Peers: c.StringSlice("peer"),
		NoMDNS: c.Bool("no-mdns"), NoDHT: c.Bool("no-dht"), NoMail: c.Bool("no-mail"), NoResolve: c.Bool("no-resolve"), Offline: c.Bool("offline"), Metered: c.Bool("metered"), Metrics: c.String("metrics"), Log: cfg.Log,
		Budget: budget, MaxMbps: c.Float64("max-mbps"), Bus: resource.BusAddress(os.Getenv), Built: version.Built(), Lists: c.StringSlice("list"), Chain: chain}
	if c.Bool("events") {
		n.Events = func(e pars.Event) { out.print(event{e}) }
	}
	if err := n.Start(c.Context); err != nil {
		h.Close()
		if errors.Is(err, pars.ErrGateway) {
			return cli.Usagef("run: --gateway: %v", err)
		}
		return err
	}
	defer n.Close()
	id, err := h.Identity()
	if err != nil {
		return err
	}
	out.open(ready{"ready", id.Account, id.PeerID, n.Addrs(), cfg.Dir, os.Getpid()})
	select {
	case <-c.Context.Done():
	case <-n.Done():
	}
	return n.Close()
}

// use reads what the node may use of the network.
func use(c *urfave.Context) (b resource.Budget, err error) {
	if m := c.Float64("max-mbps"); m < 0 {
		return b, cli.Usagef("run: --max-mbps is negative")
	}
	if s := c.String("budget"); s != "" {
		if b, err = resource.ParseBudget(s); err != nil {
			return b, cli.Usagef("run: --budget: %v", err)
		}
	}
	return b, nil
}

// locked prints records of several goroutines, the first one first.
type locked struct {
	mu     sync.Mutex // guards below
	p      *cli.Printer
	opened bool
	early  []cli.Record
}

func (l *locked) open(r cli.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = true
	for _, e := range append([]cli.Record{r}, l.early...) {
		l.p.Print(e)
	}
}

func (l *locked) print(r cli.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.opened {
		l.early = append(l.early, r)
		return
	}
	l.p.Print(r)
}
