package gossip

import (
	"slices"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"github.com/pars-network/pars/pkg/envelope"
)

// A trap of the library: the policy not to sign alone still sends the author and a sequence number.
func TestNoAuthor(t *testing.T) {
	inLab(t, func(l *lab) {
		n := l.node("", nil)
		r := l.raw()
		l.link(n.Host, r.host)
		r.dial(l, n)
		r.send(l, &pb.RPC{Subscriptions: []*pb.RPC_SubOpts{{Subscribe: ptr(true), Topicid: ptr(l.cut.Topic(0))}}})
		r.graft(l)
		l.pass(3 * time.Second)
		l.say(0, 0)
		l.pass(2 * time.Second)
		seen := 0
		for _, rpc := range r.all() {
			for _, m := range rpc.Publish {
				seen++
				if m.From != nil || m.Seqno != nil || m.Key != nil || m.Signature != nil {
					t.Errorf("a message shows its author: from %x, seqno %x", m.From, m.Seqno)
				}
			}
		}
		if seen == 0 {
			t.Error("nothing was heard")
		}
	})
}

func ptr[T any](v T) *T { return &v }

// An author in a message of others is refused, and so is a message in a topic of another network.
func TestForeignAuthorRefused(t *testing.T) {
	inLab(t, func(l *lab) {
		n := l.node("", nil)
		r := l.raw()
		l.link(n.Host, r.host)
		r.dial(l, n)
		l.pass(time.Second)
		good, bad, none := l.letter(0, 100), l.letter(0, 100), l.letter(0, 100)
		topic := l.cut.Topic(0)
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: bad, Topic: &topic, From: []byte(r.host.ID()), Seqno: []byte{1}}}})
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: none, Topic: ptr("/pars/08000000/g/1/00")}}})
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: good, Topic: &topic}}})
		l.pass(2 * time.Second)
		for _, c := range []struct {
			b    []byte
			want int
		}{{good, 1}, {bad, 0}, {none, 0}} {
			if got := len(l.who(c.b)); got != c.want {
				t.Errorf("heard %d times, want %d", got, c.want)
			}
		}
	})
}

// Without the topic in the id, whoever publishes an envelope in a wrong topic first silences it in its own.
func TestWrongTopicSilencesNobody(t *testing.T) {
	inLab(t, func(l *lab) {
		l.cut.Bits = 1
		both := func(n *Node) { n.Topics = []uint8{0, 1} }
		n, m := l.node("", both), l.node("", func(n *Node) { n.Topics, n.mode = []uint8{0}, Reduced() }) // no cover: it hears one topic alone
		r := l.raw()
		l.link(n.Host, r.host)
		l.link(n.Host, m.Host)
		r.dial(l, n)
		l.pass(2 * time.Second)
		b := l.letter(0, 100)
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: b, Topic: ptr(l.cut.Topic(1))}}})
		l.pass(time.Second)
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: b, Topic: ptr(l.cut.Topic(0))}}})
		l.pass(3 * time.Second)
		if got := l.who(b); !slices.Equal(got, []int{0, 1}) {
			t.Errorf("heard by %v, want each once", got)
		}
	})
}

