package gossip

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/dht"
)

const (
	provideEvery = 12 * time.Hour
	provideRetry = 15 * time.Second
)

// serveTable makes the relay a server of the hash table, in which it says what it serves as: so others find it. It ends
// with the node.
func (x *relay) serveTable(roles ...dht.Role) error {
	var seeds []dht.Peer
	for _, s := range x.c.StringSlice("peer") {
		if p, err := dht.ParsePeer(s); err == nil {
			seeds = append(seeds, p)
		}
	}
	d := &dht.Node{Host: x.Host, NetID: x.net.NetID(), Chain: x.net.ChainID, Server: true, Now: time.Now, Rand: rand.Reader,
		Seeds: func() []dht.Peer { return seeds }}
	if err := d.Start(); err != nil {
		return err
	}
	cards := &dht.Services{Host: x.Host, NetID: d.NetID, Now: time.Now}
	if err := cards.Start(); err != nil {
		return errors.Join(err, d.Close())
	}
	for _, r := range roles {
		if err := cards.Serve(r, dht.Plain); err != nil {
			return errors.Join(err, cards.Close(), d.Close())
		}
	}
	ctx, stop := context.WithCancel(x.c.Context)
	var wg sync.WaitGroup
	wg.Go(func() { x.provide(ctx, d, roles) })
	x.ends = append(x.ends, func() error {
		stop()
		wg.Wait()
		return errors.Join(cards.Close(), d.Close())
	})
	return nil
}

// provide says the roles twice a day, and soon again while nobody took them.
func (x *relay) provide(ctx context.Context, d *dht.Node, roles []dht.Role) {
	for {
		wait := provideRetry
		if err := d.Join(ctx); err == nil || d.Known() > 0 {
			wait = provideEvery
			for _, r := range roles {
				if n, err := d.Provide(ctx, r); n == 0 && ctx.Err() == nil {
					cli.Verbosef(x.c, "role %s: taken by nobody: %v", r, err)
					wait = provideRetry
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
