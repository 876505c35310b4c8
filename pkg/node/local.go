package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// local answers API on an open home; n is the node that runs on it, or nil.
type local struct {
	h *Home
	n *Node
}

func (l *local) now() time.Time { return l.h.cfg.Clock() }

// Close closes the home when no node has it.
func (l *local) Close() error {
	if l.n != nil {
		return nil
	}
	return l.h.Close()
}

func (l *local) ID(context.Context) (Identity, error) { return l.h.Identity() }

func (l *local) Status(context.Context) (Status, error) {
	st := Status{State: "S0", Roads: map[string]int{}, Alarms: []string{}, Sessions: len(l.h.Sessions.List()), RSSBytes: rss()}
	st.Vertices, st.Pending = l.h.counts()
	st.DiskBytes, st.DiskLimit = l.h.store.Usage()
	for _, s := range l.h.Sessions.List() {
		d := s.Log().Damage()
		st.Damaged += d.Vertices + d.Bodies
		for _, w := range s.Warnings() {
			st.Alarms = append(st.Alarms, s.ID().String()[:8]+": "+w)
		}
	}
	if n := l.h.Sessions.Damaged(); n > 0 {
		st.Alarms = append(st.Alarms, fmt.Sprintf("the keys of %d sessions do not open: join them again", n))
	}
	if l.h.wasMended() {
		st.Alarms = append(st.Alarms, "the store was damaged: conversations that are missing must be joined again; the damaged one is in cache/broken")
	}
	if y := l.now().Year(); y < 2025 || y > 2100 {
		st.Alarms = append(st.Alarms, fmt.Sprintf("this machine's clock says %d: times will not be shown right", y))
	}
	if l.n != nil {
		l.n.status(&st)
	}
	return st, nil
}

func (l *local) Peers(_ context.Context, emit func(Peer) error) error {
	if l.n == nil {
		return fmt.Errorf("no node runs here, so there are no peers: start one with pars-node run: %w", store.ErrNotFound)
	}
	for _, p := range l.n.peers() {
		if err := emit(p); err != nil {
			return err
		}
	}
	return nil
}

func info(s *session.Session) SessionInfo {
	return SessionInfo{Session: s.ID().String(), Title: s.Title(), Members: len(s.Members()), Unread: s.Unread(), Warnings: s.Warnings()}
}

func (l *local) SessionList(_ context.Context, emit func(SessionInfo) error) error {
	for _, s := range l.h.Sessions.List() {
		if err := emit(info(s)); err != nil {
			return err
		}
	}
	return nil
}

func (l *local) Invite(_ context.Context, q InviteQuery) (Invitation, error) {
	var s *session.Session
	var err error
	if q.Session == "" {
		s, err = l.h.Sessions.Create(q.Title, l.now())
		l.arrived(s, err)
	} else {
		s, err = l.h.Sessions.Find(q.Session)
	}
	if err != nil {
		return Invitation{}, err
	}
	a := Invitation{Session: s.ID().String()}
	var end time.Time
	if q.Expires > 0 {
		end = l.now().Add(q.Expires).UTC().Truncate(time.Second)
		a.Expires = &end
	}
	a.Invite = s.Invite(end, l.roads()).String()
	return a, nil
}

// roads are the addresses at which a newcomer may meet this node, private networks included.
// The first one is the peer id alone: where it is, the hash table may tell.
func (l *local) roads() (out [][]byte) {
	if bare, err := ma.NewComponent("p2p", l.h.peerID().String()); err == nil {
		out = append(out, bare.Bytes())
	}
	if l.n == nil || l.n.Offline {
		return out
	}
	for _, a := range l.n.Addrs() {
		if m, err := ma.NewMultiaddr(a); err == nil && !isLoopback(m) {
			out = append(out, m.Bytes())
		}
	}
	return out
}

