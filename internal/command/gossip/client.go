package gossip

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	patience = 30 * time.Second // for a peer, where --timeout says nothing
	dialTime = 10 * time.Second
)

// netFlags are those of every verb that joins the network.
func netFlags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{cli.From("nodes to begin with"),
		&urfave.StringSliceFlag{Name: "peer", Usage: "begin with `MULTIADDR`, which ends in /p2p/PEER_ID (repeat for more)"},
		&urfave.StringSliceFlag{Name: "listen", Usage: "be reachable at `MULTIADDR`, such as /ip4/0.0.0.0/tcp/4001 (repeat for more)"},
		&urfave.StringFlag{Name: "budget", Usage: "send at most `SIZE/h`, /day or /month", DefaultText: "no limit"},
		&urfave.Float64Flag{Name: "max-mbps", Usage: "pass on at most `N` megabits a second", DefaultText: "no limit"},
		&urfave.StringFlag{Name: "metrics", Usage: "serve the counters for Prometheus at `ADDR`, such as 127.0.0.1:9100"},
		&urfave.BoolFlag{Name: "quiet", DisableDefaultText: true, Usage: "wait up to 30 s before sending, so that neighbours cannot tell where a message began"},
	}, more...)
}

func network(c *urfave.Context) (*profile.Profile, error) {
	p, err := profile.Load(cli.Profile(c), os.ReadFile)
	if errors.Is(err, profile.ErrUnknown) {
		return nil, cli.Usagef("%v", err)
	}
	if err != nil {
		return nil, err
	}
	return p, p.RequireNetwork()
}

func cut(p *profile.Profile) gossip.Cut { return gossip.Cut{NetID8: p.NetID8(), Bits: p.ShardBits} }

func rules(p *profile.Profile) gossip.Rules {
	return gossip.Rules{NetID: p.NetID(), Genesis: int64(p.Network.GenesisTime), StampBits: int(p.StampBits)}
}

// begin returns the addresses of --peer and --from; skipped tells of lines that name nobody.
func begin(c *urfave.Context) (addrs []string, skipped, err error) {
	addrs = c.StringSlice("peer")
	name := c.String("from")
	if name == "" {
		return addrs, nil, nil
	}
	in, err := cli.Input(c, name)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	bad := 0
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line := strings.TrimSpace(scan.Text())
		list := named(line)
		if line != "" && len(list) == 0 {
			bad++
		}
		addrs = append(addrs, list...)
	}
	if bad > 0 {
		skipped = fmt.Errorf("%s: %d lines name no peer and were skipped: %w", name, bad, cli.ErrPartial)
	}
	return addrs, skipped, scan.Err()
}

// named returns the addresses in a line: columns of text, or the fields addr and addrs with peer_id.
func named(line string) (out []string) {
	if strings.HasPrefix(line, "{") {
		var l struct {
			Addr   string   `json:"addr"`
			Addrs  []string `json:"addrs"`
			PeerID string   `json:"peer_id"`
		}
		if json.Unmarshal([]byte(line), &l) != nil {
			return nil
		}
		for _, a := range append(l.Addrs, l.Addr) {
			if a != "" && !strings.Contains(a, "/p2p/") && l.PeerID != "" {
				a += "/p2p/" + l.PeerID
			}
			out = append(out, a)
		}
	} else {
		out = strings.Fields(line)
	}
	kept := out[:0]
	for _, a := range out {
		if strings.HasPrefix(a, "/") && strings.Contains(a, "/p2p/") {
			kept = append(kept, a)
		}
	}
	return kept
}

// running is a started node and what ends with it.
type running struct {
	*gossip.Node
	net    *profile.Profile
	served string // where the counters are
	peers  []gossip.PeerID
	ends   []func() error
}

// close ends everything, the last thing first.
func (r *running) close() error {
	var err error
	for i := len(r.ends) - 1; i >= 0; i-- {
		err = errors.Join(err, r.ends[i]())
	}
	return err
}

// join starts a node with the key of seed, after set has changed it, and dials whom the flags name. Without a peer
// and without --listen there is nobody to hear: wire.ErrNotFound.
func join(c *urfave.Context, seed [32]byte, listen []string, set func(*gossip.Node) error) (r *running, skipped error, err error) {
	if err := link.CheckAddrs(listen, c.StringSlice("peer")); err != nil {
		return nil, nil, cli.Usagef("%v", err)
	}
	p, err := network(c)
	if err != nil {
		return nil, nil, err
	}
	addrs, skipped, err := begin(c)
	if err != nil {
		return nil, nil, err
	}
	if len(addrs) == 0 && len(listen) == 0 {
		return nil, nil, fmt.Errorf("no node to begin with; name some with --peer or --from: %w", wire.ErrNotFound)
	}
	h, err := link.Host(link.Options{Seed: seed, Listen: listen, Limits: link.Machine, Low: 200})
	if err != nil {
		return nil, nil, err
	}
	r = &running{net: p, ends: []func() error{h.Close}}
	r.Node = &gossip.Node{Host: h, Rules: rules(p), Cut: cut(p), Now: time.Now, Rand: rand.Reader, Quiet: c.Bool("quiet"), LineRate: c.Float64("max-mbps") * 1e6 / 8}
	rand.Read(r.Secret[:])
	if err := r.start(c, set); err != nil {
		return nil, nil, errors.Join(err, r.close())
	}
	if err := r.dial(c, addrs); err != nil && len(listen) == 0 {
		return nil, nil, errors.Join(err, r.close())
	}
	return r, skipped, nil
}

func (r *running) start(c *urfave.Context, set func(*gossip.Node) error) error {
	mode := gossip.Normal()
	if s := c.String("budget"); s != "" {
		n, err := rate(s)
		if err != nil {
			return err
		}
		mode.BytesPerHour = n
	}
	if set != nil {
		if err := set(r.Node); err != nil {
			return err
		}
	}
	if err := r.Start(c.Context); err != nil {
		return err
	}
	r.ends = append(r.ends, r.Close)
	r.SetMode(mode)
	return r.metrics(c)
}

// dial connects to all at once. One that answers is enough.
func (r *running) dial(c *urfave.Context, addrs []string) error {
	type result struct {
		id  gossip.PeerID
		err error
	}
	ctx, cancel := context.WithTimeout(c.Context, dialTime)
	defer cancel()
	got := make(chan result, len(addrs))
	for _, a := range addrs {
		go func() {
			id, err := r.Connect(ctx, a)
			got <- result{id, err}
		}()
	}
	var errs error
	for range addrs {
		x := <-got
		if x.err != nil {
			errs = errors.Join(errs, x.err)
			continue
		}
		r.peers = append(r.peers, x.id)
	}
	for _, e := range []error{errs} {
		if e != nil {
			cli.Verbosef(c, "%v", e)
		}
	}
	if len(r.peers) == 0 && len(addrs) > 0 {
		if errors.Is(errs, wire.ErrInvalid) {
			return cli.Usagef("%v", errs)
		}
		return fmt.Errorf("no node answers: %w", errors.Join(errs, context.DeadlineExceeded))
	}
	return nil
}

// fresh is a key for one run.
func fresh() (seed [32]byte) {
	rand.Read(seed[:])
	return seed
}
