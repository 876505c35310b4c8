package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/link"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	crowd    = 50 // hosts of one run
	degree   = 6  // that each dials
	spoken   = 100
	every    = 100 * time.Millisecond
	settling = 5 * time.Second
)

// overlay is one way to spread messages among hosts that are connected already.
type overlay interface {
	start(ctx context.Context, hosts []host.Host, links [][2]int) error
	say(i int, payload []byte) error
	sent() uint64 // bytes, control and framing among them
	heard() uint64
	close()
}

// gossipRows lets the library with its defaults and ours speak in turns, on real hosts over loopback.
func gossipRows(b *bench) error {
	rounds := 3
	if b.quick {
		rounds = 1
	}
	for _, r := range []struct {
		what  string
		size  int
		limit float64
		ours  func() overlay
	}{
		{"session tree, 300 B", 300, 1.5, func() overlay { return &treeNet{} }},
		{"session tree, 4 KB", 4096, 1.5, func() overlay { return &treeNet{} }},
		{"shards, 1 KiB envelopes", 1024, 4, func() overlay { return &shardNet{} }},
		{"shards, 4 KiB envelopes", 4096, 4, func() overlay { return &shardNet{} }},
	} {
		var theirs, ours series
		for range rounds {
			for _, side := range []struct {
				of   func() overlay
				into *series
			}{{func() overlay { return &stockNet{} }, &theirs}, {r.ours, &ours}} {
				c, err := spread(side.of(), r.size)
				if err != nil {
					return fmt.Errorf("%s: %w", r.what, err)
				}
				*side.into = append(*side.into, c)
			}
		}
		peerBytes, peerCPU := theirs.median(value, 1), theirs.median(cpu, 1e6)
		b.add(row{Area: "gossip", Measure: r.what + ", n=50, bytes a delivery by payload", Unit: "x", Peer: "gossipsub v0.17.0, defaults", Rounds: rounds},
			&peerBytes, ours.median(value, 1)).atMost(r.limit).note("all that is sent, control and framing among it, by payload x deliveries; all %d messages heard by all", spoken)
		b.add(row{Area: "gossip", Measure: r.what + ", n=50, CPU a delivery", Unit: "us", Peer: "gossipsub v0.17.0, defaults", Rounds: rounds},
			&peerCPU, ours.median(cpu, 1e6)).atMost(100).note("the whole process: TCP, Noise, yamux and heartbeats of 50 hosts")
	}
	return nil
}