// Honest carriers pass on what they cannot see into: they are fined for nothing that only the receiver knows.
func TestFines(t *testing.T) {
	inLab(t, func(l *lab) {
		n := l.node("", nil)
		topic := l.cut.Topic(0)
		score := func(make func() []byte) float64 {
			r := l.raw()
			l.link(n.Host, r.host)
			r.dial(l, n)
			r.joins(l)
			l.pass(2 * time.Second)
			for range 20 {
				r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: make(), Topic: &topic}}})
			}
			l.pass(3 * time.Second)
			return l.stats(n, r.host).Score
		}
		hoursNow := l.rules.hours(time.Now().Unix())
		for name, make := range map[string]func() []byte{
			"expired":   func() []byte { return stamped(l.rules, 0, hoursNow-1) },
			"too early": func() []byte { return stamped(l.rules, 0, hoursNow+5000) },
		} {
			if got := score(make); got < 0 {
				t.Errorf("%s: an honest carrier has %v", name, got)
			}
		}
		bad := l.letter(0, 10)
		for envelope.Stamped(l.rules.NetID, bad, l.rules.StampBits) {
			bad[27]++
		}
		i := byte(0)
		for name, make := range map[string]func() []byte{
			"stamp": func() []byte {
				i++
				b := slices.Clone(bad)
				b[1023] = i
				for envelope.Stamped(l.rules.NetID, b, 4) {
					b[27]++
				}
				return b
			},
			"version":  func() []byte { b := l.letter(0, 10); b[0] = 3; return b },
			"length":   func() []byte { return l.letter(0, 10)[:900] },
			"reserved": func() []byte { b := l.letter(0, 10); b[28] = 3; return b },
		} {
			if got := score(make); got > ScoreRules().Graylist {
				t.Errorf("%s: a liar has %v", name, got)
			}
		}
		if m := n.Metrics(); m.Refused[Expired] != 40 || m.Refused[BadForm] == 0 || m.Refused[BadStamp] == 0 {
			t.Errorf("counted %v", m.Refused)
		}
	})
}

// A household has few peers, a carrier's address hundreds: only the crowd on one public address is held down.
func TestColocation(t *testing.T) {
	inLab(t, func(l *lab) {
		n := l.node("", nil)
		crowd := func(ip string, count int) (worst float64) {
			var hosts []*rawPeer
			for range count {
				r := l.rawAt(ip)
				l.link(n.Host, r.host)
				r.dial(l, n)
				r.joins(l)
				hosts = append(hosts, r)
			}
			l.pass(3 * time.Second)
			for _, r := range hosts {
				worst = min(worst, l.stats(n, r.host).Score)
			}
			return worst
		}
		if got := crowd("100.64.3.3", 300); got < 0 {
			t.Errorf("300 honest peers of one carrier: %v", got)
		}
		if got := crowd("9.9.9.8", 32); got < 0 {
			t.Errorf("32 on one address: %v", got)
		}
		if got := crowd("9.9.9.9", 60); got > ScoreRules().Gossip {
			t.Errorf("60 on one address: %v", got)
		}
	})
}

// A peer over its quota loses its messages, not its control, and silences nobody: the same envelope from another
// is heard.
func TestQuotaSilencesNobody(t *testing.T) {
	inLab(t, func(l *lab) {
		n := l.node("", nil)
		bad, good := l.raw(), l.raw()
		for _, r := range []*rawPeer{bad, good} {
			l.link(n.Host, r.host)
			r.dial(l, n)
		}
		topic := l.cut.Topic(0)
		junk := make([]*pb.Message, 60)
		over := stamped(l.rules, 0, l.rules.hours(time.Now().Unix())-1) // nobody is fined for it
		for i := range junk {
			junk[i] = &pb.Message{Data: over, Topic: &topic}
		}
		b := l.letter(0, 100)
		for range 2 * peerFramesBurst / 60 {
			bad.send(l, &pb.RPC{Publish: junk})
		}
		bad.send(l, &pb.RPC{Publish: append(slices.Clone(junk[1:]), &pb.Message{Data: b, Topic: &topic}),
			Subscriptions: []*pb.RPC_SubOpts{{Subscribe: ptr(true), Topicid: &topic}}})
		l.pass(100 * time.Millisecond)
		if len(l.who(b)) != 0 || n.Metrics().Refused[OverQuota] == 0 {
			t.Errorf("over quota and heard: %v", n.Metrics().Refused)
		}
		if n.readers(0) != 1 {
			t.Error("its control was dropped too")
		}
		good.send(l, &pb.RPC{Publish: []*pb.Message{{Data: b, Topic: &topic}}})
		l.pass(100 * time.Millisecond)
		if len(l.who(b)) != 1 {
			t.Error("silenced")
		}
	})
}
