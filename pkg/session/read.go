package session

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// State says how far a message is known to have come.
type State string

// States of a message. They only go forward.
const (
	Local State = "local" // durable here
	Sent  State = "sent"  // a peer has stored it
	Seen  State = "seen"  // in the past of another author's vertex
)

// Message is one message as a person sees it.
type Message struct {
	ID      vertex.ID
	Arrival uint32
	Author  sig.Public
	Name    string // claimed by the author
	Mine    bool
	Seq     uint64
	Lamport uint64
	Time    time.Time // by the author's clock; zero when it lies more than a day ahead
	Text    string
	Why     string // why there is no text: a body not here yet, or one this version cannot show
	State   State
	SeenBy  int
}

// Member is one author who joined.
type Member struct {
	Pseudonym sig.Public
	Name      string
	Since     time.Time
	Creator   bool
	Rdv       sig.Public // names its presence in the hash table; zero when its first vertex does not open
}

// saneTime shows an author's clock unless it is more than a day ahead.
func saneTime(hlc uint64, now time.Time) time.Time {
	t := time.UnixMilli(int64(hlc)).UTC()
	if t.After(now.Add(24 * time.Hour)) {
		return time.Time{}
	}
	return t
}

// Read lists the messages in the order in which everybody reads them: by lamport, author, id.
func (s *Session) Read(now time.Time) ([]Message, error) { return s.messages(s.log.Order(), now) }

// Since lists the messages that arrived from an arrival number on, in the order of their arrival.
func (s *Session) Since(arrival uint32, now time.Time) ([]Message, error) {
	return s.messages(s.log.Since(arrival), now)
}

func (s *Session) messages(metas []dag.Meta, now time.Time) ([]Message, error) {
	seen := s.log.Seen(s.mine)
	var out []Message
	for _, m := range metas {
		if m.Kind != vertex.App || !m.Writer {
			continue
		}
		msg, err := s.message(m, now)
		if err != nil {
			return out, err
		}
		if msg.SeenBy = seen(m.Author, m.Seq); msg.SeenBy > 0 {
			msg.State = Seen
		}
		out = append(out, msg)
	}
	return out, nil
}

func (s *Session) message(m dag.Meta, now time.Time) (Message, error) {
	msg := Message{ID: m.ID, Arrival: m.Arrival, Author: m.Author, Seq: m.Seq, Lamport: m.Lamport, Mine: s.mine(m.Author), State: Sent}
	msg.Name = s.member(m.Author).Name
	if s.mu.Lock(); msg.Mine && m.Arrival >= s.sentTo {
		msg.State = Local
	}
	s.mu.Unlock()
	it, err := s.log.Item(m.Arrival)
	if errors.Is(err, dag.ErrNoBody) || errors.Is(err, store.ErrCorrupt) {
		msg.Why = "damaged or not here yet; it is asked for"
		return msg, nil
	}
	if err != nil {
		return msg, err
	}
	msg.Time = saneTime(it.HLC, now)
	msg.Text, msg.Why = s.text(&it)
	return msg, nil
}

// text opens an app vertex; why says why there is no text.
func (s *Session) text(it *vertex.Item) (text, why string) {
	content, err := s.open(it)
	if errors.Is(err, envelope.ErrNewer) {
		return "", "needs a newer version"
	}
	if err != nil {
		return "", err.Error()
	}
	m, other, err := decodeMessage(content)
	switch {
	case err != nil:
		return "", "malformed content"
	case other:
		return "", "needs a newer version"
	}
	return m.Text, ""
}

// member returns what the first vertex of an author says.
func (s *Session) member(key sig.Public) Member {
	s.mu.Lock()
	m, ok := s.first[key]
	s.mu.Unlock()
	if ok {
		return m
	}
	m = Member{Pseudonym: key}
	id, ok := s.log.At(key, 0)
	if !ok {
		return m
	}
	meta, ok := s.log.Find(id)
	if !ok {
		return m
	}
	it, err := s.log.Item(meta.Arrival)
	if err != nil {
		return m
	}
	content, err := s.open(&it)
	if err != nil {
		return m
	}
	c, err := decodeControl(content)
	if err != nil {
		return m
	}
	m.Since, m.Creator = time.UnixMilli(int64(it.HLC)).UTC(), it.Root()
	switch {
	case c.Join != nil:
		m.Name, m.Rdv = c.Join.Name, c.Join.Rdv
	case c.Create != nil:
		m.Rdv = c.Create.Rdv
	}
	s.mu.Lock()
	s.first[key] = m
	s.mu.Unlock()
	return m
}

