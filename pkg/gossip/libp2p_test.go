package gossip

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/pars-network/pars/pkg/envelope"
)

// lab is real routers on hosts in memory, under a clock of their own.
type lab struct {
	t     *testing.T
	net   mocknet.Mocknet
	nodes []*Node
	rules Rules
	cut   Cut
	seed  *mrand.ChaCha8

	mu  sync.Mutex
	got map[envelope.ID][]int // nodes that heard
	at  map[envelope.ID]time.Time
	lat []time.Duration
}

// inLab runs f under virtual time.
func inLab(t *testing.T, f func(*lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{t: t, net: mocknet.New(), got: map[envelope.ID][]int{}, at: map[envelope.ID]time.Time{}}
		l.rules = Rules{NetID: [32]byte{7}, Genesis: time.Now().Unix() - 100*hour, StampBits: 4}
		l.cut = Cut{"07000000", 0}
		l.seed = mrand.NewChaCha8([32]byte{1})
		l.net.SetLinkDefaults(mocknet.LinkOptions{Latency: 20 * time.Millisecond})
		f(l)
		for _, n := range l.nodes {
			n.Close()
		}
		l.net.Close()
		time.Sleep(time.Minute) // virtual: what the library leaves running ends
	})
}

func (l *lab) host(ip string) host.Host {
	l.t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		l.t.Fatal(err)
	}
	if ip == "" {
		ip = fmt.Sprintf("8.%d.%d.%d", len(l.net.Peers())>>14&255, len(l.net.Peers())>>6&255, len(l.net.Peers())&63)
	}
	h, err := l.net.AddPeer(key, ma.StringCast("/ip4/"+ip+"/tcp/4001"))
	if err != nil {
		l.t.Fatal(err)
	}
	return h
}

// node adds a node that hears all; set may change it before it starts.
func (l *lab) node(ip string, set func(*Node)) *Node {
	l.t.Helper()
	i := len(l.nodes)
	n := &Node{Host: l.host(ip), Rules: l.rules, Cut: l.cut, Now: time.Now, Rand: rand.Reader, Topics: []uint8{0}, All: true}
	n.Deliver = func(h Heard) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.got[h.ID] = append(l.got[h.ID], i)
		if sent, ok := l.at[h.ID]; ok {
			l.lat = append(l.lat, time.Since(sent))
		}
	}
	if set != nil {
		set(n)
	}
	if err := n.Start(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	l.nodes = append(l.nodes, n)
	return n
}

// link connects two hosts.
func (l *lab) link(a, b host.Host) {
	l.t.Helper()
	if _, err := l.net.LinkPeers(a.ID(), b.ID()); err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.net.ConnectPeers(a.ID(), b.ID()); err != nil {
		l.t.Fatal(err)
	}
}

// mix connects each node with the next and so many random others.
func (l *lab) mix(degree int) {
	l.t.Helper()
	r := mrand.New(l.seed)
	done := map[[2]int]bool{}
	join := func(a, b int) {
		if a > b {
			a, b = b, a
		}
		if a != b && !done[[2]int{a, b}] {
			done[[2]int{a, b}] = true
			l.link(l.nodes[a].Host, l.nodes[b].Host)
		}
	}
	for i := range l.nodes {
		join(i, (i+1)%len(l.nodes))
		for range degree - 1 {
			join(i, r.IntN(len(l.nodes)))
		}
	}
}

// letter makes a stamped envelope of a class; its expiry is so many hours from now.
func (l *lab) letter(class uint8, hours int) []byte {
	return stamped(l.rules, class, l.rules.ExpiryIn(time.Now().Unix(), hours))
}

func stamped(r Rules, class uint8, expiry uint16) []byte {
	b := make([]byte, envelope.ClassSize(class))
	rand.Read(b)
	b[0], b[1] = 1, class
	binary.BigEndian.PutUint16(b[2:], expiry)
	clear(b[28:32])
	r.Stamp(b, 0, func() bool { return false })
	return b
}

// say publishes at once from node i.
func (l *lab) say(i int, class uint8) envelope.ID {
	l.t.Helper()
	b := l.letter(class, 100)
	id := envelope.EnvelopeID(b)
	l.mu.Lock()
	l.at[id] = time.Now()
	l.mu.Unlock()
	if err := l.nodes[i].Queue(Pending{Envelope: b, Now: true, Until: time.Now().Add(time.Minute)}); err != nil {
		l.t.Fatal(err)
	}
	return id
}

// heard returns the share of nodes from..to that heard each of ids; the authors are not counted.
func (l *lab) heard(ids []envelope.ID, count int) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, id := range ids {
		n += len(l.got[id])
	}
	return float64(n) / float64(count*len(ids))
}

