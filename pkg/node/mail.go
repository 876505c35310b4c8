package node

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/resource"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/vertex"
)

// When mail is written and fetched.
const (
	mailTick    = 2 * time.Second
	pollEvery   = 10 * time.Minute
	pollMetered = 15 * time.Minute
	mailOwn     = 2 * time.Second  // what one wrote within is one envelope
	mailAgain   = 10 * time.Minute // at most between attempts while nobody keeps it
	mailOthers  = 3 * time.Minute  // for what others wrote: mostly they mail it themselves
	mailNews    = 24 * time.Hour   // and nothing older of theirs
	mailMost    = 512              // entries of one session at a time
	letterLife  = 24 * time.Hour   // a letter nobody kept is sealed anew, under the tag of its day
	mailCopies  = 6                // how many couriers may carry one envelope
	mailStorers = 3                // storers that a sender hands it to
	mailLife    = 14 * 24          // hours
	daysBack    = 14               // of tags that a storer is asked for
	maxOpened   = 4096             // envelopes remembered, not to be fetched again
)

// mail is this node among the carriers of sealed envelopes: it hears those of its sessions on shared topics, keeps
// some for others, leaves with storers what absent members lack, and fetches what was left for it. One goroutine plans.
type mail struct {
	n      *Node
	g      *gossip.Node
	wake   chan struct{}
	relays *relays
	on     atomic.Bool // the overlay runs

	mu     sync.Mutex // guards all below
	tags   map[[16]byte]tagged
	until  time.Time // when tags are to be made anew
	opened map[envelope.ID]struct{}
	order  []envelope.ID
	heard  map[vertex.ID]bool // seen in an envelope; true: left with a storer by this node
	polled map[gossip.PeerID]time.Time
	counts mailCounts

	turns map[vertex.Session]*turn // of the goroutine alone
}

// mailCounts are what the node did with mail since it started.
type mailCounts struct{ left, fetched, refused, unkept int }

// tagged says which session a tag is of, and the key of its day.
type tagged struct {
	s   *session.Session
	day envelope.DayKey
}

func newMail(n *Node) (*mail, error) {
	m := &mail{n: n, relays: newRelays(n), wake: make(chan struct{}, 1), tags: map[[16]byte]tagged{}, opened: map[envelope.ID]struct{}{},
		heard: map[vertex.ID]bool{}, polled: map[gossip.PeerID]time.Time{}, turns: map[vertex.Session]*turn{}}
	p := n.Profile
	rules := gossip.Rules{NetID: p.NetID(), Genesis: int64(p.Network.GenesisTime), StampBits: int(p.StampBits)}
	box := &gossip.Mailbox{Disk: gossip.StoreDisk{Store: n.home.store, Space: n.home.store.Root()}, Rand: n.home.cfg.Rand, Rules: rules}
	if n.home.cfg.Phone {
		box.Limit = 16 << 20
	}
	if err := box.Open(n.clock().Unix()); err != nil {
		return nil, fmt.Errorf("open mailbox: %w", err)
	}
	m.g = &gossip.Node{Host: n.host, Rules: rules, Cut: gossip.Cut{NetID8: p.NetID8(), Bits: p.ShardBits}, Now: n.clock, Rand: n.home.cfg.Rand,
		Groups: m.groups, Mine: m.mine, Deliver: m.deliver, Trust: m.trust, Mail: box, Public: n.chain.topic()}
	_, err := io.ReadFull(n.home.cfg.Rand, m.g.Secret[:])
	return m, err
}

// start joins the overlay.
func (m *mail) start(ctx context.Context) error {
	if m == nil {
		return nil
	}
	if err := m.g.Start(ctx); err != nil {
		return err
	}
	m.on.Store(true)
	m.mode(m.n.mode())
	m.n.wg.Go(func() { m.run(ctx) })
	return nil
}

// mode follows the resource manager.
func (m *mail) mode(r resource.Mode) {
	if m == nil || !m.on.Load() {
		return
	}
	l := r.Limits()
	mode := gossip.Normal()
	switch {
	case r.Metered || r.LowPower:
		mode = gossip.Asleep(max(l.BytesPerHour, 200<<10))
	case r.Memory > resource.Free:
		mode = gossip.Reduced()
	}
	mode.Strangers = mode.Strangers && l.Strangers
	m.g.SetMode(mode)
	m.g.Mail.TakeStrangers(l.Strangers)
}

