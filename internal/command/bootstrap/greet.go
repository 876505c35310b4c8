package bootstrap

import (
	"context"
	"slices"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/pkg/bootstrap"
)

const listenFor = 2 * time.Second // to neighbours, before a probe

// greeter gives a probe the peers that are known without asking anybody far away.
func greeter(c *urfave.Context, s *bootstrap.Setup, memory folder, p *bootstrap.Probe) error {
	if c.Bool("covert-only") {
		return nil // greetings are plain
	}
	r, err := race(c, s, memory)
	if err != nil {
		return err
	}
	r.Roads = slices.DeleteFunc(r.Roads, func(x bootstrap.Road) bool {
		return !slices.Contains([]string{"builtin", "file", "cache", "lan", "dht"}, x.Name)
	})
	r.Every = true
	ctx, cancel := context.WithTimeout(c.Context, listenFor)
	defer cancel()
	if res, err := r.Run(ctx); res != nil {
		p.Peers = res.Peers
	} else if err != nil {
		return err
	}
	if p.Over = []string{"tcp"}; s.Dialer == nil { // a proxy carries no QUIC
		p.Over = append(p.Over, "quic")
	}
	p.Dial = func(ctx context.Context, addr string) error { return bootstrap.Greet(ctx, s.Dialer, addr) }
	return nil
}