func TestAllHear(t *testing.T) {
	inLab(t, func(l *lab) {
		for range 20 {
			l.node("", nil)
		}
		l.mix(4)
		time.Sleep(5 * time.Second)
		var ids []envelope.ID
		for i := range 40 {
			ids = append(ids, l.say(i%20, uint8(i%2)))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
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

// rawMessages returns what reaches a bare host that speaks the router's protocol.
type rawPeer struct {
	host host.Host
	mu   sync.Mutex
	rpcs []*pb.RPC
	out  network.Stream
}

// A trap of the library: the policy not to sign alone still sends the author and a sequence number.
func TestNoAuthor(t *testing.T) {
	inLab(t, func(l *lab) {
		n := l.node("", nil)
		r := l.raw()
		l.link(n.Host, r.host)
		r.dial(l, n)
		r.send(l, &pb.RPC{Subscriptions: []*pb.RPC_SubOpts{{Subscribe: ptr(true), Topicid: ptr(l.cut.Topic(0))}}})
		r.graft(l)
		time.Sleep(3 * time.Second)
		l.say(0, 0)
		time.Sleep(2 * time.Second)
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
		time.Sleep(time.Second)
		good, bad, none := l.letter(0, 100), l.letter(0, 100), l.letter(0, 100)
		topic := l.cut.Topic(0)
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: bad, Topic: &topic, From: []byte(r.host.ID()), Seqno: []byte{1}}}})
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: none, Topic: ptr("/pars/08000000/g/1/00")}}})
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: good, Topic: &topic}}})
		time.Sleep(2 * time.Second)
		for _, c := range []struct {
			b    []byte
			want int
		}{{good, 1}, {bad, 0}, {none, 0}} {
			if got := len(l.got[envelope.EnvelopeID(c.b)]); got != c.want {
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
		n, m := l.node("", both), l.node("", func(n *Node) { n.Topics = []uint8{0} })
		r := l.raw()
		l.link(n.Host, r.host)
		l.link(n.Host, m.Host)
		r.dial(l, n)
		time.Sleep(2 * time.Second)
		b := l.letter(0, 100)
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: b, Topic: ptr(l.cut.Topic(1))}}})
		time.Sleep(time.Second)
		r.send(l, &pb.RPC{Publish: []*pb.Message{{Data: b, Topic: ptr(l.cut.Topic(0))}}})
		time.Sleep(3 * time.Second)
		if got := l.got[envelope.EnvelopeID(b)]; !slices.Equal(got, []int{0, 1}) {
			t.Errorf("heard by %v, want each once", got)
		}
	})
}

// raw adds a host that speaks the protocol by hand.
func (l *lab) raw() *rawPeer { return l.rawAt("") }

func (l *lab) rawAt(ip string) *rawPeer {
	r := &rawPeer{host: l.host(ip)}
	r.host.SetStreamHandler(pubsub.GossipSubID_v12, func(s network.Stream) {
		for {
			rpc, err := readRPC(s)
			if err != nil {
				s.Reset()
				return
			}
			r.mu.Lock()
			if len(r.rpcs) < 5000 {
				r.rpcs = append(r.rpcs, rpc)
			}
			r.mu.Unlock()
		}
	})
	return r
}

func (r *rawPeer) all() []*pb.RPC {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.rpcs)
}

func (r *rawPeer) dial(l *lab, n *Node) {
	l.t.Helper()
	s, err := r.host.NewStream(context.Background(), n.Host.ID(), pubsub.GossipSubID_v12)
	if err != nil {
		l.t.Fatal(err)
	}
	r.out = s
}

func (r *rawPeer) send(l *lab, rpc *pb.RPC) {
	l.t.Helper()
	if err := writeRPC(r.out, rpc); err != nil {
		l.t.Fatal(err)
	}
}

func (r *rawPeer) graft(l *lab) {
	l.t.Helper()
	r.send(l, &pb.RPC{Control: &pb.ControlMessage{Graft: []*pb.ControlGraft{{TopicID: ptr(l.cut.Topic(0))}}}})
}

func readRPC(s network.Stream) (*pb.RPC, error) {
	var n uint64
	var one [1]byte
	for shift := 0; ; shift += 7 {
		if _, err := readFull(s, one[:]); err != nil {
			return nil, err
		}
		n |= uint64(one[0]&0x7f) << shift
		if one[0] < 0x80 {
			break
		}
	}
	b := make([]byte, n)
	if _, err := readFull(s, b); err != nil {
		return nil, err
	}
	rpc := &pb.RPC{}
	return rpc, proto.Unmarshal(b, rpc)
}

func readFull(s network.Stream, b []byte) (int, error) { return io.ReadFull(s, b) }

func writeRPC(s network.Stream, rpc *pb.RPC) error {
	b, err := proto.Marshal(rpc)
	if err != nil {
		return err
	}
	_, err = s.Write(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
	return err
}

var _ = peer.ID("")
var _ = netip.Addr{}
