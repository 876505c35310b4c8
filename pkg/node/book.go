package node

import (
	"context"
	"encoding/binary"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/peerbook"
)

// When the peer book is worked on.
const (
	bookTick   = 5 * time.Second
	bookHear   = 30 * time.Second
	bookUseful = time.Minute
	bookSave   = 10 * time.Minute
	feelFor    = 5 * time.Second
	bookTag    = "book" // connections that are not closed for want of room
)

var bookName = []byte("peerbook")

// book is what the node knows of peers: whom it calls beside those it wants, whom it lets in, and when it
// doubts what it sees. One goroutine works on it; the dialer tells it what happens.
type book struct {
	n    *Node
	wake chan struct{}

	mu    sync.Mutex // guards below
	b     *peerbook.Book
	alarm peerbook.Alarm
	named []peerbook.ID // by the hash table, at the last look
	busy  map[peer.ID]bool

	// of the goroutine alone
	heard, useful, saved time.Time
}

// newBook reads the book of last time, or begins one. A damaged one counts as none.
func newBook(n *Node) (*book, error) {
	k := &book{n: n, wake: make(chan struct{}, 1), busy: map[peer.ID]bool{}}
	if rec, err := n.home.setting(bookName); err == nil {
		if k.b, err = peerbook.Decode(rec, nil, n.intn); err != nil {
			n.log.Warn("the peer book is damaged on disk", "why", err)
		}
	}
	if k.b == nil {
		var secret [32]byte
		if _, err := io.ReadFull(n.home.cfg.Rand, secret[:]); err != nil {
			return nil, err
		}
		k.b = peerbook.New(secret, n.home.cfg.Phone, nil, n.intn)
	}
	k.loadAlarm()
	k.saved = n.clock()
	k.b.Start(k.saved)
	return k, nil
}

// intn returns a random number below n.
func (n *Node) intn(below int) int {
	var b [8]byte
	if _, err := io.ReadFull(n.home.cfg.Rand, b[:]); err != nil || below <= 0 {
		return 0
	}
	return int(binary.BigEndian.Uint64(b[:]) % uint64(below))
}

func (k *book) kick() {
	if k == nil {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// with runs f on the book; without one nothing happens.
func (k *book) with(f func(*peerbook.Book, time.Time)) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	f(k.b, k.n.clock())
}

// warm reports whether those only heard of must wait for contacts and anchors.
func (k *book) warm() (yes bool) {
	k.with(func(b *peerbook.Book, now time.Time) { yes = b.Warm(now) })
	return yes
}

// want notes a peer that the dialer is to call.
func (k *book) want(info peer.AddrInfo, road string) {
	class := peerbook.Friend
	switch road {
	case roadFlag, roadInvite:
		class = peerbook.Named
	case roadAnchor:
		class = peerbook.Contact // it was level with us
	case roadMDNS:
		class = peerbook.LAN
	}
	k.with(func(b *peerbook.Book, now time.Time) { b.Know(class, peerbook.ID(info.ID), rawAddrs(info.Addrs), now) })
}

// contact notes a peer that has proven to share a session: what it shows is another road than what may
// control the view.
func (k *book) contact(p peer.ID, addrs []ma.Multiaddr) {
	cleared := false
	k.with(func(b *peerbook.Book, now time.Time) {
		b.Know(peerbook.Contact, peerbook.ID(p), rawAddrs(addrs), now)
		b.Good(peerbook.ID(p), nil, now)
		cleared = k.alarm.Clear()
	})
	if cleared {
		k.saveAlarm("")
		k.n.log.Info("a contact was met: the view is confirmed")
		k.n.event(Event{Type: "alarm", Why: ""})
	}
}

// tried notes how a call ended. While nobody at all is connected the network explains a failure.
func (k *book) tried(p peer.ID, ok bool) {
	alone := len(k.n.host.Network().Peers()) == 0
	k.with(func(b *peerbook.Book, now time.Time) {
		if b.Called(peerbook.ID(p), now); ok {
			b.Good(peerbook.ID(p), nil, now)
		} else {
			b.Failed(peerbook.ID(p), alone, now)
		}
	})
}

// reserve returns how many of most places are left for contacts who are away.
func (k *book) reserve(most int) (n int) {
	k.with(func(b *peerbook.Book, _ time.Time) { n = b.Waiting(most, k.uses(network.DirOutbound)) })
	return n
}

// uses describes the connections of a direction, or all. The caller holds mu.
func (k *book) uses(dir network.Direction) (out []peerbook.Use) {
	for _, c := range k.n.host.Network().Conns() {
		if dir != network.DirUnknown && c.Stat().Direction != dir {
			continue
		}
		u, known := k.b.UseOf(peerbook.ID(c.RemotePeer()))
		if !known {
			u = peerbook.Use{ID: peerbook.ID(c.RemotePeer()), Class: peerbook.DHT, Group: k.b.Group(c.RemoteMultiaddr().Bytes()), First: c.Stat().Opened}
			u.Source = string(u.Group)
		}
		out = append(out, u)
	}
	return out
}

func (k *book) run(ctx context.Context) {
	tick := time.NewTicker(bookTick)
	defer tick.Stop()
	defer k.save()
	for {
		k.step(ctx)
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-tick.C:
		}
	}
}

