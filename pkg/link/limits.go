package link

import (
	"math"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"
)

// Limits say what others can make a host hold.
type Limits uint8

// Limits of a host. One that only dials holds what it chose itself.
const (
	Node    Limits = iota // 256 MiB and 512 files: one program among others
	Phone                 // 96 MiB and 256 files
	Machine               // by the memory of the machine: a seeder, a relay
	Dialer                // none
	none                  // none, and no account is kept
)

// Connections that one address may hold, and how fast it may open them. Behind one IPv4 address there may be a whole
// village; the library allows eight connections and one every five seconds.
const (
	perAddress = 64
	perHome    = 32  // IPv6 /56
	perSite    = 128 // IPv6 /48
	ratePerSec = 4
	rateAll    = 50
	ratePhone  = 10
)

// Calls whose handshake is under way, streams that one peer may have open towards us, and how long a handshake may take.
const (
	halfOpenAll     = 128
	halfOpenEach    = 16
	perPeer         = 32
	handshakeWithin = 10 * time.Second
)

func (l Limits) manager() (network.ResourceManager, error) {
	if l == none {
		return &network.NullResourceManager{}, nil
	}
	if l == Dialer {
		free := []rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: math.MaxInt}}
		return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(rcmgr.InfiniteLimits), rcmgr.WithLimitPerSubnet(free, free),
			rcmgr.WithConnRateLimiters(&rate.Limiter{}))
	}
	base, all := rcmgr.DefaultLimits, rateAll
	base.PeerBaseLimit.StreamsInbound, base.PeerLimitIncrease.StreamsInbound = perPeer, 0
	base.TransientBaseLimit.Conns, base.TransientBaseLimit.ConnsInbound = 4*halfOpenAll, 2*halfOpenAll // halfOpen counts those of strangers
	scaled := base.Scale(256<<20, 512)
	switch l {
	case Phone:
		scaled, all = base.Scale(96<<20, 256), ratePhone
	case Machine:
		scaled = base.AutoScale()
	}
	rm, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(scaled), rcmgr.WithLimitPerSubnet(
		[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: perAddress}},
		[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: perHome}, {PrefixLength: 48, ConnCount: perSite}},
	), rcmgr.WithConnRateLimiters(rates(all)))
	if err != nil {
		return nil, err
	}
	return &halfOpen{ResourceManager: rm, from: map[netip.Prefix]int{}}, nil
}

// rates is a token bucket for each address and one for all. Loopback, whose callers are programs of this machine, is free.
func rates(all int) *rate.Limiter {
	home, site := 2*ratePerSec, 4*ratePerSec
	return &rate.Limiter{
		NetworkPrefixLimits: []rate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, {Prefix: netip.MustParsePrefix("::1/128")},
		},
		GlobalLimit: rate.Limit{RPS: float64(all), Burst: 16 * all},
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: rate.Limit{RPS: ratePerSec, Burst: perAddress}}},
			IPv6SubnetLimits: []rate.SubnetLimit{
				{PrefixLength: 56, Limit: rate.Limit{RPS: float64(home), Burst: 2 * perHome}},
				{PrefixLength: 48, Limit: rate.Limit{RPS: float64(site), Burst: perSite}},
			},
			GracePeriod: time.Minute,
		},
	}
}
