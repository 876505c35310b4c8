package gossip

import (
	"fmt"
	"net/netip"
	"time"
)

// Params are the numbers of the shard overlay. The library panics, or is silently wrong, on some that it takes.
type Params struct {
	D, Dlo, Dhi, Dout, Dscore    int
	Dlazy                        int
	Factor                       float64
	Heartbeat                    time.Duration
	History, Gossip              int
	Backoff                      time.Duration
	MaxIHaveMessages             int
	MaxIHaveLength               int
	SeenFor                      time.Duration
	MaxMessage, MaxControl       int
	ValidateQueue, ValidateLimit int
	SendQueue                    int
	GraftEvery                   uint64 // heartbeats between two looks for better neighbours
}

// DefaultParams returns the numbers of a node. The mesh is thinner than the library's: six neighbours cost seven
// to nine copies of a payload a delivery. What that loses in redundancy, lazy gossip, direct peers and
// reconciliation give back. Below three neighbours a small mesh falls apart into circles that hear of each other by announcements alone. A heartbeat is half
// a second, because who hears by announcement waits for one; what came is announced five times, each time to eight, and an announcer may name as many ids a second.
// Better neighbours are looked for every five heartbeats, 24 times as often as the library does: among twenty silent attackers to one honest node that is
// what brings the mesh back within a minute.
func DefaultParams() Params {
	return Params{D: 4, Dlo: 3, Dhi: 6, Dout: 1, Dscore: 3, Dlazy: 8, Factor: 0.4, Heartbeat: 500 * time.Millisecond, History: 20, Gossip: 5,
		Backoff: time.Minute, MaxIHaveMessages: 10, MaxIHaveLength: 500, SeenFor: 10 * time.Minute, MaxMessage: 70 << 10, MaxControl: 64 << 10,
		ValidateQueue: 128, ValidateLimit: 512, SendQueue: 128, GraftEvery: 5}
}

// Check refuses numbers that the library would take and then fail on.
func (p Params) Check() error {
	switch {
	case p.Gossip > p.History:
		return fmt.Errorf("gossip of %d heartbeats out of a history of %d", p.Gossip, p.History) // a panic at run time
	case p.Dlo > p.D || p.D > p.Dhi || p.Dscore > p.Dhi || p.D < 1:
		return fmt.Errorf("mesh of %d, between %d and %d, %d by score", p.D, p.Dlo, p.Dhi, p.Dscore)
	case p.Dout >= p.Dlo || p.Dout >= p.D/2: // stricter than the library's comment
		return fmt.Errorf("%d outbound neighbours of %d, at least %d", p.Dout, p.D, p.Dlo)
	case p.MaxMessage < 64<<10+1<<10 || p.Heartbeat <= 0 || p.SeenFor < time.Duration(p.History)*p.Heartbeat:
		return fmt.Errorf("messages of %d bytes, heartbeat %v, seen for %v", p.MaxMessage, p.Heartbeat, p.SeenFor)
	}
	return nil
}

// Score are the weights by which neighbours are judged.
type Score struct {
	ColocationThreshold                    int
	ColocationWeight                       float64
	BehaviourWeight, BehaviourDecay        float64
	BehaviourThreshold                     float64
	FirstWeight, FirstCap, FirstDecay      float64
	MeshTimeWeight, MeshTimeCap            float64
	InvalidWeight, InvalidDecay            float64
	TopicCap                               float64
	Decay                                  time.Duration
	Retain                                 time.Duration
	Gossip, Publish, Graylist, PX, Graft   float64
	MeshDeliveryWeight, MeshFailurePenalty float64
}

// ScoreRules are the weights of every node. The two mesh-delivery penalties are zero: they fine phones that
// sleep. What a neighbour delivered first is forgotten within a minute, so that attackers who served well for an hour
// lose their places a minute after they fall silent. Colocation counts only far above what a household has, and never in the networks of Exempt.
func ScoreRules() Score {
	return Score{ColocationThreshold: 32, ColocationWeight: -1, BehaviourWeight: -10, BehaviourThreshold: 6, BehaviourDecay: 0.99,
		FirstWeight: 1, FirstCap: 50, FirstDecay: 0.94, MeshTimeWeight: 0.01, MeshTimeCap: 100, InvalidWeight: -100, InvalidDecay: 0.999,
		TopicCap: 50, Decay: time.Second, Retain: 30 * time.Minute, Gossip: -50, Publish: -100, Graylist: -200, PX: 1000, Graft: 2}
}

// Exempt returns the networks in which many honest people share one address: home and carrier networks,
// and those of the operator's list.
func Exempt(more []netip.Prefix) []netip.Prefix {
	v4 := func(a, b byte, bits int) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b}), bits) }
	v6 := func(a, b byte, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{a, b}), bits)
	}
	return append([]netip.Prefix{v4(10, 0, 8), v4(100, 64, 10), v4(172, 16, 12), v4(192, 168, 16), v4(169, 254, 16), v4(127, 0, 8),
		v6(0xfc, 0, 7), v6(0xfe, 0x80, 10), netip.PrefixFrom(netip.IPv6Loopback(), 128)}, more...)
}

// Trust is how well a peer is known.
type Trust uint8

// Trust, the least first.
const (
	Stranger Trust = iota
	Verified       // answered a challenge
	Failed         // failed one
	Friend         // contact of a contact
	Anchor         // long useful
	Contact
)

// AppScore is the share of a peer's score that does not come from its messages. stake is 0 to 10 and counts for
// relays alone.
func (t Trust) AppScore(stake float64) float64 {
	base := [...]float64{0, 0, -50, 10, 20, 100}[t]
	if t == Verified {
		base += min(max(stake, 0), 10)
	}
	return base
}
