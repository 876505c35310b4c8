package gossip

import (
	"context"
	"errors"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

func TestAllHear(t *testing.T) {
	inLab(t, func(l *lab) {
		for range 20 {
			l.node("", nil)
		}
		l.mix(4)
		l.pass(5 * time.Second)
		var ids []envelope.ID
		for i := range 40 {
			ids = append(ids, l.say(i%20, uint8(i%2)))
			l.pass(100 * time.Millisecond)
		}
		l.pass(10 * time.Second)
		if got := l.heard(ids, 19); got != 1 {
			t.Errorf("%.4f of the deliveries", got)
		}
		m := l.nodes[3].Metrics()
		if m.Delivered != 40 || m.Published != 2 {
			t.Errorf("counted %+v", m)
		}
		t.Logf("duplicates %.2f, bytes a useful byte %.2f", m.DuplicatesPer(), m.BytesPerUseful())
	})
}

// The library forgets what it saw; a courier who comes later must not start a second flood.
func TestNoSecondFlood(t *testing.T) {
	inLab(t, func(l *lab) {
		for range 6 {
			l.node("", nil)
		}
		l.mix(3)
		l.pass(3 * time.Second)
		b := l.letter(0, 100)
		r := l.raw()
		l.link(l.nodes[0].Host, r.host)
		r.dial(l, l.nodes[0])
		put := func() { r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: b, Topic: ptr(l.cut.Topic(0))}}}) }
		put()
		l.pass(30 * time.Minute)
		before := l.nodes[3].Metrics()
		put()
		l.pass(time.Minute)
		after := l.nodes[3].Metrics()
		if got := len(l.who(b)); got != 6 {
			t.Errorf("delivered %d times to 6", got)
		}
		if d := after.In - before.In; d >= 1024 && after.Duplicates+after.Refused[Known] != before.Duplicates+before.Refused[Known] {
			t.Errorf("a second flood: %d bytes", d)
		}
		if m := l.nodes[0].Metrics(); m.Refused[Known] != 1 {
			t.Errorf("the first hop counts %v", m.Refused)
		}
	})
}

// Writing to a topic does not show an interest in it.
func TestWritingIsNotReading(t *testing.T) {
	inLab(t, func(l *lab) {
		l.cut.Bits = 2
		n := l.node("", func(n *Node) { n.Topics, n.mode = []uint8{3}, Reduced() })
		m := l.node("", func(n *Node) { n.Topics, n.mode = []uint8{1}, Reduced() })
		r := l.raw()
		l.link(n.Host, r.host)
		l.link(n.Host, m.Host)
		l.pass(3 * time.Second)
		b := l.letter(0, 100)
		if s := n.Publish(l.t.Context(), 1, b); s.Err != nil || s.Peers != 1 {
			t.Errorf("published to %d: %v", s.Peers, s.Err)
		}
		l.pass(3 * time.Second)
		if len(l.who(b)) != 1 {
			t.Error("not heard")
		}
		names := map[string]bool{}
		for _, rpc := range r.all() {
			for _, s := range rpc.Subscriptions {
				names[s.GetTopicid()] = true
			}
		}
		if len(names) != 1 || !names[l.cut.Topic(3)] {
			t.Errorf("neighbours see %v", names)
		}
	})
}

// A mode takes effect within a second, and takes the topics of a metered node away.
func TestModes(t *testing.T) {
	inLab(t, func(l *lab) {
		l.cut.Bits = 8
		groups := [][32]byte{{1}, {2}}
		n := l.node("", func(n *Node) { n.Topics = nil; n.Groups = func() [][32]byte { return groups } })
		l.pass(time.Second)
		real := map[uint8]bool{}
		for _, g := range groups {
			for _, s := range RealShards(g, time.Now().Unix()) {
				real[l.cut.Index(s)] = true
			}
		}
		for _, c := range []struct {
			name string
			mode Mode
			want int
		}{{"normal", Normal(), 4}, {"reduced", Reduced(), len(real)}, {"asleep", Asleep(200 << 10), 0}, {"normal again", Normal(), 4}} {
			n.SetMode(c.mode)
			l.pass(time.Second)
			if got := n.Joined(); len(got) != c.want {
				t.Errorf("%s: reads %v, want %d", c.name, got, c.want)
			}
		}
		groups = nil
		n.Refresh()
		l.pass(time.Second)
		if got := n.Joined(); len(got) != 0 {
			t.Errorf("without sessions: %v", got)
		}
		relay := l.node("", func(n *Node) { n.Topics = nil; n.Relay = true; n.Shards = 10 })
		l.pass(time.Second)
		if got := relay.Joined(); len(got) != 10 {
			t.Errorf("a relay of ten reads %v", got)
		}
	})
}

// A reader that does not read is cut at 8 MiB; the carrier goes on and fines nobody.
func TestSlowReader(t *testing.T) {
	inLab(t, func(l *lab) {
		hold := make(chan struct{})
		n := l.node("", func(n *Node) { n.Deliver = func(Heard) { <-hold } })
		r := l.raw()
		l.link(n.Host, r.host)
		r.dial(l, n)
		topic := l.cut.Topic(0)
		for range 150 {
			r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: l.letter(3, 100), Topic: &topic}}})
			l.pass(100 * time.Millisecond)
		}
		l.pass(time.Second)
		m := n.Metrics()
		if m.Refused[Full] != 150-129 || l.stats(n, r.host).Score < 0 {
			t.Errorf("refused %v, score %v", m.Refused, l.stats(n, r.host).Score)
		}
		close(hold)
	})
}

// Nobody there: told in time, and the message is not lost in silence.
func TestNobodyReads(t *testing.T) {
	inLab(t, func(l *lab) {
		n := l.node("", nil)
		ctx, cancel := context.WithTimeout(l.t.Context(), 20*time.Second)
		defer cancel()
		if s := n.Publish(ctx, 0, l.letter(0, 10)); !errors.Is(s.Err, ErrNoPeer) {
			t.Errorf("got %v", s.Err)
		}
		if err := n.Queue(Pending{Envelope: l.letter(0, 10)[:1000]}); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("a cut envelope: %v", err)
		}
		n.Close()
		if err := n.Queue(Pending{Envelope: l.letter(0, 10)}); err == nil {
			t.Error("taken after the end")
		}
	})
}