// arrived makes the node watch and offer a new session.
func (l *local) arrived(s *session.Session, err error) {
	if err == nil && l.n != nil {
		l.n.hub.watch(s)
		l.n.restart()
		l.n.presence.kick()
		l.n.mail.changed()
	}
}

func (l *local) Join(_ context.Context, q JoinQuery) (SessionInfo, error) {
	inv, err := session.ParseInvite(q.Invite)
	if err != nil {
		return SessionInfo{}, err
	}
	s, err := l.h.Sessions.Join(inv, q.Name, l.now())
	if err != nil {
		return SessionInfo{}, err
	}
	l.arrived(s, nil)
	if err := l.keepRoads(inv.Roads); err != nil {
		return SessionInfo{}, err
	}
	return info(s), nil
}

func (l *local) Send(_ context.Context, q SendQuery) (Message, error) {
	s, err := l.h.Sessions.Find(q.Session)
	if err != nil {
		return Message{}, err
	}
	it, err := s.Send(q.Text, l.now())
	if err != nil {
		return Message{}, err
	}
	return Message{ID: it.ID.String(), Session: s.ID().String(), Author: hex.EncodeToString(it.Author[:]), Mine: true, Seq: it.Seq,
		Lamport: it.Lamport, Content: q.Text, State: string(session.Local)}, nil
}

func message(s *session.Session, m session.Message) Message {
	out := Message{ID: m.ID.String(), Session: s.ID().String(), Author: hex.EncodeToString(m.Author[:]), Name: m.Name, Mine: m.Mine,
		Seq: m.Seq, Lamport: m.Lamport, Content: m.Text, Missing: m.Why, State: string(m.State), SeenBy: m.SeenBy}
	if !m.Time.IsZero() {
		t := m.Time
		out.Time = &t
	}
	return out
}

func (l *local) Read(ctx context.Context, q ReadQuery, emit func(Message) error) error {
	s, err := l.h.Sessions.Find(q.Session)
	if err != nil {
		return err
	}
	next := s.Log().Changed()
	upTo := s.Log().Arrivals()
	list, err := l.first(s, q)
	if err != nil {
		return err
	}
	for {
		for _, m := range list {
			if m.Arrival >= upTo {
				continue // taken while we read: it comes with the next
			}
			if err := emit(message(s, m)); err != nil {
				return err
			}
		}
		if !q.Keep {
			if err := s.MarkRead(upTo); err != nil && !errors.Is(err, store.ErrFull) {
				return err
			}
		}
		if !q.Follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next:
		}
		next = s.Log().Changed()
		from := upTo
		upTo = s.Log().Arrivals()
		if list, err = s.Since(from, l.now()); err != nil {
			return err
		}
	}
}

// first lists what a read begins with.
func (l *local) first(s *session.Session, q ReadQuery) ([]session.Message, error) {
	if q.Since == "" {
		return s.Read(l.now())
	}
	id, err := parseID(q.Since)
	if err != nil {
		return nil, err
	}
	m, ok := s.Log().Find(id)
	if !ok {
		return nil, fmt.Errorf("vertex %s is not in this session: %w", q.Since, store.ErrNotFound)
	}
	return s.Since(m.Arrival+1, l.now())
}

func parseID(s string) (id vertex.ID, err error) {
	b, err := hex.DecodeString(strings.ToLower(s))
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("vertex id %q: 64 hex digits are needed: %w", s, store.ErrNotFound)
	}
	return vertex.ID(b), nil
}

func (l *local) Members(_ context.Context, name string, emit func(Member) error) error {
	s, err := l.h.Sessions.Find(name)
	if err != nil {
		return err
	}
	own := s.Pseudonym()
	for _, m := range s.Members() {
		err := emit(Member{Pseudonym: hex.EncodeToString(m.Pseudonym[:]), Name: m.Name, Since: m.Since, Creator: m.Creator, Mine: m.Pseudonym == own})
		if err != nil {
			return err
		}
	}
	return nil
}
