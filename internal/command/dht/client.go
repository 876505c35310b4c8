package dht

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

// seedFlags name whom to ask first.
func seedFlags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{cli.From("nodes to begin with"),
		&urfave.StringSliceFlag{Name: "peer", Usage: "begin with `MULTIADDR`, which ends in /p2p/PEER_ID (repeat for more)"}}, more...)
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

// readSet reads a node set; of one node named twice the later line counts. Lines that are none are told and counted.
func readSet(c *urfave.Context, name string) (set []dht.NodeLine, skipped error, err error) {
	in, err := cli.Input(c, name)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	at := map[string]int{}
	n, err := dht.ReadNodes(in, func(l dht.NodeLine) error {
		if i, ok := at[l.PeerID]; ok {
			set[i] = l
			return nil
		}
		at[l.PeerID] = len(set)
		set = append(set, l)
		return nil
	})
	if n > 0 {
		skipped = fmt.Errorf("%s: %d lines are no nodes and were skipped: %w", name, n, cli.ErrPartial)
	}
	return set, skipped, err
}

// seeds returns the peers of --peer and --from. With none at all the error is wire.ErrNotFound.
func seeds(c *urfave.Context) (list []dht.Peer, skipped, err error) {
	for _, s := range c.StringSlice("peer") {
		p, err := dht.ParsePeer(s)
		if err != nil {
			return nil, nil, cli.Usagef("%v", err)
		}
		list = append(list, p)
	}
	if name := c.String("from"); name != "" {
		set, bad, err := readSet(c, name)
		if err != nil {
			return nil, nil, err
		}
		skipped = bad
		for _, l := range set {
			if p, err := l.Peer(); err == nil && len(p.Addrs) > 0 {
				list = append(list, p)
			}
		}
	}
	if len(list) == 0 {
		err = fmt.Errorf("no node to begin with; name some with --peer or --from: %w", wire.ErrNotFound)
	}
	return list, skipped, err
}

// client is a node of a fresh identity that asks and is not asked.
func client(c *urfave.Context, bare bool, begin []dht.Peer) (n *dht.Node, stop func(), err error) {
	p, err := network(c)
	if err != nil {
		return nil, nil, err
	}
	var seed, secret [32]byte
	rand.Read(seed[:])
	rand.Read(secret[:])
	h, err := link.Host(link.Options{Seed: seed, Limits: link.Dialer, Low: 400, Dial: 5 * time.Second})
	if err != nil {
		return nil, nil, err
	}
	n = &dht.Node{Host: h, NetID: p.NetID(), Chain: p.ChainID, Bare: bare, Secret: secret, Now: time.Now, Rand: rand.Reader,
		Seeds: func() []dht.Peer { return begin }}
	if err := n.Start(); err != nil {
		h.Close()
		return nil, nil, err
	}
	return n, func() { n.Close(); h.Close() }, nil
}

// scout calls nodes under a fresh identity and is called by nobody.
func scout(p *profile.Profile) (s *dht.Scout, stop func(), err error) {
	var seed [32]byte
	rand.Read(seed[:])
	net, err := link.Bare(link.Options{Seed: seed, Dial: 5 * time.Second})
	if err != nil {
		return nil, nil, err
	}
	n := dht.Node{NetID: p.NetID()}
	return &dht.Scout{Net: net, Protocol: n.Protocol()}, func() { net.Close() }, nil
}

// joined runs f on a client that has joined the network through the seeds.
func joined(c *urfave.Context, f func(context.Context, *dht.Node) error) error {
	list, skipped, err := seeds(c)
	if err != nil {
		return err
	}
	n, stop, err := client(c, false, list)
	if err != nil {
		return err
	}
	defer stop()
	if err := n.Join(c.Context); err != nil {
		return err
	}
	return errors.Join(f(c.Context, n), skipped)
}

// recordKey reads 32 or 38 bytes in hex.
func recordKey(s string) (k dht.Key, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return k, false
	}
	if len(b) == len(k) {
		return dht.Key(b), true
	}
	k, err = dht.DecodeKey(b)
	return k, err == nil
}