func (k *book) step(ctx context.Context) {
	now := k.n.clock()
	if now.Sub(k.saved) >= bookSave {
		k.save()
	}
	if now.Sub(k.useful) >= bookUseful {
		k.served(now)
	}
	k.crowd()
	k.look(now)
	if !k.n.awake() {
		return
	}
	if now.Sub(k.heard) >= bookHear {
		k.hear()
		k.heard = now
	}
	k.fill(ctx)
	k.feel(ctx)
}

// save keeps the book, sealed as all of the store is.
func (k *book) save() {
	var rec []byte
	k.with(func(b *peerbook.Book, now time.Time) {
		b.Expire(len(k.n.host.Network().Peers()) == 0, now)
		rec, k.saved = b.Encode(), now
	})
	if err := k.n.home.saveSetting(bookName, rec); err != nil {
		k.n.log.Warn("peer book not saved", "why", err)
	}
}

// served counts the time in which peers were of use.
func (k *book) served(now time.Time) {
	since := now.Sub(k.useful)
	first := k.useful.IsZero()
	k.useful = now
	if first {
		return
	}
	k.with(func(b *peerbook.Book, now time.Time) {
		for _, u := range k.uses(network.DirOutbound) {
			b.Useful(u.ID, min(since, 2*bookUseful), now)
		}
	})
}

// hear takes the peers in the table of the hash table: each told of itself.
func (k *book) hear() {
	if k.n.presence == nil {
		return
	}
	table := k.n.presence.dht.Load().Table()
	k.with(func(b *peerbook.Book, now time.Time) {
		k.named = k.named[:0]
		for _, t := range table {
			if len(t.Addrs) == 0 {
				continue
			}
			g := b.Group(t.Addrs[0])
			b.Hear(peerbook.Source{Class: peerbook.DHT, Name: "table " + short(peer.ID(t.ID)), Group: g}, peerbook.ID(t.ID), t.Addrs, now)
			k.named = append(k.named, peerbook.ID(t.ID))
		}
	})
}

// listed takes a peer that a list or a name led to. All of one list are of one source, however many it names.
func (k *book) listed(list string, p dht.Peer) {
	list = list[:min(len(list), 48)]
	k.with(func(b *peerbook.Book, now time.Time) {
		b.Hear(peerbook.Source{Class: peerbook.Listed, Name: list, Group: peerbook.Group("list " + list)}, peerbook.ID(p.ID), p.Addrs, now)
	})
}

// fill calls one more peer while there are slots for it. Half of them are left to those the dialer wants.
func (k *book) fill(ctx context.Context) {
	l := k.n.mode().Limits()
	var next peerbook.Entry
	var ok bool
	k.with(func(b *peerbook.Book, now time.Time) {
		use, strangers := k.uses(network.DirOutbound), 0
		for _, u := range use {
			if u.Class > peerbook.Friend && u.Class != peerbook.LAN {
				strangers++
			}
		}
		next, ok = b.Next(l.Peers, use, func(id peerbook.ID) bool {
			e, _ := b.Get(id)
			strange := e.Class > peerbook.Friend && !e.Anchor
			return strange && (!l.Strangers || strangers >= l.Peers/2) || now.Sub(e.Call) < time.Minute || k.taken(peer.ID(id))
		}, now)
		if ok {
			b.Called(next.ID, now)
		}
	})
	if !ok {
		return
	}
	info := addrInfo(dht.PeerID(next.ID), next.Addrs)
	if next.Class <= peerbook.Friend {
		k.n.dialer.add(info, roadAnchor)
		return
	}
	k.call(ctx, info, dialTimeout, true)
}

