package bootstrap

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/road"
)

// A network in which only some addresses answer, and the state that a probe tells of it.
func TestProbeMeets(t *testing.T) {
	peer := func(n int, via string, class Class, home bool, transports ...string) Peer {
		p := Peer{ID: fmt.Sprint("peer", n), Class: class, Road: via, Home: home, Groups: []string{fmt.Sprint(n, ".0.0.0/16")}}
		for _, x := range transports {
			p.Addrs = append(p.Addrs, fmt.Sprintf("/ip4/%d.0.0.1/%s/p2p/peer%d", n, x, n))
		}
		return p
	}
	const tcp, quic, wss = "tcp/1", "udp/1/quic-v1", "tcp/1/ws"
	neighbour := peer(10, "lan", Hinted, false, tcp)
	home := []Peer{peer(20, "cache", Signed, true, tcp), peer(21, "cache", Signed, true, tcp)}
	abroad := []Peer{peer(30, "builtin", Signed, false, tcp, quic), peer(31, "builtin", Signed, false, tcp, quic)}
	var crowd []Peer // of whom two can show that the network is free
	for n := range 20 {
		crowd = append(crowd, peer(60+n, "builtin", Signed, false, []string{tcp, quic, "tcp/2", "udp/2/quic-v1"}[:1+n/18*3]...))
	}
	many := []Peer{peer(80, "builtin", Signed, false, tcp, quic), peer(84, "builtin", Signed, false, tcp, quic)}
	for i := range many { // one host has addresses at several places
		for n := range 3 {
			many[i].Addrs = append([]string{fmt.Sprintf("/ip4/%d.0.0.1/tcp/1/p2p/%s", 81+4*i+n, many[i].ID)}, many[i].Addrs...)
		}
	}
	all := append(append([]Peer{neighbour}, home...), abroad...)
	for name, tc := range map[string]struct {
		peers []Peer
		open  string // parts of addresses that answer
		want  road.State
		dials int
	}{
		"nobody":                    {all, "", road.S0, 7},
		"a neighbour":               {all, "/10.", road.S1, 7},
		"one at home is an island":  {all, "/20.", road.S1, 7},
		"two at home":               {all, "/20. /21. /10.", road.S2, 7},
		"one abroad":                {all, "/30.0.0.1/tcp", road.S4, 7},
		"all abroad":                {all, "/30. /31.", road.S5, 7},
		"abroad, but one road":      {all, "/30. /31.0.0.1/tcp", road.S4, 7},
		"two of a crowd":            {crowd, "/6 /7", road.S5, 4},
		"hosts of many addresses":   {many, "/8", road.S5, 4},
		"a crowd without QUIC":      {crowd, "/tcp/", road.S4, 4},
		"a hint says nothing":       {[]Peer{peer(40, "dht", Hinted, false, tcp)}, "/40.", road.S0, 0},
		"old lists do not lead up":  {[]Peer{peer(30, "cache", Stale, false, tcp, quic), peer(31, "cache", Stale, false, tcp, quic)}, "/3", road.S4, 4},
		"a few of many":             {[]Peer{peer(50, "builtin", Signed, false, tcp, quic, wss), peer(51, "builtin", Signed, false, tcp, wss), peer(52, "builtin", Signed, false, wss)}, "/5", road.S4, 4},
		"what cannot be dialled":    {[]Peer{peer(50, "builtin", Signed, false, "sctp/1")}, "/5", road.S0, 0},
		"two addresses of one home": {[]Peer{peer(20, "cache", Signed, true, tcp, wss)}, "/20.", road.S1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			dials := 0
			p := &Probe{Linked: true, Over: []string{"tcp", "quic", "wss"}, Peers: tc.peers, Setup: &Setup{Profile: &profile.Profile{Bootstrap: &profile.Bootstrap{DNS: profile.DNS{ProbeZone: "test"}}}, Servers: []string{}, Now: time.Now},
				Dial: func(_ context.Context, addr string) error {
					mu.Lock()
					dials++
					mu.Unlock()
					for _, part := range strings.Fields(tc.open) {
						if strings.Contains(addr, part) {
							return nil
						}
					}
					return &net.OpError{Op: "dial", Err: fmt.Errorf("no way to %s", addr)}
				}}
			var m road.Machine
			trials, err := p.Run(t.Context(), &m)
			if got := m.State(time.Now()); err != nil || got != tc.want || dials != tc.dials || len(trials) != 1+dials {
				t.Errorf("%v, %d dials, %v; want %v, %d: %+v", got, dials, err, tc.want, tc.dials, trials)
			}
		})
	}
}

// An encrypted resolver shows a host abroad, unless it stands at an address that only a neighbour can have.
func TestProbeEncrypted(t *testing.T) {
	for dial, want := range map[string]bool{"9.9.9.9:853": true, "[2620:fe::fe]:853": true, "dns.example:853": true, "192.168.1.1:853": false, "10.0.0.1:853": false, "127.0.0.1:853": false,
		"[fd00::1]:853": false, "[fe80::1]:853": false} {
		for _, private := range []bool{false, true} {
			s, err := exchange.ParseServer("tls://" + dial)
			if err != nil {
				t.Fatal(err)
			}
			p := &Probe{Setup: &Setup{Profile: &profile.Profile{Bootstrap: &profile.Bootstrap{AllowPrivate: private}}, Now: time.Now, clients: []*exchange.Client{exchange.New(s, nil)}}}
			var m road.Machine
			m.Link(time.Now(), true)
			p.observe(&m, Trial{Test: exchange.DoT, Result: OK, Detail: s.String() + "\tanswers"})
			if got := m.State(time.Now()) == road.S4; got != (want || private) {
				t.Errorf("%s, private %v: abroad %v", dial, private, got)
			}
		}
	}
}
