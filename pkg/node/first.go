package node

import (
	"context"
	"sync/atomic"
	"time"

	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/bootstrap"
	"github.com/pars-network/pars/pkg/dht"
)

// When a node looks for first peers on the roads of its profile: only while it has nobody to ask.
const (
	firstWait = 10 * time.Second // for those it knows to answer
	firstLAN  = 2 * time.Second  // where it knows nobody, for neighbours to be heard
	firstMin  = time.Minute
	firstMax  = time.Hour
	firstRace = 40 * time.Second

	firstSeeds = 16  // asked at a time
	maxListed  = 256 // remembered of all races
)

// first races the roads to the first peers of the hash table: the list that was compiled in, the one held last, names.
type first struct {
	p     *presence
	began time.Time
	pace  pace
	busy  atomic.Bool
	news  atomic.Bool      // something was found since the table was last filled
	peers []bootstrap.Peer // found so far; under p.mu
}

// step starts a race when it is time. It does not wait: one dead road must not hold up what another has found.
func (f *first) step(ctx context.Context) {
	if !f.busy.Load() && f.due(f.p.n.clock()) {
		f.busy.Store(true)
		f.p.n.wg.Go(func() {
			f.run(ctx)
			f.busy.Store(false)
		})
	}
}

// due reports whether nobody can be asked, and has not been for a while.
func (f *first) due(now time.Time) bool {
	n := f.p.n
	if n.NoResolve || n.Profile.Bootstrap == nil || f.p.dht.Load().Known() > 0 || !n.awake() {
		return false
	}
	wait := firstLAN
	if len(f.p.known()) > 0 {
		wait = firstWait
	}
	return now.Sub(f.began) >= wait && f.pace.due(now, firstMin, firstMax, n.jitter)
}

// run races once and makes seeds of what is found. What a list names is a hint until the handshake.
func (f *first) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstRace)
	defer cancel()
	n := f.p.n
	s := &bootstrap.Setup{Profile: n.Profile, System: bootstrap.SystemServers(), Memory: settings{n.home}, Now: n.clock}
	defer s.Close()
	if err := n.chains(s); err != nil {
		n.log.Warn("first peers", "why", err)
	}
	trust, err := s.Trust()
	if err != nil {
		n.log.Warn("first peers", "why", err)
		return
	}
	roads, err := s.Roads(ctx)
	if err != nil {
		n.log.Warn("first peers", "why", err)
		return
	}
	race := &bootstrap.Race{Trust: trust, Roads: append(n.byHand(), roads...), Private: n.Profile.Bootstrap.AllowPrivate, Memory: s.Memory, Now: n.clock, Rand: n.home.cfg.Rand,
		Network: bootstrap.NetworkKey(n.home.keys.Keys.DEK, bootstrap.GatewayMAC(), s.System), Build: n.Built, Found: f.found}
	res, err := race.Run(ctx)
	f.p.mu.Lock()
	f.p.raced++
	f.p.mu.Unlock()
	if res != nil {
		for _, a := range res.Alarms {
			n.log.Warn("first peers", "alarm", a)
		}
		for _, r := range res.Reports {
			n.log.Debug("first peers", "road", r.Road, "result", r.Result, "why", r.Reason)
		}
	}
	if err != nil && ctx.Err() == nil {
		n.log.Info("no first peer found; pars-bootstrap explain tells why", "why", err)
	}
}

// found takes one peer as a seed, as far as the caps of its road and list go: who owns one road must not be all that a
// node asks. The race calls it from several goroutines.
func (f *first) found(peer bootstrap.Peer) {
	for _, a := range peer.Addrs {
		if info, err := libp2p.AddrInfoFromString(a); err == nil && peer.Class == bootstrap.Contact {
			f.p.n.dialer.add(*info, roadCard) // a friend is met, and may serve nobody's table
		} else if seed, err := dht.ParsePeer(a); err == nil {
			f.p.n.book.listed(peer.Source, seed)
		}
	}
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	if len(f.peers) == maxListed {
		return
	}
	f.news.Store(true)
	f.p.kick()
	f.peers = append(f.peers, peer)
	f.p.listed = f.p.listed[:0:0]
	for _, c := range bootstrap.Choose(f.peers, bootstrap.Holding{Free: firstSeeds}, bootstrap.DefaultLimits(), nil, f.p.n.home.cfg.Rand) {
		for _, a := range c.Addrs {
			if seed, err := dht.ParsePeer(a); err == nil {
				f.p.listed = append(f.p.listed, seed)
			}
		}
	}
}

// settings keep what the race remembers, sealed in the store.
type settings struct{ h *Home }

// Load returns what Save kept.
func (s settings) Load(name string) ([]byte, error) { return s.h.setting([]byte(name)) }

// Save keeps a value.
func (s settings) Save(name string, value []byte) error { return s.h.saveSetting([]byte(name), value) }
