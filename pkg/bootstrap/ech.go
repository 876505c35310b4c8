package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/wire"
)

// HideNames finds the keys with which the names of servers that want it travel encrypted (RFC 9848): in their HTTPS records,
// which must be SECURE by one of the other servers. A key that cannot be had is an error: the name is not sent in the clear.
func HideNames(ctx context.Context, servers []exchange.Server, anchors []dnssec.DS, d exchange.Dialer, now func() time.Time) error {
	for i := range servers {
		if s := &servers[i]; s.HideName && len(s.ECH) == 0 {
			key, err := echOf(ctx, s.SNI, servers, anchors, d, now)
			if err != nil {
				return err
			}
			s.ECH = key
		}
	}
	return nil
}

func echOf(ctx context.Context, name string, servers []exchange.Server, anchors []dnssec.DS, d exchange.Dialer, now func() time.Time) ([]byte, error) {
	why := "no other server to ask"
	for _, s := range servers {
		if s.HideName {
			continue
		}
		c := exchange.New(s, d)
		a, err := (&dnssec.Resolver{Server: c, Anchors: anchors, Now: now}).Lookup(ctx, name, dnssec.TypeHTTPS)
		c.Close()
		if err != nil {
			return nil, err
		}
		if key := a.ECH(); key != nil {
			return key, nil
		}
		if why = a.Verdict.String() + " " + a.Why; a.Verdict == dnssec.Secure {
			why = "its HTTPS record has none"
		}
	}
	return nil, fmt.Errorf("no key to hide the name %s: %s: %w", name, why, wire.ErrNotFound)
}
