// Package session is one conversation: who belongs to it, how its bodies are sealed, and what a person
// sees of it. It stands on the log (pkg/dag), which decides nothing by what bodies say.
//
// This is stage 1: one secret, handed over by invites, seals everything. Whoever ever holds an invite
// can read all that was and will be written; nobody can be removed. Later stages add keys and rules
// without changing a stored or sent byte.
package session

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// Session is one conversation on this device. Sessions makes and opens them. Safe for concurrent use.
type Session struct {
	home *Sessions
	keys envelope.Keys
	log  *dag.Log
	view *store.Space
	id   vertex.Session
	root vertex.ID // the genesis

	joining sync.Mutex // one rejoin at a time

	mu      sync.Mutex // guards all below
	rec     record
	key     sig.Private           // of rec.Pseudonym
	first   map[sig.Public]Member // opened first vertices
	sentTo  uint32                // own vertices below this arrival number were taken by a peer
	readTo  uint32
	renamed bool                         // this run took a new pseudonym
	mailed  struct{ own, others uint32 } // vertices below these arrival numbers are level with all or lie with storers
	day0    *uint32                      // of the genesis, once it was read
}

// ID returns the session's id.
func (s *Session) ID() vertex.Session { return s.log.Session() }

// Log returns the session's log. Its Append must not be called: Send is.
func (s *Session) Log() *dag.Log { return s.log }

// Rendezvous returns what presence in the hash table hangs on: the members' common secret R, and the seed of this
// device's own pair.
func (s *Session) Rendezvous() (secret, seed [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys.Rdv, s.rec.Rdv
}

// BundleKey is the group's key in the slots of bundles.
func (s *Session) BundleKey() [32]byte { return s.keys.Bundle }

// Carrier returns what carriers of this session need: the secret R by which its topics are drawn, and the key of the
// day on which its secret began. false until the genesis, which tells that day, is here and opens.
func (s *Session) Carrier() (rdv [32]byte, first envelope.DayKey, ok bool) {
	s.mu.Lock()
	day := s.day0
	s.mu.Unlock()
	if day == nil {
		c, err := s.genesis()
		if err != nil || c.Create == nil {
			return rdv, first, false
		}
		day = &c.Create.Day
		s.mu.Lock()
		s.day0 = day
		s.mu.Unlock()
	}
	return s.keys.Rdv, s.keys.FirstDay(*day), true
}

// Owns reports whether key is or was this device's author key.
func (s *Session) Owns(key sig.Public) bool { return s.mine(key) }

// SyncSecret is what members prove to each other on a stream.
func (s *Session) SyncSecret() [32]byte { return s.keys.Sync }

// Pseudonym returns the author key this device writes under.
func (s *Session) Pseudonym() sig.Public {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key.Public()
}

// mine reports whether key is or was this device's author key.
func (s *Session) mine(key sig.Public) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.rec.Old {
		if o == key {
			return true
		}
	}
	return s.key.Public() == key
}

// Send writes a message and returns it once it is durable.
func (s *Session) Send(text string, now time.Time) (vertex.Item, error) {
	m := message{Text: text}
	content := m.encode()
	if n := len(content); n > envelope.MaxContent {
		return vertex.Item{}, fmt.Errorf("message of %d bytes: at most %d fit, send a longer text in parts: %w",
			len(text), envelope.MaxContent-(n-len(text)), envelope.ErrTooBig)
	}
	return s.write(vertex.App, content, now)
}

// write seals content and appends it, under a new pseudonym when the old one must not write again.
func (s *Session) write(kind vertex.Kind, content []byte, now time.Time) (vertex.Item, error) {
	it, err := s.log.Append(s.author(), s.draft(kind, content, now))
	if !errors.Is(err, dag.ErrAhead) {
		return it, err
	}
	if err := s.rejoin(now); err != nil {
		return it, fmt.Errorf("take a new pseudonym: %w", err)
	}
	return s.log.Append(s.author(), s.draft(kind, content, now))
}

func (s *Session) author() sig.Private {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key
}

func (s *Session) draft(kind vertex.Kind, content []byte, now time.Time) dag.Draft {
	d := dag.Draft{Kind: kind, Now: now}
	if kind != vertex.Receipt {
		d.Body = func(v *vertex.Vertex) ([]byte, error) {
			return s.keys.Seal(place(v), content, s.home.cfg.Rand)
		}
	}
	return d
}