// spread runs one overlay and returns the CPU seconds a delivery, and bytes a payload byte delivered.
func spread(o overlay, size int) (c cost, err error) {
	hosts, links, err := connected()
	defer func() {
		for _, h := range hosts {
			h.Close()
		}
	}()
	if err != nil {
		return c, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := o.start(ctx, hosts, links); err != nil {
		return c, err
	}
	defer o.close()
	time.Sleep(settling)
	r := mrand.New(mrand.NewPCG(1, uint64(size)))
	speak := func(n int) error {
		for range n {
			if err := o.say(r.IntN(len(hosts)), message(size)); err != nil {
				return err
			}
			time.Sleep(every)
		}
		return nil
	}
	if err := speak(10); err != nil { // the tree finds itself, the mesh too
		return c, err
	}
	time.Sleep(2 * time.Second)
	sent, heard, used := o.sent(), o.heard(), cpuTime()
	if err := speak(spoken); err != nil {
		return c, err
	}
	due := uint64(spoken * (crowd - 1))
	for end := time.Now().Add(20 * time.Second); o.heard()-heard < due && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if got := o.heard() - heard; got != due {
		return c, fmt.Errorf("%d of %d deliveries", got, due)
	}
	return cost{cpu: (cpuTime() - used) / float64(due), value: float64(o.sent()-sent) / float64(due) / float64(size)}, nil
}

// message is an envelope where the size is one's, else random bytes.
func message(size int) []byte {
	b := make([]byte, size)
	rand.Read(b)
	b[0], b[1] = 1, 0
	for c := range uint8(4) {
		if envelope.ClassSize(c) == size {
			b[1] = c
		}
	}
	binary.BigEndian.PutUint16(b[2:], 100)
	clear(b[28:32])
	return b
}

// connected returns hosts on loopback, each of which has dialled six others.
func connected() (hosts []host.Host, links [][2]int, err error) {
	for i := range crowd {
		seed := [32]byte{byte(i), 1}
		h, err := link.Host(link.Options{Seed: seed, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Limits: link.Machine, Low: 200})
		if err != nil {
			return hosts, nil, err
		}
		hosts = append(hosts, h)
	}
	r := mrand.New(mrand.NewPCG(7, 7))
	have := map[[2]int]bool{}
	for i := range hosts {
		for _, j := range append([]int{(i + 1) % crowd}, r.Perm(crowd)[:degree-1]...) {
			pair := [2]int{min(i, j), max(i, j)}
			if i == j || have[pair] {
				continue
			}
			have[pair] = true
			links = append(links, [2]int{i, j})
			if err := hosts[i].Connect(context.Background(), peer.AddrInfo{ID: hosts[j].ID(), Addrs: hosts[j].Addrs()}); err != nil {
				return hosts, nil, err
			}
		}
	}
	return hosts, links, nil
}

// stockNet is the library as it comes, unsigned so that it does not pay for what ours does not have.
type stockNet struct {
	topics     []*pubsub.Topic
	bytes, got atomic.Uint64
	wg         sync.WaitGroup
	cancel     func()
}

func (s *stockNet) start(ctx context.Context, hosts []host.Host, _ [][2]int) error {
	ctx, s.cancel = context.WithCancel(ctx)
	for _, h := range hosts {
		ps, err := pubsub.NewGossipSub(ctx, h, pubsub.WithMessageSignaturePolicy(pubsub.LaxNoSign), pubsub.WithRawTracer(counter{s}))
		if err != nil {
			return err
		}
		t, err := ps.Join("bench")
		if err != nil {
			return err
		}
		sub, err := t.Subscribe(pubsub.WithBufferSize(1024))
		if err != nil {
			return err
		}
		s.topics = append(s.topics, t)
		s.wg.Go(func() {
			for {
				m, err := sub.Next(ctx)
				if err != nil {
					return
				}
				if m.ReceivedFrom != h.ID() {
					s.got.Add(1)
				}
			}
		})
	}
	return nil
}

func (s *stockNet) say(i int, b []byte) error { return s.topics[i].Publish(context.Background(), b) }
func (s *stockNet) sent() uint64              { return s.bytes.Load() }
func (s *stockNet) heard() uint64             { return s.got.Load() }
func (s *stockNet) close()                    { s.cancel(); s.wg.Wait() }

// shardNet is our shards.
type shardNet struct {
	nodes []*gossip.Node
	got   atomic.Uint64
}

func (s *shardNet) start(ctx context.Context, hosts []host.Host, _ [][2]int) error {
	for _, h := range hosts {
		n := &gossip.Node{Host: h, Cut: gossip.Cut{NetID8: "00000000"}, Rules: gossip.Rules{Genesis: time.Now().Unix()}, Now: time.Now, Rand: rand.Reader,
			Topics: []uint8{0}, All: true, Deliver: func(gossip.Heard) { s.got.Add(1) }}
		if err := n.Start(ctx); err != nil {
			return err
		}
		s.nodes = append(s.nodes, n)
	}
	return nil
}

func (s *shardNet) say(i int, b []byte) error {
	return s.nodes[i].Queue(gossip.Pending{Envelope: b, Now: true})
}

func (s *shardNet) sent() (n uint64) {
	for _, x := range s.nodes {
		n += x.Metrics().Out
	}
	return n
}

func (s *shardNet) heard() uint64 { return s.got.Load() }

func (s *shardNet) close() {
	for _, n := range s.nodes {
		n.Close()
	}
}

// treeNet is the session tree over streams of the same hosts. A message stands for a run of one vertex.
type treeNet struct {
	nodes      []*treeNode
	bytes, got atomic.Uint64
	wg         sync.WaitGroup
	cancel     func()
}

type treeNode struct {
	net  *treeNet
	host host.Host
	mu   sync.Mutex // guards all below
	tree gossip.Tree
	log  map[gossip.Short][]byte
	out  map[gossip.PeerID]chan []byte
}

const treeProtocol = "/pars/00000000/tree/1"

func (t *treeNet) start(ctx context.Context, hosts []host.Host, links [][2]int) error {
	ctx, t.cancel = context.WithCancel(ctx)
	for _, h := range hosts {
		n := &treeNode{net: t, host: h, log: map[gossip.Short][]byte{}, out: map[gossip.PeerID]chan []byte{}}
		n.tree.Rand = rand.Reader
		t.nodes = append(t.nodes, n)
		h.SetStreamHandler(treeProtocol, func(s network.Stream) { t.wg.Go(func() { n.read(s) }) })
	}
	count := make([]int, len(hosts))
	for _, l := range links {
		if count[l[0]] >= 4 || count[l[1]] >= 6 { // active view, and those who call
			continue
		}
		count[l[0]]++
		count[l[1]]++
		for _, d := range [][2]int{l, {l[1], l[0]}} {
			if err := t.nodes[d[0]].open(ctx, hosts[d[1]].ID(), d == l); err != nil {
				return err
			}
		}
	}
	for _, n := range t.nodes {
		t.wg.Go(func() { n.tick(ctx) })
	}
	return nil
}

// open makes the stream on which n speaks to a peer.
func (n *treeNode) open(ctx context.Context, to peer.ID, called bool) error {
	s, err := n.host.NewStream(ctx, to, treeProtocol)
	if err != nil {
		return err
	}
	c := make(chan []byte, 1024)
	n.mu.Lock()
	n.out[gossip.PeerID(to)] = c
	n.do(n.tree.Join(gossip.PeerID(to), called, time.Millisecond, time.Now()))
	n.mu.Unlock()
	n.net.wg.Go(func() {
		for {
			select {
			case b := <-c:
				if _, err := s.Write(b); err != nil {
					return
				}
			case <-ctx.Done():
				s.Reset()
				return
			}
		}
	})
	return nil
}

func (n *treeNode) tick(ctx context.Context) {
	for ctx.Err() == nil {
		n.mu.Lock()
		n.do(n.tree.Tick(time.Now()))
		wait := time.Until(n.tree.Next(time.Now()))
		n.mu.Unlock()
		select {
		case <-time.After(max(wait, 10*time.Millisecond)):
		case <-ctx.Done():
		}
	}
}

// do sends frames. The caller holds mu.
func (n *treeNode) do(list []gossip.Send) {
	for _, s := range list {
		var body []byte
		switch s.Kind {
		case 0:
			continue
		case gossip.TreePush:
			body = gossip.AppendPush(nil, s.Hop, nil)
			for _, id := range s.IDs {
				body = append(append(wire.AppendUvarint(body, uint64(len(n.log[id])+8)), id[:]...), n.log[id]...)
			}
		case gossip.TreeVec:
			body = make([]byte, 40) // author and number of what changed
		case gossip.TreeBye:
			body = gossip.AppendBye(nil, s.Reason, 0)
		default:
			body = gossip.AppendShorts(nil, s.IDs)
		}
		f := wire.AppendFrame(nil, s.Kind, body)
		n.net.bytes.Add(uint64(len(f)))
		select {
		case n.out[s.To] <- f:
		default:
		}
	}
}

func (n *treeNode) read(s network.Stream) {
	from := gossip.PeerID(s.Conn().RemotePeer())
	r := bufio.NewReader(s)
	for {
		typ, body, err := wire.ReadFrame(r)
		if err != nil {
			s.Reset()
			return
		}
		f, err := gossip.DecodeTree(typ, body)
		if err != nil {
			s.Reset()
			return
		}
		n.mu.Lock()
		n.take(from, f)
		n.mu.Unlock()
	}
}

// take is what a session does with a frame, but that it would verify what it is pushed.
func (n *treeNode) take(from gossip.PeerID, f gossip.TreeFrame) {
	now := time.Now()
	if f.Kind == gossip.TreeVec {
		return
	}
	if f.Kind != gossip.TreePush {
		n.do(n.tree.Frame(from, f, now))
		return
	}
	var ids []gossip.Short
	var fresh []bool
	for r := wire.NewReader(f.Body); r.Len() > 0 && r.Err() == nil; {
		item := r.Take(int(r.Uvarint(1 << 16)))
		if len(item) < 8 {
			return
		}
		id := gossip.Short(item)
		ids, fresh = append(ids, id), append(fresh, n.log[id] == nil)
		if n.log[id] == nil {
			n.log[id] = item[8:]
			n.net.got.Add(1)
		}
	}
	n.do(n.tree.Received(from, f.Hop, ids, fresh, now))
}

func (t *treeNet) say(i int, b []byte) error {
	n := t.nodes[i]
	var id gossip.Short
	if _, err := io.ReadFull(rand.Reader, id[:]); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log[id] = b
	n.do(n.tree.Wrote([]gossip.Short{id}, time.Now()))
	return nil
}

func (t *treeNet) sent() uint64  { return t.bytes.Load() }
func (t *treeNet) heard() uint64 { return t.got.Load() }
func (t *treeNet) close() {
	t.cancel()
	for _, n := range t.nodes {
		n.host.RemoveStreamHandler(treeProtocol)
		n.host.Close()
	}
	t.wg.Wait()
}
