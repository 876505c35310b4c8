package bootstrap

import (
	"context"
	"slices"
	"strings"

	"github.com/pars-network/pars/pkg/road"
)

// probeDials is how many addresses of each place are dialled.
const probeDials = 4

// meet does handshakes with a few peers of each place, all at once, and feeds their ends to m. Peers of different groups go before
// others of the same.
func (p *Probe) meet(ctx context.Context, m *road.Machine) []Trial {
	if p.Dial == nil {
		return nil
	}
	type met struct {
		Trial
		road.Evidence
	}
	done, dials := make(chan met), 0
	for _, kind := range []road.Kind{road.Local, road.Home, road.Foreign} {
		for _, e := range p.choose(kind) {
			dials++
			go func() {
				start := p.Setup.Now()
				err := p.Dial(ctx, e.addr)
				t := Trial{Test: placeName(kind) + " by " + e.Over, Result: result(err == nil), Took: p.Setup.Now().Sub(start), Detail: e.Host + "\tit has shown its key"}
				if e.OK = err == nil; !e.OK {
					t.Detail = e.Host + "\t" + reason(err)
				}
				done <- met{t, e.Evidence}
			}()
		}
	}
	var out []Trial
	for range dials { // waits for each
		x := <-done
		m.Observe(p.Setup.Now(), x.Evidence)
		out = append(out, x.Trial)
	}
	slices.SortFunc(out, func(a, b Trial) int { return strings.Compare(a.Test+a.Detail, b.Test+b.Detail) })
	return out
}

// meeting is one address to dial.
type meeting struct {
	addr string
	road.Evidence
}

// choose picks addresses of a place: those of peers that speak most of what Dial does first, in random order, since only a host of
// two roads shows whether one of them is filtered; of each peer one for a transport, of each group one peer; then more.
func (p *Probe) choose(kind road.Kind) []meeting {
	var first, more []meeting
	taken := map[string]bool{}
	for _, peer := range p.candidates(kind) {
		for _, addr := range peer.Addrs {
			e := meeting{addr, road.Evidence{Kind: kind, Host: peer.ID, Group: groupsOf([]string{addr})[0], Over: overOf(addr), Trusted: peer.Class == Signed || peer.Class == Contact}}
			if !slices.Contains(p.over(), e.Over) {
				continue // that it fails would say nothing
			}
			place, host := e.Over+" "+e.Group, e.Over+" "+e.Host
			if taken[place] || taken[host] {
				more = append(more, e)
			} else {
				first = append(first, e)
			}
			taken[place], taken[host] = true, true
		}
	}
	all := append(first, more...)
	return all[:min(len(all), probeDials)]
}

// candidates are the peers of a place.
func (p *Probe) candidates(kind road.Kind) []Peer {
	var out []Peer
	for _, i := range shuffled(p.Rand, len(p.Peers)) {
		if peer := p.Peers[i]; placeOf(peer) == kind && len(peer.Groups) > 0 {
			out = append(out, peer)
		}
	}
	slices.SortStableFunc(out, func(a, b Peer) int { return p.speaks(b) - p.speaks(a) })
	return out
}

// speaks counts the transports of a peer that Dial speaks too.
func (p *Probe) speaks(peer Peer) int {
	n := 0
	for _, over := range p.over() {
		if slices.ContainsFunc(peer.Addrs, func(addr string) bool { return overOf(addr) == over }) {
			n++
		}
	}
	return n
}

func (p *Probe) over() []string {
	if p.Over == nil {
		return []string{"tcp"}
	}
	return p.Over
}

// nowhere is where a hint stands: nobody who is believed has said whether that is abroad.
const nowhere road.Kind = -1

func placeOf(p Peer) road.Kind {
	switch {
	case p.Road == "lan":
		return road.Local
	case p.Class == Hinted:
		return nowhere
	case p.Home:
		return road.Home
	}
	return road.Foreign
}

func placeName(k road.Kind) string {
	return map[road.Kind]string{road.Local: "neighbour", road.Home: "peer at home", road.Foreign: "peer abroad"}[k]
}

// overOf is the transport of a multiaddr, in the words of road.Evidence; empty where it is none of those.
func overOf(addr string) string {
	switch {
	case strings.Contains(addr, "/quic-v1"):
		return "quic"
	case strings.Contains(addr, "/ws"):
		return "wss"
	case strings.Contains(addr, "/tcp/"):
		return "tcp"
	}
	return ""
}
