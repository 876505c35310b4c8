package node

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
)

// Roads over which peers become known.
const (
	roadFlag    = "flag"
	roadMDNS    = "mdns"
	roadAnchor  = "anchor"
	roadInvite  = "invite"
	roadDHT     = "dht"
	roadRelay   = "relay"
	roadCard    = "card"
	roadInbound = "inbound"
)

const (
	dialTimeout = 10 * time.Second
	dialsAtOnce = 8
	backoffMin  = time.Second
	backoffMax  = time.Minute
	backoffPart = 16               // of the time a peer has been away is the longest wait
	restTime    = 10 * time.Minute // after a peer broke the protocol
	maxTargets  = 1024
)

// target is a peer that the node wants to be connected to.
type target struct {
	info    peer.AddrInfo
	road    string
	next    time.Time
	backoff time.Duration
	busy    bool
	lasting bool // named by a person: never forgotten
	good    time.Time
	met     time.Time // when it was last level with us, or became known
}

// dialer connects to known peers and opens a sync stream to each that has none. One goroutine plans;
// each attempt has its own and is waited for by Node.Close.
type dialer struct {
	n *Node

	mu      sync.Mutex // guards targets
	targets map[peer.ID]*target
	wake    chan struct{}
}

func newDialer(n *Node) *dialer {
	return &dialer{n: n, targets: map[peer.ID]*target{}, wake: make(chan struct{}, 1)}
}

// add makes a peer a target, or brings a known one's addresses up to date and tries it at once.
func (d *dialer) add(info peer.AddrInfo, road string) {
	if info.ID == d.n.host.ID() {
		return
	}
	d.n.book.want(info, road)
	d.mu.Lock()
	t := d.targets[info.ID]
	if t == nil {
		if len(d.targets) >= maxTargets && !d.evict() {
			d.mu.Unlock()
			return
		}
		t = &target{info: peer.AddrInfo{ID: info.ID}, road: road, met: d.n.clock()}
		d.targets[info.ID] = t
	}
	for _, a := range info.Addrs {
		if !slices.ContainsFunc(t.info.Addrs, a.Equal) {
			t.info.Addrs = append([]ma.Multiaddr{a}, t.info.Addrs...)
		}
	}
	t.info.Addrs = t.info.Addrs[:min(len(t.info.Addrs), 8)]
	t.lasting = t.lasting || road == roadFlag
	if !d.resting(t) {
		t.next, t.backoff = time.Time{}, 0
	}
	d.mu.Unlock()
	d.kick()
}

// evict forgets the target that was least useful, and never one that a person named.
func (d *dialer) evict() bool {
	var worst peer.ID
	for id, t := range d.targets {
		if !t.lasting && !t.busy && (worst == "" || t.good.Before(d.targets[worst].good)) {
			worst = id
		}
	}
	delete(d.targets, worst)
	return worst != ""
}

func (d *dialer) resting(t *target) bool { return t.backoff > backoffMax }

// rest leaves a peer alone that broke the protocol.
func (d *dialer) rest(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.targets[p]; t != nil {
		t.backoff, t.next = restTime, d.n.clock().Add(restTime)
	}
}

// good notes that a peer shares sessions and is level.
func (d *dialer) good(p peer.ID) {
	d.mu.Lock()
	t := d.targets[p]
	if t == nil {
		t = &target{info: peer.AddrInfo{ID: p}, road: roadInbound}
		d.targets[p] = t
	}
	t.good, t.backoff, t.next = d.n.clock(), 0, time.Time{}
	t.met = t.good
	if addrs := d.n.host.Peerstore().Addrs(p); len(addrs) > 0 {
		t.info.Addrs = addrs[:min(len(addrs), 8)]
	}
	addrs := t.info.Addrs
	d.mu.Unlock()
	d.n.book.contact(p, addrs)
	d.n.saveAnchors()
}

// parted notes that a stream ended that had been level.
func (d *dialer) parted(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.targets[p]; t != nil {
		t.met = d.n.clock()
	}
}

// placeless lists the targets of which only the peer id is known.
func (d *dialer) placeless() (out []peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, t := range d.targets {
		if len(t.info.Addrs) == 0 && !d.connected(id) {
			out = append(out, id)
		}
	}
	return out
}

// again tries every target at once: after the network changed.
func (d *dialer) again() {
	d.mu.Lock()
	for _, t := range d.targets {
		if !d.resting(t) {
			t.next, t.backoff = time.Time{}, 0
		}
	}
	d.mu.Unlock()
	d.kick()
}

