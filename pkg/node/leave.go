package node

import (
	"context"
	"errors"
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

// leaveOne mails what one wrote soon, and what others wrote after a while, unless somebody else was heard to mail it.
func (m *mail) leaveOne(ctx context.Context, s *session.Session) error {
	end := s.Log().Arrivals()
	own, others := s.Mailed()
	if own >= end && others >= end {
		m.waited(s, false)
		return nil
	}
	waited := m.waited(s, true)
	if waited < mailOwn {
		return nil
	}
	absent := len(s.Members()) - 1
	if shared, level := m.n.standing(s); shared >= absent && level >= absent {
		return s.MarkMailed(end, end) // all are here and have it
	}
	if err := m.post(ctx, s, m.list(s, own, end, true)); err != nil {
		return err
	}
	if waited < mailOthers {
		return s.MarkMailed(end, 0)
	}
	if err := m.post(ctx, s, m.list(s, others, end, false)); err != nil {
		return err
	}
	return s.MarkMailed(end, end)
}

// waited returns how long a session has had something to mail.
func (m *mail) waited(s *session.Session, some bool) time.Duration {
	now := m.n.clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !some {
		delete(m.since, s.ID())
		return 0
	}
	if m.since[s.ID()].IsZero() {
		m.since[s.ID()] = now
	}
	return now.Sub(m.since[s.ID()])
}

// list returns the arrival numbers of own vertices, or of those of others that nobody was heard to mail.
func (m *mail) list(s *session.Session, from, end uint32, own bool) (list []uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range s.Log().Since(from) {
		if _, mailed := m.heard[v.ID]; v.Arrival < end && !mailed && s.Owns(v.Author) == own {
			list = append(list, v.Arrival)
		}
	}
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

// post seals vertices into envelopes, gives them to the overlay and leaves copies with storers. Without an error each
// of them lies with a storer.
func (m *mail) post(ctx context.Context, s *session.Session, list []uint32) error {
	if len(list) == 0 {
		return nil
	}
	storers := m.storers(s)
	if len(storers) == 0 {
		return errNoStorer
	}
	x := &set{s: s, log: s.Log(), now: m.n.clock}
	for x.Sort(list); len(list) > 0; {
		run, n, err := x.Pack(list, envelope.MaxPayload)
		if err != nil || n == 0 {
			return errors.Join(errNoStorer, err)
		}
		if len(run) > 0 {
			env, err := m.seal(ctx, s, run)
			if err != nil {
				return err
			}
			if !m.hand(ctx, s, env, storers) {
				return errNoStorer
			}
			m.noteRun(s, list[:n])
		}
		list = list[n:]
	}
	return nil
}

func (m *mail) noteRun(s *session.Session, ats []uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.left++
	for _, at := range ats {
		if id, ok := s.Log().ID(at); ok {
			m.heard[id] = struct{}{}
		}
	}
}

// storers lists whom to leave mail of a session with: relays, then contacts who are not members. Members have the log
// itself and sync it, and whoever has not yet said what it shares may be one.
func (m *mail) storers(s *session.Session) (out []gossip.PeerID) {
	var others []gossip.PeerID
	for _, p := range m.g.Storers() {
		if m.n.onlyServes(peer.ID(p)) {
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
	m.fresh(envelope.EnvelopeID(env))
	return env, nil
}

// hand gives an envelope to the overlay and to storers, and reports whether one keeps it.
func (m *mail) hand(ctx context.Context, s *session.Session, env []byte, storers []gossip.PeerID) bool {
	rdv, _, _ := s.Carrier()
	for _, shard := range gossip.RealShards(rdv, m.n.clock().Unix()) {
		m.g.Queue(gossip.Pending{Topic: m.g.Cut.Index(shard), Envelope: env, Until: m.n.clock().Add(time.Minute)})
	}
	kept := 0
	copies := uint8(mailCopies / max(1, min(len(storers), mailStorers)))
	for _, to := range storers {
		if kept == mailStorers || ctx.Err() != nil {
			break
		}
		n, err := m.g.Deposit(ctx, to, []gossip.Put{{Copies: max(1, copies), Envelope: env}})
		if err != nil {
			m.n.log.Debug("mail refused", "peer", short(peer.ID(to)), "why", err)
		}
		kept += n
	}
	return kept > 0
}