func (m *mail) kick() {
	if m == nil {
		return
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// moved makes everything due again after a change of the network.
func (m *mail) moved() {
	if m == nil {
		return
	}
	m.relays.moved()
	m.mu.Lock()
	clear(m.polled)
	m.mu.Unlock()
	m.kick()
}

// changed looks again at which sessions there are.
func (m *mail) changed() {
	if m == nil {
		return
	}
	m.mu.Lock()
	m.until = time.Time{}
	m.mu.Unlock()
	if m.on.Load() {
		m.g.Refresh()
	}
	m.kick()
}

// groups are the secrets by which topics are drawn.
func (m *mail) groups() (out [][32]byte) {
	for _, s := range m.n.home.Sessions.List() {
		if rdv, _, ok := s.Carrier(); ok {
			out = append(out, rdv)
		}
	}
	return out
}

// trust tells contacts, who have proven to share a session, from strangers.
func (m *mail) trust(p gossip.PeerID) (gossip.Trust, float64) {
	n := m.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if st := n.streams[peer.ID(p)]; st != nil && st.shared > 0 {
		return gossip.Contact, 0
	}
	if n.chain.lied(peer.ID(p)) {
		return gossip.Failed, 0
	}
	return gossip.Stranger, 0
}

// mine reports whether a tag is of a session here.
func (m *mail) mine(tag [16]byte) bool {
	_, ok := m.lookup(tag)
	return ok
}

func (m *mail) lookup(tag [16]byte) (tagged, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.n.clock(); now.After(m.until) {
		m.build(now)
	}
	t, ok := m.tags[tag]
	return t, ok
}

// build makes the tags of all sessions for the days in which an envelope may live.
func (m *mail) build(now time.Time) {
	m.tags, m.until = map[[16]byte]tagged{}, now.Add(time.Minute)
	for _, s := range m.n.home.Sessions.List() {
		g, ok := groupOf(s)
		if !ok {
			continue
		}
		for _, t := range g.Tags(now.Unix(), daysBack+1, 1) {
			m.tags[t.Tag] = tagged{s, t.Key}
		}
	}
}

func groupOf(s *session.Session) (gossip.Group, bool) {
	rdv, first, ok := s.Carrier()
	return gossip.Group{Rdv: rdv, First: first, Lanes: envelope.LanesGroup}, ok
}

// deliver takes an envelope that was heard.
func (m *mail) deliver(h gossip.Heard) { m.take("gossip", h.Envelope) }

// state returns the counters, and what is kept for others.
func (m *mail) state() (c mailCounts, g gossip.Metrics) {
	if m == nil || !m.on.Load() {
		return c, g
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts, m.g.Metrics()
}

func (m *mail) status() (st MailStatus) {
	c, g := m.state()
	st.Left, st.Fetched, st.Carried, st.Bytes = c.left, c.fetched, g.Stored, g.MailBytes
	if m != nil {
		st.Waiting = m.waiting()
		m.relays.mu.Lock()
		st.Relays = m.relays.connected()
		m.relays.mu.Unlock()
	}
	return st
}

// waiting counts own entries that are neither level with all members nor left with a storer.
func (m *mail) waiting() (n int) {
	for _, s := range m.n.home.Sessions.List() {
		own, _ := s.Mailed()
		for _, v := range s.Log().Since(own) {
			if s.Owns(v.Author) {
				n++
			}
		}
	}
	return n
}

// take opens an envelope and gives what it holds to its session, as every carrier does. It reports whether it opened.
func (m *mail) take(road string, env []byte) bool {
	outer, err := envelope.DecodeOuter(env)
	if err != nil || m.known(envelope.EnvelopeID(env)) {
		return false
	}
	t, ok := m.lookup(outer.Tag)
	if !ok {
		return false
	}
	typ, payload, err := t.day.OpenEnvelope(env)
	if err != nil {
		m.count(func(c *mailCounts) { c.refused++ })
		return false
	}
	if typ != envelope.Batch {
		m.remember(envelope.EnvelopeID(env)) // cover, or of a later version
		return false
	}
	items, err := vertex.DecodeRun(t.s.ID(), payload)
	if err != nil {
		m.count(func(c *mailCounts) { c.refused++ })
		return false
	}
	m.note(items)
	got, err := t.s.Receive(road, items, m.n.clock())
	if err != nil {
		m.n.log.Warn("mail not stored", "why", err)
		return false
	}
	m.remember(envelope.EnvelopeID(env))
	m.n.metrics.count(got)
	m.count(func(c *mailCounts) { c.fetched++ })
	return true
}

func (m *mail) count(f func(*mailCounts)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.counts)
}

// known reports whether an envelope was opened, or made, before.
func (m *mail) known(id envelope.ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.opened[id]
	return ok
}

// remember notes an envelope that need not come again. Only one that opened is: whoever holds no key cannot fill the list.
func (m *mail) remember(id envelope.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.opened[id]; ok {
		return
	}
	m.opened[id] = struct{}{}
	if m.order = append(m.order, id); len(m.order) > maxOpened {
		delete(m.opened, m.order[0])
		m.order = m.order[1:]
	}
}

// note remembers what somebody has mailed: it need not be mailed again.
func (m *mail) note(items []vertex.Item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.heard) > 16*maxOpened {
		m.heard = map[vertex.ID]bool{}
	}
	for i := range items {
		if id := items[i].ID; !m.heard[id] {
			m.heard[id] = false
		}
	}
}

func (m *mail) run(ctx context.Context) {
	defer m.g.Close()
	tick := time.NewTicker(mailTick)
	defer tick.Stop()
	changed := m.n.hub.wait()
	for {
		m.relays.step(ctx)
		m.leave(ctx)
		m.poll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-changed:
			changed = m.n.hub.wait()
		case <-m.wake:
		case <-tick.C:
		}
	}
}

