package gossip

import (
	"encoding/binary"
	mrand "math/rand/v2"
	"sync"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/envelope"
)

// 1: attackers that are neighbours and drop all. Scoring must keep the honest share up, and be what keeps it up.
func TestAttackSybil(t *testing.T) {
	var share [2]float64
	for i, off := range []bool{false, true} {
		inLab(t, func(l *lab) {
			l.town(func(_ int, n *Node) { n.noScore = off })
			m := l.mob(sybils(), perMob, quietly, nil)
			l.hum(70)
			m.again()
			l.late(99)
			ids := l.talk(15)
			share[i] = l.share()
			if off {
				l.pass(15 * time.Second)
				t.Logf("without scoring: %.4f delivered, p99 %v, honest share %.2f", l.heard(ids, honest-1), l.late(99), share[i])
				return
			}
			l.holds(t, "sybils", ids, enough())
		})
	}
	if share[0] < 0.5 || share[0] < share[1]+0.1 {
		t.Errorf("honest share of the mesh %.2f, without scoring %.2f", share[0], share[1])
	}
}

// 2: all neighbours of one publisher are attackers. A contact to whom everything is passed delivers, and nothing else does.
func TestAttackEclipse(t *testing.T) {
	var got [2]float64
	for i, friend := range []bool{true, false} {
		inLab(t, func(l *lab) {
			l.town(nil)
			contact := l.nodes[0]
			addr := contact.Host.Addrs()[0].String() + "/p2p/" + contact.Host.ID().String()
			victim := l.node("", func(n *Node) {
				if friend {
					n.Direct = []string{addr}
				}
			})
			if friend {
				if _, err := l.net.LinkPeers(victim.Host.ID(), contact.Host.ID()); err != nil {
					t.Fatal(err)
				}
			}
			for range 60 {
				p := l.raw()
				p.heed = func(*pb.RPC, peer.ID) {}
				l.link(victim.Host, p.host)
				p.dial(l, victim)
				p.joins(l)
			}
			l.pass(5 * time.Second)
			var ids []envelope.ID
			for range 40 {
				ids = append(ids, l.say(honest, 0))
				l.pass(250 * time.Millisecond)
			}
			l.pass(15 * time.Second)
			got[i] = l.heard(ids, honest)
		})
	}
	t.Logf("eclipsed: %.4f with a contact, %.4f without", got[0], got[1])
	if got[0] != 1 || got[1] > 0.01 {
		t.Errorf("eclipsed: %.4f with a contact, %.4f without", got[0], got[1])
	}
}

// 3: the attackers pass on everything but what one publisher writes.
func TestAttackCensor(t *testing.T) {
	inLab(t, func(l *lab) {
		l.town(nil)
		m := l.mob(sybils(), perMob, censor, l.nodes[5])
		l.hum(60)
		m.again()
		l.late(99)
		l.holds(t, "censored", l.talk(15, 5), enough())
	})
}

// 4: the attackers are there before the network is.
func TestAttackColdBoot(t *testing.T) {
	inLab(t, func(l *lab) {
		for range honest {
			l.node("", nil)
		}
		m := l.mob(sybils(), perMob, quietly, nil)
		l.pass(2 * time.Second)
		l.mix(5)
		l.hum(60)
		m.again()
		l.hum(30)
		l.late(99)
		l.holds(t, "cold boot, after 90 s", l.talk(15), enough())
	})
}

// 5: the attackers serve well for a long time, then all fall silent at once.
func TestAttackCovertFlash(t *testing.T) {
	inLab(t, func(l *lab) {
		l.town(nil)
		m := l.mob(sybils(), perMob, passing, nil)
		l.hum(120)
		before := l.share()
		m.how.Store(quietly)
		first := l.hum(55)
		l.pass(5 * time.Second)
		l.late(99)
		second := l.talk(15)
		got := l.heard(first, honest-1)
		t.Logf("honest share of the mesh %.2f before the flash; in the first minute %.4f delivered", before, got)
		if got < 0.9 {
			t.Errorf("in the first minute after the flash %.4f delivered", got)
		}
		l.holds(t, "a minute after the flash", second, enough())
	})
}