func place(v *vertex.Vertex) envelope.Place {
	return envelope.Place{Author: v.Author, Seq: v.Seq, Skeleton: v.AppendSkeleton(nil)}
}

// open returns the content of an item.
func (s *Session) open(it *vertex.Item) ([]byte, error) {
	if !it.Held() || it.Size == 0 {
		return nil, dag.ErrNoBody
	}
	return s.keys.Open(place(&it.Vertex), it.Body)
}

// joinVertex returns the draft of the first vertex of a newcomer's pseudonym.
func (s *Session) joinVertex(rec *record, now time.Time) dag.Draft {
	j := join{Pseudonym: sig.FromSeed(rec.Pseudonym).Public(), Rdv: sig.FromSeed(rec.Rdv).Public(), Name: rec.Name}
	j.MAC = s.joinMAC(&j)
	return s.draft(vertex.Control, j.encode(), now)
}

func (s *Session) joinMAC(j *join) [32]byte {
	return envelope.MAC(s.keys.Join[:], []byte(wire.LabelJoin), s.id[:], s.root[:], j.Pseudonym[:], j.Rdv[:])
}

// MayWrite tells the log whether the author of a branch's first vertex is a member: it made the room,
// or the vertex proves that it holds the invite.
func (s *Session) MayWrite(first *vertex.Item) bool {
	if first.Root() {
		return first.ID == s.root
	}
	content, err := s.open(first)
	if err != nil || first.Kind != vertex.Control {
		return false
	}
	c, err := decodeControl(content)
	return err == nil && c.Join != nil && c.Join.Pseudonym == first.Author && c.Join.MAC == s.joinMAC(c.Join)
}

// rejoin takes a new pseudonym and joins under it, in one transaction.
func (s *Session) rejoin(now time.Time) error {
	s.joining.Lock()
	defer s.joining.Unlock()
	if !s.log.Spent(s.Pseudonym()) {
		return nil // another writer was faster
	}
	s.mu.Lock()
	rec := s.rec
	s.mu.Unlock()
	if len(rec.Old) >= maxOld {
		return errors.New("too many pseudonyms: ask for a new invite")
	}
	rec.Old = append(append([]sig.Public(nil), rec.Old...), sig.FromSeed(rec.Pseudonym).Public())
	if err := s.home.fill(rec.Pseudonym[:], rec.Rdv[:]); err != nil {
		return err
	}
	d := s.joinVertex(&rec, now)
	d.With = &store.Batch{}
	s.home.put(d.With, &rec)
	if _, err := s.log.Append(sig.FromSeed(rec.Pseudonym), d); err != nil {
		return err
	}
	s.mu.Lock()
	s.rec, s.key, s.renamed = rec, sig.FromSeed(rec.Pseudonym), true
	s.mu.Unlock()
	s.log.SetOwn(s.Pseudonym())
	return nil
}

// Receive takes vertices from a carrier. When it shows that an author forked, it writes one receipt, so
// that the proof is in everybody's past.
func (s *Session) Receive(sender string, items []vertex.Item, now time.Time) (dag.Received, error) {
	got, err := s.log.Receive(sender, items, now)
	if err == nil && len(got.Forks) > 0 {
		s.prove(now)
	}
	return got, err
}

// prove writes a receipt that names all heads. Where it cannot be written, the next message does it.
func (s *Session) prove(now time.Time) { _, _ = s.write(vertex.Receipt, nil, now) }

// Import merges a stream of items.
func (s *Session) Import(r io.Reader, now time.Time, each func(dag.Result)) (dag.Totals, error) {
	sum, err := s.log.Import(r, "import", now, each)
	if err == nil && sum.Forks > 0 {
		s.prove(now)
	}
	return sum, err
}

// Invite returns an invite signed by this device. roads are where it can be met; expires may be zero.
func (s *Session) Invite(expires time.Time, roads [][]byte) *Invite {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.key
	v := &Invite{Session: s.rec.Session, Secret: s.rec.Secret, Genesis: s.rec.Genesis, Inviter: key.Public(),
		Network: s.home.cfg.Network}
	if !expires.IsZero() {
		v.Expires = uint64(expires.Unix())
	}
	for _, r := range roads {
		if len(r) <= maxRoad && len(v.Roads) < maxRoads {
			v.Roads = append(v.Roads, r)
		}
	}
	v.sign(key)
	return v
}
