package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/session"
)

// standing counts the peers that share a session, and those of them who were level at the last look.
func (n *Node) standing(s *session.Session) (shared, level int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, st := range n.streams {
		if lv, ok := st.with[s]; ok {
			shared++
			if lv {
				level++
			}
		}
	}
	return shared, level
}

// leave mails, for each session, what absent members may lack.
func (m *mail) leave(ctx context.Context) {
	for _, s := range m.n.home.Sessions.List() {
		if ctx.Err() != nil {
			return
		}
		if err := m.leaveOne(ctx, s); err != nil && !errors.Is(err, errNoStorer) && ctx.Err() == nil {
			m.n.log.Debug("mail not left", "why", err)
		}
	}
}

// turn is what the node knows of the mail of one session.
type turn struct {
	own, others time.Time // since when there is something of one's own, and of others', to look at
	pace        pace      // of attempts, while nobody keeps the letter
	letter      []byte    // sealed, and not yet kept by anybody
	sealed      time.Time
	of          []uint32 // what it holds
}

// since notes when something began to wait.
func since(t *time.Time, some bool, now time.Time) time.Duration {
	switch {
	case !some:
		*t = time.Time{}
		return -1
	case t.IsZero():
		*t = now
	}
	return now.Sub(*t)
}

// leaveOne mails what one wrote soon, and what others wrote after a while, unless somebody else was heard to mail it.
func (m *mail) leaveOne(ctx context.Context, s *session.Session) error {
	t := m.turns[s.ID()]
	if t == nil {
		t = &turn{}
		m.turns[s.ID()] = t
	}
	now, end := m.n.clock(), s.Log().Arrivals()
	own, others := s.Mailed()
	ownDue := since(&t.own, own < end, now) >= mailOwn
	othersDue := since(&t.others, others < end, now) >= mailOthers
	if !ownDue && !othersDue {
		return nil
	}
	absent := len(s.Members()) - 1
	if shared, level := m.n.standing(s); shared >= absent && level >= absent {
		*t = turn{}
		return s.MarkMailed(end, end) // all are here and have it
	}
	storers := m.storers(s)
	if len(storers) == 0 || !t.pace.due(now, mailTick, mailAgain, m.n.jitter) {
		return errNoStorer
	}
	if err := m.post(ctx, s, t, m.list(s, own, end, true), storers); err != nil {
		return err
	}
	t.own, t.pace = time.Time{}, pace{}
	if !othersDue {
		return s.MarkMailed(end, 0)
	}
	if err := m.post(ctx, s, t, m.list(s, others, end, false), storers); err != nil {
		return errors.Join(err, s.MarkMailed(end, 0))
	}
	t.others = time.Time{}
	return s.MarkMailed(end, end)
}

// list returns the arrival numbers of own vertices, or of those of others that nobody was heard to mail.
func (m *mail) list(s *session.Session, from, end uint32, own bool) (list []uint32) {
	metas := s.Log().Since(from)
	m.mu.Lock()
	for _, v := range metas {
		left, heard := m.heard[v.ID] // what one wrote is left by oneself, whoever was heard to mail it
		if v.Arrival < end && s.Owns(v.Author) == own && !left && (own || !heard) {
			list = append(list, v.Arrival)
		}
	}
	m.mu.Unlock() // the overlay asks for tags while the disk is read
	return m.young(s, list[max(0, len(list)-mailMost):], own)
}

// young keeps what was written lately: a log that was imported or joined is not mailed, it goes by sync and files.
func (m *mail) young(s *session.Session, list []uint32, own bool) (out []uint32) {
	most := mailLife * time.Hour
	if !own {
		most = mailNews
	}
	for _, at := range list {
		it, err := s.Log().Item(at)
		if age := m.n.clock().Sub(time.UnixMilli(int64(it.HLC))); err == nil && age < most && age > -most {
			out = append(out, at)
		}
	}
	return out
}

// errNoStorer says that nobody in reach keeps mail, or none had room: it is tried again.
var errNoStorer = errors.New("no storer keeps it")