// 6: GRAFT again and again before the backoff is over.
func TestAttackGraftFlood(t *testing.T) {
	inLab(t, func(l *lab) {
		l.town(nil)
		m := l.mob(20, perMob, quietly, nil)
		for range 10 {
			for _, p := range m.peers {
				for range 20 {
					p.everyone(&pb.RPC{Control: &pb.ControlMessage{Prune: []*pb.ControlPrune{{TopicID: ptr(l.cut.Topic(0))}},
						Graft: []*pb.ControlGraft{{TopicID: ptr(l.cut.Topic(0))}}}})
				}
			}
			l.pass(time.Second)
		}
		worst, lists := 0.0, 0
		for _, p := range m.peers {
			for _, n := range l.nodes {
				if s := l.stats(n, p.host); s.ID != "" {
					if lists++; s.Score > ScoreRules().Graylist {
						worst = max(worst, s.Score-ScoreRules().Graylist)
					}
				}
			}
		}
		if worst > 0 || lists == 0 {
			t.Errorf("a flooder stands %.0f above the graylist after 10 s (%d looked at)", worst, lists)
		}
		l.holds(t, "graft flood", l.talk(10), enough())
	})
}

// 7: announce what nobody has. It costs little and is fined.
func TestAttackIHave(t *testing.T) {
	inLab(t, func(l *lab) {
		l.town(nil)
		calm := l.talk(5)
		m := l.mob(sybils()/4, perMob, quietly, nil)
		r := mrand.New(l.seed)
		for range 20 {
			for _, p := range m.peers {
				ids := make([]string, 200)
				for i := range ids {
					var b [21]byte
					binary.BigEndian.PutUint64(b[:], r.Uint64())
					ids[i] = string(b[:])
				}
				p.everyone(&pb.RPC{Control: &pb.ControlMessage{Ihave: []*pb.ControlIHave{{TopicID: ptr(l.cut.Topic(0)), MessageIDs: ids}}}})
			}
			l.pass(time.Second)
		}
		l.late(99)
		fined := 0
		for _, p := range m.peers {
			for _, n := range l.nodes {
				if s := l.stats(n, p.host); s.Behaviour > 0 {
					fined++
				}
			}
		}
		if fined == 0 {
			t.Error("a broken promise costs nothing")
		}
		l.holds(t, "false announcements", append(calm, l.talk(10)...), enough())
	})
}

// 9: valid stamped envelopes of strangers, as fast as one likes. What is held stays bounded and nobody else waits.
func TestAttackStorm(t *testing.T) {
	inLab(t, func(l *lab) {
		l.town(nil)
		l.late(95)
		l.talk(10)
		l.pass(5 * time.Second)
		calm := l.late(95)
		m := l.mob(8, perMob, quietly, nil)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for _, p := range m.peers {
			wg.Go(func() {
				var list []*pb.Message // the last fifty, forty-eight of them again
				for {
					select {
					case <-stop:
						return
					default:
					}
					for range 2 { // 160 new ones a second in all: what forty cores stamp at 18 bits
						list = append(list, &pb.Message{Data: l.letter(0, 100), Topic: ptr(l.cut.Topic(0))})
					}
					list = list[max(0, len(list)-50):]
					p.everyone(&pb.RPC{Publish: list})
					l.pass(100 * time.Millisecond)
				}
			})
		}
		ids := l.talk(10)
		close(stop)
		wg.Wait()
		l.pass(10 * time.Second)
		storm, got := l.late(95), l.heard(ids, honest-1)
		t.Logf("storm: %.4f delivered, p95 %v, calm %v, refused %v", got, storm, calm, l.nodes[0].Metrics().Refused)
		if got < enough() || storm > 2*calm+20*time.Millisecond {
			t.Errorf("storm: %.4f delivered, p95 %v, calm %v", got, storm, calm)
		}
	})
}

// A relay with more readers than neighbours, none of whom know each other: all hear all, by announcements if not as
// neighbours.
func TestStar(t *testing.T) {
	inLab(t, func(l *lab) {
		hub := l.node("", func(n *Node) { n.Relay = true })
		for range 12 {
			l.link(l.node("", nil).Host, hub.Host)
		}
		l.pass(2 * time.Second)
		var ids []envelope.ID
		for i := range 60 {
			ids = append(ids, l.say(1+i%12, 0))
			l.pass(300 * time.Millisecond)
		}
		l.pass(15 * time.Second)
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, id := range ids {
			if got := len(l.got[id]); got != 12 {
				t.Errorf("message %d heard by %v", i, l.got[id])
			}
		}
	})
}
