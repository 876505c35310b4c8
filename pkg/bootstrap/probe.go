package bootstrap

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/road"
)

const (
	probeTime    = 5 * time.Second
	probeServers = 6
)

// Probe asks a few servers for a name that cannot exist, and tells what of the network that shows. Names that could harm
// who asks for them are asked for only when they are given.
type Probe struct {
	Setup *Setup
	// Linked tells whether any interface can be used.
	Linked bool
	// Canary are names that a censor is known to answer wrongly.
	Canary []string
	// Peers may be dialled, at most a few of each place: those of the local network, those inside the country, others.
	Peers []Peer
	// Dial does the handshake with the peer that a multiaddr ends in, and returns when it has proven its key. nil: nobody is dialled.
	Dial func(ctx context.Context, addr string) error
	// Over are the transports that Dial speaks, of tcp, quic and wss; nil is tcp.
	Over []string
	// Rand is for the name; nil is crypto/rand.
	Rand io.Reader
}

// Trial is one test of a probe.
type Trial struct {
	Test   string        `json:"test"`   // link, name, dot, doh, canary …
	Result string        `json:"result"` // ok, failed
	Took   time.Duration `json:"-"`
	Detail string        `json:"detail"`
}

// Run probes and feeds what it sees to m. A handshake with a peer or with a resolver abroad is one with an authenticated host.
func (p *Probe) Run(ctx context.Context, m *road.Machine) ([]Trial, error) {
	now := p.Setup.Now
	m.Link(now(), p.Linked)
	out := []Trial{{Test: "link", Result: result(p.Linked), Detail: map[bool]string{true: "an interface has an address", false: "no interface can be used"}[p.Linked]}}
	if !p.Linked {
		return out, nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	clients, err := p.Setup.Clients(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := p.Setup.RootKeys()
	if err != nil {
		return nil, err
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	done := make(chan Trial)
	n := 0
	seen := map[string]bool{}
	for _, c := range clients[:min(len(clients), probeServers)] {
		judged := !seen[fmt.Sprint(c.Server().Encrypted())] // one plain and one encrypted server are judged: that bounds the queries
		seen[fmt.Sprint(c.Server().Encrypted())] = true
		n++
		go func() { done <- p.ask(ctx, c, keys, name, judged) }()
	}
	for range n { // waits for each
		out = append(out, <-done)
	}
	slices.SortFunc(out[1:], func(a, b Trial) int { return strings.Compare(a.Test+a.Detail, b.Test+b.Detail) })
	for _, t := range out[1:] {
		p.observe(m, t)
	}
	for _, t := range p.canaries(ctx, clients) { // before those who may be silent until the time is over
		m.Observe(now(), road.Evidence{Kind: road.Name, Dirty: t.Result == Failed, Host: t.Detail})
		out = append(out, t)
	}
	out = append(out, p.meet(ctx, m)...)
	for _, c := range clients {
		if _, _, injected := c.Stats(); injected {
			m.Observe(now(), road.Evidence{Kind: road.Name, Dirty: true, Host: c.Server().String()})
			out = append(out, Trial{Test: "injected", Result: Failed, Detail: "two different answers to one question at " + c.Server().String()})
		}
	}
	return out, nil
}

func result(ok bool) string {
	if ok {
		return OK
	}
	return Failed
}

// name is a fresh label below the profile's zone, so that neither a cache nor a wildcard answers.
func (p *Probe) name() (string, error) {
	rnd := p.Rand
	if rnd == nil {
		rnd = rand.Reader
	}
	b := make([]byte, 8)
	if _, err := io.ReadFull(rnd, b); err != nil {
		return "", err
	}
	zone := p.Setup.boot().DNS.ProbeZone
	if zone == "" {
		return "", fmt.Errorf("profile %s names no zone to probe", p.Setup.Profile.Name)
	}
	return "x" + hex.EncodeToString(b) + "." + strings.TrimSuffix(zone, ".") + ".", nil
}

func (p *Probe) ask(ctx context.Context, c *exchange.Client, keys []dnssec.DS, name string, judged bool) Trial {
	start := p.Setup.Now()
	t := Trial{Test: c.Server().Kind, Result: Failed}
	if judged && len(keys) > 0 {
		r := &dnssec.Resolver{Server: c, Anchors: keys, Now: p.Setup.Now}
		a, err := r.Lookup(ctx, name, dnssec.TypeA)
		switch {
		case err != nil:
			t.Detail = err.Error()
		case a.Verdict == dnssec.Secure && dnssec.RcodeName(a.Rcode) == "NXDOMAIN":
			t.Test, t.Result, t.Detail = "name by "+t.Test, OK, "the world's names are signed and whole"
		default:
			t.Detail = a.Verdict.String() + ": " + a.Why
		}
	} else if q, err := dnssec.Question(name, dnssec.TypeA); err == nil {
		b, err := c.Exchange(ctx, q)
		if err == nil {
			_, err = dnssec.ReadAnswer(b, name, dnssec.TypeA)
		}
		if err != nil {
			t.Detail = reason(err)
		} else {
			t.Result, t.Detail = OK, "answers"
		}
	}
	t.Took = p.Setup.Now().Sub(start)
	t.Detail = c.Server().String() + "\t" + t.Detail
	return t
}

// observe feeds the machine: what is only an answer without a signature or an authenticated host is no evidence.
func (p *Probe) observe(m *road.Machine, t Trial) {
	kind := t.Test[strings.LastIndex(t.Test, " ")+1:]
	server, _, _ := strings.Cut(t.Detail, "\t")
	now := p.Setup.Now()
	if strings.HasPrefix(t.Test, "name by ") {
		m.Observe(now, road.Evidence{Kind: road.Name, OK: true, Host: server})
	}
	if (kind == exchange.DoT || kind == exchange.DoH) && p.abroad(server) {
		m.Observe(now, road.Evidence{Kind: road.Foreign, OK: t.Result == OK, Host: server, Group: server, Over: kind, Trusted: true})
	}
}

// abroad tells whether an encrypted server may stand abroad: one at a private address is a neighbour's.
func (p *Probe) abroad(server string) bool {
	i := slices.IndexFunc(p.Setup.clients, func(c *exchange.Client) bool { return c.Server().String() == server })
	at, err := netip.ParseAddrPort(p.Setup.clients[i].Server().Dial)
	return err != nil || p.Setup.boot().AllowPrivate || at.Addr().IsGlobalUnicast() && !at.Addr().IsPrivate()
}

// canaries look for a censor's own page in the place of a name.
func (p *Probe) canaries(ctx context.Context, clients []*exchange.Client) []Trial {
	var out []Trial
	for _, name := range p.Canary[:min(len(p.Canary), 3)] {
		for _, c := range clients[:min(len(clients), 2)] {
			t := Trial{Test: "canary", Result: OK, Detail: name + "\tno block page at " + c.Server().String()}
			q, err := dnssec.Question(name, dnssec.TypeA)
			if err != nil {
				continue
			}
			b, err := c.Exchange(ctx, q)
			if err != nil {
				continue
			}
			a, err := dnssec.ReadAnswer(b, name, dnssec.TypeA)
			if err != nil {
				continue
			}
			for _, line := range a.Lines() {
				ip, err := netip.ParseAddr(line.Data)
				if err == nil && slices.Contains(p.Setup.boot().DNS.BlockPages, ip.String()) {
					t.Result, t.Detail = Failed, name+"\tthe block page "+ip.String()+" at "+c.Server().String()
				}
			}
			out = append(out, t)
		}
	}
	return out
}