// post seals vertices into letters, gives each to the overlay and leaves copies with storers. Without an error each lies
// with a storer; one that nobody keeps stays the session's letter and is offered again as it is.
func (m *mail) post(ctx context.Context, s *session.Session, t *turn, list []uint32, storers []gossip.PeerID) error {
	if now := m.n.clock(); now.Sub(t.sealed) > letterLife {
		t.letter, t.of = nil, nil
	}
	list = slices.DeleteFunc(list, func(at uint32) bool { return t.letter != nil && slices.Contains(t.of, at) })
	x := &set{s: s, log: s.Log(), now: m.n.clock}
	for x.Sort(list); t.letter != nil || len(list) > 0; {
		if t.letter == nil {
			run, n, err := x.Pack(list, envelope.MaxPayload)
			if err != nil || n == 0 {
				return errors.Join(errNoStorer, err)
			}
			t.of, list = list[:n], list[n:]
			if len(run) == 0 {
				continue
			}
			if t.letter, err = m.seal(ctx, s, run); err != nil {
				return err
			}
			t.sealed = m.n.clock()
			m.publish(s, t.letter)
		}
		if !m.deposit(ctx, t.letter, storers) {
			m.count(func(c *mailCounts) { c.unkept++ })
			return errNoStorer
		}
		m.noteRun(s, t.of)
		t.letter, t.of = nil, nil
	}
	return nil
}

func (m *mail) noteRun(s *session.Session, ats []uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.left++
	for _, at := range ats {
		if id, ok := s.Log().ID(at); ok {
			m.heard[id] = true
		}
	}
}

// storers lists whom to leave mail of a session with: relays that were chosen here, then contacts who are not members.
// Members have the log itself and sync it, and whoever has not yet said what it shares may be one. Who only called us and
// says that it is a relay may want mail to vanish.
func (m *mail) storers(s *session.Session) (out []gossip.PeerID) {
	var others []gossip.PeerID
	for _, p := range m.g.Storers() {
		if m.chosen(peer.ID(p)) && m.n.onlyServes(peer.ID(p)) {
			out = append(out, p)
		} else if m.n.outside(peer.ID(p), s) {
			others = append(others, p)
		}
	}
	return append(out, others...)
}

// outside reports whether a peer is a contact by other sessions than s, and had the time to prove s too.
func (n *Node) outside(p peer.ID, s *session.Session) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	st := n.streams[p]
	if st == nil || st.shared == 0 || n.clock().Sub(st.since) < settled {
		return false
	}
	_, member := st.with[s]
	return !member
}

// seal makes the envelope of a run, with the work that strangers ask for.
func (m *mail) seal(ctx context.Context, s *session.Session, run []byte) ([]byte, error) {
	g, ok := groupOf(s)
	if !ok {
		return nil, dag.ErrNoBody
	}
	now := m.n.clock().Unix()
	day, ok := g.Day(now)
	if !ok {
		return nil, dag.ErrNoBody
	}
	env, err := day.SealEnvelope(envelope.Batch, run, g.Lanes, m.g.ExpiryIn(now, mailLife), m.n.home.cfg.Rand)
	if err != nil {
		return nil, err
	}
	if !m.g.Stamp(env, m.stampStart(), func() bool { return ctx.Err() != nil }) {
		return nil, ctx.Err()
	}
	m.remember(envelope.EnvelopeID(env))
	return env, nil
}

// publish gives a letter to those who listen on the session's shards.
func (m *mail) publish(s *session.Session, env []byte) {
	rdv, _, _ := s.Carrier()
	for _, shard := range gossip.RealShards(rdv, m.n.clock().Unix()) {
		err := m.g.Queue(gossip.Pending{Topic: m.g.Cut.Index(shard), Envelope: env, Until: m.n.clock().Add(time.Minute)})
		if err != nil {
			m.n.log.Debug("letter not published", "why", err)
		}
	}
}

// deposit leaves copies of a letter with storers, and reports whether one keeps it.
func (m *mail) deposit(ctx context.Context, env []byte, storers []gossip.PeerID) bool {
	kept := 0
	copies := uint8(mailCopies / min(len(storers), mailStorers))
	for _, to := range storers {
		if kept == mailStorers || ctx.Err() != nil {
			break
		}
		n, err := m.g.Deposit(ctx, to, []gossip.Put{{Copies: copies, Envelope: env}})
		if err != nil {
			m.n.log.Debug("mail refused", "peer", short(peer.ID(to)), "why", err)
		}
		kept += n
	}
	return kept > 0
}
