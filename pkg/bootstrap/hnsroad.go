package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/hns"
	"github.com/pars-network/pars/pkg/wire"
)

// hnsServers is how many name servers of one zone are asked.
const hnsServers = 4

// HNS finds lists at names below top-level domains of Handshake.
type HNS struct {
	// Prove proves what the chain holds under a last label, as hns.Client.Resolve does.
	Prove func(ctx context.Context, name string) (*hns.Answer, error)
	// Servers are asked in place of those whose address the chain names, as exchange.ParseServer reads them.
	Servers []string
	Dialer  exchange.Dialer // nil: the system's
	Now     func() time.Time
}

// HNSAnchors turns the DS records of a proven name into anchors of its zone. Those that the validator cannot use are left out.
func HNSAnchors(a *hns.Answer) []dnssec.DS {
	if a.Resource == nil {
		return nil
	}
	var out []dnssec.DS
	for _, d := range a.Resource.DS {
		text := fmt.Sprintf("%s. IN DS %d %d %d %x", a.Name, d.Tag, d.Algorithm, d.Digest, d.Sum)
		if list, err := dnssec.ParseAnchors([]byte(text), time.Time{}); err == nil {
			out = append(out, list...)
		}
	}
	return out
}

// HNSServers are the name servers of a proven name whose addresses the chain itself names.
func HNSServers(a *hns.Answer) []string {
	var out []string
	for _, s := range a.Resource.NS {
		if s.Addr.IsValid() && len(out) < hnsServers {
			out = append(out, s.Addr.String())
		}
	}
	return out
}

// TLD proves a top-level domain for a resolver: see dnssec.Resolver. It knows Handshake alone, so it must not be asked about names of
// the common root. A domain without a key is an error, never an insecure one.
func (h HNS) TLD(ctx context.Context, tld string) (ds []dnssec.DS, ok bool, err error) {
	a, err := h.Prove(ctx, strings.TrimSuffix(tld, "."))
	if err != nil {
		return nil, true, err
	}
	if ds = HNSAnchors(a); len(ds) == 0 {
		return nil, true, fmt.Errorf("%s has no key in the chain: %w", tld, wire.ErrNotFound)
	}
	return ds, true, nil
}

// Road returns the road to the list at a name, or at the older _dnsaddr records of it.
func (h HNS) Road(name string) Road {
	name = strings.TrimSuffix(name, ".")
	return Road{Name: "hns", Server: name, After: 800 * time.Millisecond, Timeout: hns.Timeout + roadTimeout, Plain: true,
		Find: func(ctx context.Context, s *Sink) error { return h.find(ctx, s, name) }}
}

func (h HNS) find(ctx context.Context, s *Sink, name string) error {
	s.At("proof", "")
	a, err := h.Prove(ctx, name[strings.LastIndexByte(name, '.')+1:])
	if err != nil {
		return err
	}
	keys := HNSAnchors(a)
	servers := h.Servers
	if len(servers) == 0 {
		servers = HNSServers(a)
	}
	if len(servers) == 0 {
		return fmt.Errorf("the chain names no address of a server for %s: %w", a.Name, wire.ErrNotFound)
	}
	var errs []error
	for _, text := range servers {
		srv, err := exchange.ParseServer(text)
		if err != nil {
			return err
		}
		c := exchange.New(srv, h.Dialer)
		err = DNS{Name: name, Client: c, Anchors: keys, Now: h.Now, RoadName: "hns"}.find(ctx, s)
		c.Close()
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", text, err))
	}
	return errors.Join(errs...)
}
