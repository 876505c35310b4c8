package bootstrap

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/enrtree"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
)

// Setup is what a profile's roads need to know beside the profile. Close ends the connections of the roads that were made.
type Setup struct {
	Profile *profile.Profile
	// Name is asked for in place of the profile's names, when it is not empty: a domain, enrtree://KEY@DOMAIN, hns://NAME,
	// ens://NAME or NAME.eth.
	Name string
	// Servers are resolvers in the form of exchange.ParseServer; nil: System, then those of the profile.
	Servers []string
	// System is the resolvers of this machine.
	System []string
	// Anchors are believed in place of the profile's root keys.
	Anchors []dnssec.DS
	// TLD may prove top-level domains by another chain; it may be nil.
	TLD func(ctx context.Context, tld string) (ds []dnssec.DS, ok bool, err error)
	// HNS proves names of Handshake; nil: its road is skipped.
	HNS *HNS
	// ENS reads texts by names of ENS; nil: its road is skipped, for the reason in NoENS.
	ENS   TextSource
	NoENS string
	// Dialer opens connections; nil is the system's.
	Dialer exchange.Dialer
	// Change may set the certificate authorities of a server, or anything else; it may be nil.
	Change func(*exchange.Server)
	// Memory gives the list that was held last; it may be nil.
	Memory Memory
	Now    func() time.Time

	clients []*exchange.Client
}

// Trust returns the profile's trust sets.
func (s *Setup) Trust() (*list.Trust, error) {
	var sets []*list.Set
	for _, text := range s.boot().TrustSets {
		b, err := unbase64(text)
		if err != nil {
			return nil, fmt.Errorf("profile %s: trust set: %w", s.Profile.Name, err)
		}
		set, err := list.DecodeSet(b)
		if err != nil {
			return nil, fmt.Errorf("profile %s: trust set: %w", s.Profile.Name, err)
		}
		sets = append(sets, set)
	}
	return list.NewTrust(list.NetworkTag(s.Profile.NetID()), sets...)
}

func (s *Setup) boot() *profile.Bootstrap {
	if s.Profile.Bootstrap == nil {
		return &profile.Bootstrap{}
	}
	return s.Profile.Bootstrap
}

// RootKeys returns Anchors, or the root keys of the profile.
func (s *Setup) RootKeys() ([]dnssec.DS, error) {
	if len(s.Anchors) > 0 || len(s.boot().DNS.Anchors) == 0 {
		return s.Anchors, nil
	}
	keys, err := dnssec.ParseAnchors([]byte(strings.Join(s.boot().DNS.Anchors, "\n")), s.Now())
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", s.Profile.Name, err)
	}
	return keys, nil
}

// Clients opens the servers that are to be asked, each once.
func (s *Setup) Clients(ctx context.Context) ([]*exchange.Client, error) {
	if s.clients != nil {
		return s.clients, nil
	}
	texts := s.Servers
	if texts == nil {
		texts = append(texts, s.System...)
		for _, x := range s.boot().DNS.Servers {
			texts = append(texts, x.Addr)
		}
	}
	seen := map[string]bool{}
	var servers []exchange.Server
	for _, text := range texts {
		srv, err := exchange.ParseServer(text)
		if err != nil {
			return nil, err
		}
		if seen[srv.String()] {
			continue
		}
		seen[srv.String()] = true
		if s.Change != nil {
			s.Change(&srv)
		}
		servers = append(servers, srv)
	}
	keys, err := s.RootKeys()
	if err != nil {
		return nil, err
	}
	if err := HideNames(ctx, servers, keys, s.Dialer, s.Now); err != nil {
		return nil, err
	}
	for _, srv := range servers {
		s.clients = append(s.clients, exchange.New(srv, s.Dialer))
	}
	return s.clients, nil
}

// Roads returns the roads that a profile knows by itself: the list that was compiled in, the one that is held, and every name by
// every server. Those of chains that cannot be asked stand there with the reason.
func (s *Setup) Roads(ctx context.Context) ([]Road, error) {
	roads := s.local()
	keys, err := s.RootKeys()
	if err != nil {
		return nil, err
	}
	clients, err := s.Clients(ctx)
	if err != nil {
		return nil, err
	}
	names := s.names()
	for _, name := range names.DNS {
		link, err := enrtree.ParseLink(name)
		tree := err == nil
		for _, c := range clients {
			if tree {
				roads = append(roads, TreeRoad(link, c))
				continue
			}
			roads = append(roads, DNS{Name: strings.TrimSuffix(name, "."), Client: c, Anchors: keys, TLD: s.TLD, Now: s.Now}.Road())
		}
	}
	return append(roads, s.chains(names)...), nil
}

func (s *Setup) local() []Road {
	builtin := Road{Name: "builtin", Server: "profile " + s.Profile.Name, Skip: "the profile carries no list"}
	if text := s.boot().List; text != "" {
		builtin = FileRoad("builtin", "profile "+s.Profile.Name, func() ([]byte, error) { return unbase64(text) })
	} else if note := s.boot().Note; note != "" {
		builtin.Skip += "; " + note
	}
	roads := []Road{builtin}
	trust, err := s.Trust()
	if s.Memory == nil || err != nil {
		return roads
	}
	for _, set := range trust.Sets() {
		for _, domestic := range []bool{false, true} {
			line := trust.Line(&list.Root{Set: set.Tag(), Domestic: domestic})
			if _, err := s.Memory.Load(memoryList + "-" + line); err == nil {
				roads = append(roads, FileRoad("cache", line, func() ([]byte, error) { return s.Memory.Load(memoryList + "-" + line) }))
			}
		}
	}
	return roads
}

// Close ends the connections.
func (s *Setup) Close() error {
	for _, c := range s.clients {
		c.Close()
	}
	return nil
}