func (d *dialer) kick() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *dialer) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		d.plan(ctx)
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-tick.C:
		}
	}
}

// plan starts an attempt for every target that is due and a stream for every connected peer without.
func (d *dialer) plan(ctx context.Context) {
	now, room := d.n.clock(), d.n.room()
	if !d.n.awake() {
		return
	}
	reserve := d.n.book.reserve(d.n.mode().Limits().Peers)
	d.mu.Lock()
	defer d.mu.Unlock()
	dialling := 0
	for id, t := range d.targets {
		if t.busy && !d.n.speaking(id) {
			dialling++
		}
	}
	for _, id := range d.order() {
		t := d.targets[id]
		if t.road == roadMDNS && t.good.IsZero() && dialling >= room-reserve {
			break // the rest is of the local network too, and the places left are those of contacts
		}
		if t.busy || dialling >= min(dialsAtOnce, room) || t.next.After(now) || d.n.speaking(id) || len(t.info.Addrs) == 0 && !d.connected(id) {
			continue
		}
		t.busy = true
		dialling++
		info := peer.AddrInfo{ID: t.info.ID, Addrs: slices.Clone(t.info.Addrs)}
		d.n.wg.Go(func() { d.try(ctx, info) })
	}
}

// order lists the targets, those first of whom more is known than that they are near.
func (d *dialer) order() (out []peer.ID) {
	var near []peer.ID
	for id, t := range d.targets {
		if t.road == roadMDNS && t.good.IsZero() {
			near = append(near, id)
		} else {
			out = append(out, id)
		}
	}
	return append(out, near...)
}

// has reports whether the dialer sees to a peer.
func (d *dialer) has(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.targets[p] != nil
}

func (d *dialer) connected(p peer.ID) bool {
	return d.n.host.Network().Connectedness(p) == network.Connected
}

// try connects if it must and speaks until the stream ends.
func (d *dialer) try(ctx context.Context, info peer.AddrInfo) {
	ok := d.connected(info.ID)
	if !ok {
		c, cancel := context.WithTimeout(ctx, dialTimeout)
		d.n.host.Peerstore().ClearAddrs(info.ID)
		d.n.host.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.TempAddrTTL)
		err := d.n.host.Connect(network.WithForceDirectDial(c, "sync"), info)
		cancel()
		d.n.book.tried(info.ID, err == nil)
		if ok = err == nil; !ok {
			d.n.log.Debug("dial", "peer", short(info.ID), "why", err)
		}
	}
	if ok {
		d.n.open(info.ID)
	}
	d.done(info.ID)
}

// done plans the next attempt: later each time, with jitter, so that nodes do not call in step. The wait
// stays a small part of how long the peer has been away, so that the end of a short cut is noticed soon
// where no interface tells of it.
func (d *dialer) done(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.targets[p]
	if t == nil {
		return
	}
	t.busy = false
	if d.resting(t) {
		return
	}
	now := d.n.clock()
	most := min(now.Sub(t.met)/backoffPart, backoffMax)
	t.backoff = max(min(2*t.backoff, most), backoffMin)
	t.next = now.Add(t.backoff/2 + d.n.jitter(t.backoff))
}

// roadOf says over which road a peer became known.
func (d *dialer) roadOf(p peer.ID) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.targets[p]; t != nil {
		return t.road
	}
	if m := d.n.mail; m != nil && m.relays.has(p) {
		return roadRelay
	}
	for _, c := range d.n.host.Network().ConnsToPeer(p) {
		if c.Stat().Direction == network.DirOutbound {
			return roadDHT // nobody else calls whom the dialer does not know
		}
	}
	return roadInbound
}

// best lists the targets that were most lately good, newest first.
func (d *dialer) best(max int) []peer.AddrInfo {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []*target
	for _, t := range d.targets {
		if !t.good.IsZero() && len(t.info.Addrs) > 0 {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *target) int { return b.good.Compare(a.good) })
	var out []peer.AddrInfo
	for _, t := range list[:min(len(list), max)] {
		out = append(out, t.info)
	}
	return out
}

// jitter returns a random part of d.
func (n *Node) jitter(d time.Duration) time.Duration {
	var b [1]byte
	if _, err := io.ReadFull(n.home.cfg.Rand, b[:]); err != nil {
		return d
	}
	return d * time.Duration(b[0]) / 256
}