// taken reports whether a peer is connected, or being called here or by the dialer. The caller holds mu.
func (k *book) taken(p peer.ID) bool {
	return p == k.n.host.ID() || k.busy[p] || k.n.dialer.has(p) || k.n.dialer.connected(p)
}

// feel tries an address of which was only heard, and hangs up.
func (k *book) feel(ctx context.Context) {
	if !k.n.mode().Limits().Feelers || len(k.n.host.Network().Peers()) == 0 {
		return
	}
	var next peerbook.Entry
	var ok bool
	k.with(func(b *peerbook.Book, now time.Time) {
		if next, ok = b.Feeler(func(id peerbook.ID) bool { return k.taken(peer.ID(id)) }, now); ok {
			b.Called(next.ID, now)
		}
	})
	if ok {
		k.call(ctx, addrInfo(dht.PeerID(next.ID), next.Addrs), feelFor, false)
	}
}

// call connects in the background, and notes whether that worked.
func (k *book) call(ctx context.Context, info peer.AddrInfo, within time.Duration, stay bool) {
	k.mu.Lock()
	k.busy[info.ID] = true
	k.mu.Unlock()
	k.n.wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		h := k.n.host
		h.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.TempAddrTTL)
		err := h.Connect(network.WithForceDirectDial(ctx, bookTag), info)
		k.tried(info.ID, err == nil)
		switch {
		case err != nil:
		case stay:
			h.ConnManager().TagPeer(info.ID, bookTag, 10)
		case !k.n.speaking(info.ID) && !k.n.dialer.has(info.ID):
			h.Network().ClosePeer(info.ID)
		}
		k.mu.Lock()
		delete(k.busy, info.ID)
		k.mu.Unlock()
	})
}

// crowd closes connections that others opened when there are too many: those of strangers who are best at
// nothing.
func (k *book) crowd() {
	limit := k.n.mode().Limits().Inbound
	if limit == 0 {
		return // the door is closed, or is about to be
	}
	for range limit {
		var in []peerbook.Inbound
		k.with(func(b *peerbook.Book, _ time.Time) {
			for _, c := range k.n.host.Network().Conns() {
				if c.Stat().Direction == network.DirInbound {
					in = append(in, k.inbound(b, c))
				}
			}
		})
		victim, ok := peerbook.Evict(in, limit)
		if !ok {
			return
		}
		k.n.log.Debug("too many callers", "closing", short(peer.ID(victim)))
		k.n.host.Network().ClosePeer(peer.ID(victim))
	}
}

func (k *book) inbound(b *peerbook.Book, c network.Conn) peerbook.Inbound {
	p := c.RemotePeer()
	e, known := b.Get(peerbook.ID(p))
	k.n.mu.Lock()
	st := k.n.streams[p]
	shares := st != nil && st.shared > 0
	k.n.mu.Unlock()
	return peerbook.Inbound{ID: peerbook.ID(p), Contact: shares || known && e.Class == peerbook.Contact, Group: b.Group(c.RemoteMultiaddr().Bytes()),
		RTT: k.n.host.Peerstore().LatencyEWMA(p), Since: c.Stat().Opened, Useful: int64(e.Life)}
}

// look doubts what is seen when it has a reason.
func (k *book) look(now time.Time) {
	changed, why := false, ""
	k.with(func(b *peerbook.Book, _ time.Time) {
		v := peerbook.View{Peers: k.uses(network.DirUnknown), Disjoint: b.Strange(k.named, now)}
		for _, u := range v.Peers {
			v.Trusted = v.Trusted || u.Trusted(now)
		}
		changed = k.alarm.Look(v, now)
		why = k.alarm.Why
	})
	if changed {
		k.saveAlarm(why)
		k.n.log.Warn("the view of the network may be controlled", "why", why)
		k.n.event(Event{Type: "alarm", Why: why})
	}
}

// alarmed returns why the view is in doubt, "" when it is not.
func (k *book) alarmed() (why string) {
	k.with(func(*peerbook.Book, time.Time) { why = k.alarm.Why })
	return why
}
