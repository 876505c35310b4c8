package bootstrap

import (
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/profile"
)

// askFlags name whom to ask and whom to believe.
func askFlags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{
		&urfave.StringSliceFlag{Name: "server", Usage: "ask `SERVER`: ADDR[:PORT], tcp://ADDR, tls://ADDR or https://HOST/PATH; after # dial=, sni=, spki=, ech= or ech=auto (repeat for more)"},
		&urfave.StringFlag{Name: "anchor", Usage: "believe the keys in `FILE` in place of the profile's: DS or DNSKEY records, or root-anchors.xml"},
		&urfave.StringFlag{Name: "ca", Usage: "believe the certificate authorities in `FILE` in place of the system's"},
		&urfave.StringFlag{Name: "proxy", Usage: "go through `URL`: socks5://HOST:PORT or http://HOST:PORT"}}, more...)
}

func network(c *urfave.Context) (*profile.Profile, error) {
	p, err := profile.Load(cli.Profile(c), os.ReadFile)
	if errors.Is(err, profile.ErrUnknown) {
		return nil, cli.Usagef("%v", err)
	}
	if err != nil {
		return nil, err
	}
	if err := p.RequireNetwork(); err != nil {
		return nil, err
	}
	if p.Bootstrap == nil {
		p.Bootstrap = &profile.Bootstrap{}
	}
	return p, nil
}

// anchors are those of --anchor, or of the profile.
func anchors(c *urfave.Context, p *profile.Profile) ([]dnssec.DS, error) {
	name := c.String("anchor")
	if name == "" {
		if len(p.Bootstrap.DNS.Anchors) == 0 {
			return nil, nil
		}
		return dnssec.ParseAnchors([]byte(strings.Join(p.Bootstrap.DNS.Anchors, "\n")), time.Now())
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return dnssec.ParseAnchors(b, time.Now())
}

// clients opens the servers of --server, or the system's. The caller closes them.
func clients(c *urfave.Context, keys []dnssec.DS) ([]*exchange.Client, error) {
	texts := c.StringSlice("server")
	if len(texts) == 0 {
		texts = bootstrap.SystemServers()
	}
	if len(texts) == 0 {
		return nil, cli.Usagef("the system names no server; name one with --server")
	}
	var roots *x509.CertPool
	if name := c.String("ca"); name != "" {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(b) {
			return nil, cli.Usagef("%s has no certificate in PEM", name)
		}
	}
	d, err := dialer(c)
	if err != nil {
		return nil, err
	}
	var servers []exchange.Server
	for _, text := range texts {
		s, err := exchange.ParseServer(text)
		if err != nil {
			return nil, cli.Usagef("%v", err)
		}
		s.Roots = roots
		servers = append(servers, s)
	}
	if err := bootstrap.HideNames(c.Context, servers, keys, d, time.Now); err != nil {
		return nil, err
	}
	var out []*exchange.Client
	for _, s := range servers {
		out = append(out, exchange.New(s, d))
	}
	return out, nil
}

func dialer(c *urfave.Context) (exchange.Dialer, error) {
	text := c.String("proxy")
	if text == "" {
		return nil, nil
	}
	d, err := exchange.Proxy(text, nil)
	if err != nil {
		return nil, cli.Usagef("%v", err)
	}
	return d, nil
}

func closeAll(list []*exchange.Client) {
	for _, c := range list {
		c.Close()
	}
}