// Members lists everybody who joined, in the order of their keys' first arrival.
func (s *Session) Members() []Member {
	var out []Member
	for _, a := range s.log.Authors() {
		if id, ok := s.log.At(a.Key, 0); ok {
			if meta, ok := s.log.Find(id); ok && meta.Writer {
				out = append(out, s.member(a.Key))
			}
		}
	}
	return out
}

// Title returns the session's title; empty until the genesis is here.
func (s *Session) Title() string {
	c, err := s.genesis()
	if err != nil || c.Create == nil {
		return ""
	}
	return c.Create.Title
}

// genesis reads the content of the session's first vertex.
func (s *Session) genesis() (c control, err error) {
	id, ok := s.log.Genesis()
	if !ok {
		return c, store.ErrNotFound
	}
	meta, _ := s.log.Find(id)
	it, err := s.log.Item(meta.Arrival)
	if err != nil {
		return c, err
	}
	content, err := s.open(&it)
	if err != nil {
		return c, err
	}
	return decodeControl(content)
}

// Warnings lists what a person should know about this session, in words.
func (s *Session) Warnings() (out []string) {
	s.mu.Lock()
	inviter, renamed := s.rec.Inviter, s.renamed
	s.mu.Unlock()
	if _, ok := s.log.Genesis(); ok && inviter != (sig.Public{}) {
		if _, ok := s.log.At(inviter, 0); !ok {
			out = append(out, "the inviter is not a member as far as is known here")
		}
	}
	if renamed {
		out = append(out, "this device writes under a new pseudonym: entries of the old one were lost here or written elsewhere")
	}
	if d := s.log.Damage(); d.Any() {
		out = append(out, "entries were damaged on disk; they are asked for from peers")
	}
	return out
}

// Unread counts the messages of others that were not marked as read.
func (s *Session) Unread() (n int) {
	s.mu.Lock()
	from := s.readTo
	s.mu.Unlock()
	for _, m := range s.log.Since(from) {
		if m.Kind == vertex.App && m.Writer && !s.mine(m.Author) {
			n++
		}
	}
	return n
}

// MarkRead remembers that a person has seen everything below an arrival number.
func (s *Session) MarkRead(arrival uint32) error { return s.mark("read", &s.readTo, arrival) }

// MarkSent remembers that a peer has stored everything below an arrival number.
func (s *Session) MarkSent(arrival uint32) error { return s.mark("sent", &s.sentTo, arrival) }

// MarkMailed remembers below which arrival numbers what this device wrote, and what others wrote, is level with all
// members or lies with storers.
func (s *Session) MarkMailed(own, others uint32) error {
	return errors.Join(s.mark("mailed own", &s.mailed.own, own), s.mark("mailed", &s.mailed.others, others))
}

// Mailed returns those arrival numbers.
func (s *Session) Mailed() (own, others uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mailed.own, s.mailed.others
}

func (s *Session) mark(name string, at *uint32, arrival uint32) error {
	s.mu.Lock()
	old := *at
	*at = max(old, arrival)
	s.mu.Unlock()
	if arrival <= old {
		return nil
	}
	b := &store.Batch{}
	s.view.Put(b, store.TableState, s.view.Name(store.TableState, []byte(name)), binary.BigEndian.AppendUint32(nil, arrival))
	return s.home.cfg.Store.Commit(b)
}

// loadMarks reads the marks; a damaged one counts as none.
func (s *Session) loadMarks() {
	for name, at := range map[string]*uint32{"read": &s.readTo, "sent": &s.sentTo, "mailed own": &s.mailed.own, "mailed": &s.mailed.others} {
		b, err := s.view.Get(store.TableState, s.view.Name(store.TableState, []byte(name)))
		if err == nil && len(b) == 4 {
			*at = binary.BigEndian.Uint32(b)
		}
	}
}