// poll asks the storers in reach for what was left, each from time to time, and gives them copies of what is carried.
func (m *mail) poll(ctx context.Context) {
	every := pollEvery
	if m.n.mode().Metered {
		every = pollMetered
	}
	storers := slices.DeleteFunc(m.g.Storers(), func(p gossip.PeerID) bool { return !m.asks(p) })
	m.mu.Lock()
	maps.DeleteFunc(m.polled, func(p gossip.PeerID, _ time.Time) bool { return !slices.Contains(storers, p) }) // who comes back is asked at once
	m.mu.Unlock()
	for _, at := range storers {
		now := m.n.clock()
		m.mu.Lock()
		due := now.Sub(m.polled[at]) >= every
		if due {
			m.polled[at] = now
		}
		held := append([]envelope.ID(nil), m.order...)
		m.mu.Unlock()
		if due && ctx.Err() == nil {
			m.fetch(ctx, at, held)
			if n, err := m.g.Meet(ctx, at); err == nil && n > 0 {
				m.n.log.Debug("letters handed on", "peer", short(peer.ID(at)), "letters", n)
			}
		}
	}
}

// asks reports whether a storer is shown which tags are asked for together: a relay that was chosen here, or a contact,
// but nobody who only called us.
func (m *mail) asks(p gossip.PeerID) bool {
	t, _ := m.trust(p)
	return t == gossip.Contact || m.chosen(peer.ID(p))
}

// chosen reports whether a peer is a relay that this node found by its role, or that a person named.
func (m *mail) chosen(p peer.ID) bool { return m.relays.has(p) || m.n.dialer.roadOf(p) == roadFlag }

// fetch asks one storer for every tag, as many at a time as one question holds.
func (m *mail) fetch(ctx context.Context, at gossip.PeerID, held []envelope.ID) {
	m.mine([16]byte{})
	m.mu.Lock()
	var tags [][16]byte
	for t := range m.tags {
		tags = append(tags, t)
	}
	m.mu.Unlock()
	for len(tags) > 0 {
		n := min(len(tags), gossip.GetTags)
		err := m.g.Poll(ctx, at, tags[:n], held, func(env []byte) error {
			m.take("mail", env)
			return nil
		})
		if err != nil {
			m.n.log.Debug("mail not fetched", "peer", short(peer.ID(at)), "why", err)
			return
		}
		tags = tags[n:]
	}
}

// stampStart begins the work of an envelope at a random place.
func (m *mail) stampStart() uint64 {
	var b [8]byte
	io.ReadFull(m.n.home.cfg.Rand, b[:])
	return binary.BigEndian.Uint64(b[:])
}
