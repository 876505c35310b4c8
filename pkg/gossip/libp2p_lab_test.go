package gossip

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	ma "github.com/multiformats/go-multiaddr"

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
		l.net.SetLinkDefaults(mocknet.LinkOptions{Latency: 2 * time.Millisecond}) // one write at a time: 500 a second
		f(l)
		for _, n := range l.nodes {
			n.Close()
		}
		l.net.Close()
		l.pass(time.Minute) // what the library leaves running ends
	})
}

// pass lets virtual time go by.
func (l *lab) pass(d time.Duration) {
	time.Sleep(d) // sleep: under synctest this is a step of the clock and takes no time
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

// who returns the nodes that heard an envelope.
func (l *lab) who(b []byte) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.got[envelope.EnvelopeID(b)])
}

// stats returns what n knows of a peer.
func (l *lab) stats(n *Node, h host.Host) (out PeerStats) {
	for _, s := range n.Peers() {
		if s.ID == PeerID(h.ID()) {
			return s
		}
	}
	return out
}
