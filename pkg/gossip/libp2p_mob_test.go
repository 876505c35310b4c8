package gossip

import (
	mrand "math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/envelope"
)

// honest is how many honest nodes stand against twenty times as many attackers; the soak has more.
var honest = 10

func sybils() int { return 20 * honest }

// enough is the share of deliveries that must be made. In a small town one message that four miss is half a per cent.
func enough() float64 {
	if honest < 50 {
		return 0.99
	}
	return 0.999
}

// soon is what the 99th of a hundred deliveries may take.
const soon = 2 * time.Second

// The published attacks (Vyzovitis et al., GossipSub: Attack-Resilient Message Propagation, 2020) at 20 attackers to one
// honest node. Each attacker has an address of its own and three honest neighbours.
const (
	perMob  = 2
	quietly = 0 // a sybil is a neighbour and passes nothing on
	passing = 1 // it passes all on
	censor  = 2 // it passes on what does not come from the victim
)

type mob struct {
	l      *lab
	peers  []*rawPeer
	how    atomic.Int32
	victim peer.ID
}

// mob adds attackers; each keeps asking to be a neighbour.
func (l *lab) mob(count, each int, how int32, victim *Node) *mob {
	m := &mob{l: l}
	m.how.Store(how)
	if victim != nil {
		m.victim = victim.Host.ID()
	}
	r := mrand.New(l.seed)
	for range count {
		p := l.raw()
		seen := map[string]bool{}
		p.heed = func(rpc *pb.RPC, from peer.ID) { m.pass(p, seen, rpc, from) }
		for _, i := range r.Perm(len(l.nodes))[:each] {
			l.link(l.nodes[i].Host, p.host)
			p.dial(l, l.nodes[i])
		}
		p.joins(l)
		m.peers = append(m.peers, p)
	}
	return m
}

func (m *mob) pass(p *rawPeer, seen map[string]bool, rpc *pb.RPC, from peer.ID) {
	how := m.how.Load()
	if how == quietly || len(rpc.Publish) == 0 {
		return
	}
	p.mu.Lock()
	var out []*pb.Message
	for _, msg := range rpc.Publish {
		id := envelope.EnvelopeID(msg.Data)
		if !seen[string(id[:])] && (how != censor || from != m.victim) {
			out = append(out, msg)
		}
		seen[string(id[:])] = true
	}
	p.mu.Unlock()
	if len(out) > 0 {
		p.everyone(&pb.RPC{Publish: out})
	}
}

// again asks to be a neighbour once more, after the backoff.
func (m *mob) again() {
	for _, p := range m.peers {
		p.joins(m.l)
	}
}

// share returns what part of the honest nodes' neighbours is honest.
func (l *lab) share() float64 {
	mine, all := 0, 0
	ids := map[PeerID]bool{}
	for _, n := range l.nodes {
		ids[PeerID(n.Host.ID())] = true
	}
	for _, n := range l.nodes {
		for _, p := range n.Peers() {
			if len(p.Mesh) > 0 {
				if all++; ids[p.ID] {
					mine++
				}
			}
		}
	}
	return float64(mine) / float64(all)
}

// hum lets so many seconds go by with one message each.
func (l *lab) hum(seconds int) (ids []envelope.ID) {
	r := mrand.New(l.seed)
	for range seconds {
		ids = append(ids, l.say(r.IntN(len(l.nodes)), 0))
		l.pass(time.Second)
	}
	return ids
}

// talk lets random nodes publish for so many seconds, four messages each, and returns their ids.
func (l *lab) talk(seconds int, by ...int) (ids []envelope.ID) {
	r := mrand.New(l.seed)
	for range seconds * 4 {
		i := r.IntN(len(l.nodes))
		if len(by) > 0 {
			i = by[0]
		}
		ids = append(ids, l.say(i, 0))
		l.pass(250 * time.Millisecond)
	}
	return ids
}

// late returns a percentile of what deliveries took since the last call.
func (l *lab) late(percent int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := slices.Clone(l.lat)
	l.lat = nil
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[(len(list)-1)*percent/100]
}

// town adds the honest nodes and lets them find each other.
func (l *lab) town(set func(i int, n *Node)) {
	for i := range honest {
		l.node("", func(n *Node) {
			if set != nil {
				set(i, n)
			}
		})
	}
	l.mix(5)
	l.pass(10 * time.Second)
}

// holds checks delivery and lateness, and reports both.
func (l *lab) holds(t *testing.T, what string, ids []envelope.ID, least float64) {
	t.Helper()
	l.pass(15 * time.Second)
	got, late := l.heard(ids, honest-1), l.late(99)
	t.Logf("%s: %.4f delivered, p99 %v, honest share of the mesh %.2f", what, got, late, l.share())
	if got < least || late > soon {
		t.Errorf("%s: %.4f delivered, p99 %v", what, got, late)
	}
}
