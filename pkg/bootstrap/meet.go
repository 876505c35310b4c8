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

// choose picks addresses of a place in random order: one for each group, then more.
func (p *Probe) choose(kind road.Kind) []meeting {
	var first, more []meeting
	seen, over := map[string]bool{}, p.Over
	if over == nil {
		over = []string{"tcp"}
	}
	for _, i := range shuffled(p.Rand, len(p.Peers)) {
		peer := p.Peers[i]
		if placeOf(peer) != kind || len(peer.Groups) == 0 {
			continue
		}
		for _, addr := range peer.Addrs {
			e := meeting{addr, road.Evidence{Kind: kind, Host: peer.ID, Group: groupsOf([]string{addr})[0], Over: overOf(addr), Trusted: peer.Class == Signed || peer.Class == Contact}}
			if !slices.Contains(over, e.Over) {
				continue // that it fails would say nothing
			}
			if key := e.Over + e.Group; !seen[key] {
				seen[key] = true
				first = append(first, e)
			} else {
				more = append(more, e)
			}
		}
	}
	all := append(first, more...)
	return all[:min(len(all), probeDials)]
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
