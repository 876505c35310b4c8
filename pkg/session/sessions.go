package session

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// Config says where sessions are kept and in which network.
type Config struct {
	Store   *store.Store
	State   store.Key // state key: seals the sessions' keys
	Network [4]byte   // beginning of the netid
	Rand    io.Reader
	Limits  dag.Limits
}

// Sessions are all conversations of one home.
type Sessions struct {
	cfg   Config
	state *store.Space

	mu   sync.Mutex // guards list
	list map[vertex.Session]*Session
	bad  int
}

// ErrNotHeld says that no session of this id is here.
var ErrNotHeld = fmt.Errorf("session: %w", store.ErrNotFound)

// Open reads all sessions of a store. A session whose keys do not open is counted by Damaged.
func Open(cfg Config) (*Sessions, error) {
	h := &Sessions{cfg: cfg, state: cfg.Store.State(cfg.State), list: map[vertex.Session]*Session{}}
	var recs []*record
	err := h.state.Scan(store.TableKeys, nil, func(_, plain []byte, err error) bool {
		var r *record
		if err == nil {
			r, err = decodeRecord(plain)
		}
		if err != nil {
			h.bad++
			return true
		}
		recs = append(recs, r)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	for _, r := range recs {
		if _, err := h.open(r); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Damaged returns how many sessions' keys did not open.
func (h *Sessions) Damaged() int { return h.bad }

func (h *Sessions) open(r *record) (*Session, error) {
	s := &Session{home: h, rec: *r, key: sig.FromSeed(r.Pseudonym), id: r.Session, root: r.Genesis, first: map[sig.Public]Member{}, keys: envelope.Derive(r.Secret, r.Session),
		view: h.cfg.Store.Space(r.Group, r.LogKey)}
	var err error
	s.log, err = dag.Open(dag.Config{Store: h.cfg.Store, Space: s.view, Session: r.Session, Genesis: r.Genesis,
		Own: sig.FromSeed(r.Pseudonym).Public(), Judge: s, Limits: h.cfg.Limits})
	if err != nil {
		return nil, err
	}
	s.loadMarks()
	h.mu.Lock()
	h.list[r.Session] = s
	h.mu.Unlock()
	return s, nil
}

func (h *Sessions) put(b *store.Batch, r *record) {
	h.state.Put(b, store.TableKeys, h.state.Name(store.TableKeys, r.Session[:]), r.encode())
}

func (h *Sessions) fill(bufs ...[]byte) error {
	for _, b := range bufs {
		if _, err := io.ReadFull(h.cfg.Rand, b); err != nil {
			return fmt.Errorf("read randomness: %w", err)
		}
	}
	return nil
}

// fresh draws what every new record needs.
func (h *Sessions) fresh() (*record, error) {
	var r record
	var group [4]byte
	if err := h.fill(r.Pseudonym[:], r.Rdv[:], r.LogKey[:], group[:]); err != nil {
		return nil, err
	}
	r.Group = binary.BigEndian.Uint32(group[:]) | 1 // 0 is the node itself
	return &r, nil
}

// Create makes a session with a title, durable when it returns.
func (h *Sessions) Create(title string, now time.Time) (*Session, error) {
	if err := checkName("title", title); err != nil {
		return nil, err
	}
	r, err := h.fresh()
	if err != nil {
		return nil, err
	}
	if err := h.fill(r.Secret[:]); err != nil {
		return nil, err
	}
	key := sig.FromSeed(r.Pseudonym)
	r.Session = vertex.SessionOf(key.Public())
	keys := envelope.Derive(r.Secret, r.Session)
	c := create{Title: title, Pseudonym: key.Public(), Rdv: sig.FromSeed(r.Rdv).Public(), Day: keys.Day(now.Unix())}
	v := vertex.Vertex{Session: r.Session, Author: key.Public(), Lamport: 1, HLC: uint64(max(0, now.UnixMilli())), Kind: vertex.Control}
	body, err := keys.Seal(place(&v), c.encode(), h.cfg.Rand)
	if err != nil {
		return nil, err
	}
	root := vertex.Seal(v, body, key)
	r.Genesis = root.ID
	s, err := h.open(r)
	if err != nil {
		return nil, err
	}
	b := &store.Batch{}
	h.put(b, r)
	if err := s.log.Found(root, b); err != nil {
		h.forget(r.Session)
		return nil, fmt.Errorf("store session: %w", err)
	}
	return s, nil
}

// Join takes an invite: it stores the keys and writes the newcomer's first vertex in one transaction,
// so that sending works before any contact. A session that is held already is returned as it is.
func (h *Sessions) Join(v *Invite, name string, now time.Time) (*Session, error) {
	if err := v.usable(h.cfg.Network, now); err != nil {
		return nil, err
	}
	if err := checkName("name", name); err != nil {
		return nil, err
	}
	if s, err := h.Get(v.Session); err == nil {
		s.mu.Lock()
		same := s.root == v.Genesis && s.rec.Secret == v.Secret
		s.mu.Unlock()
		if !same {
			return nil, fmt.Errorf("session %s is held with another beginning: the invite is false", v.Session)
		}
		return s, nil
	}
	r, err := h.fresh()
	if err != nil {
		return nil, err
	}
	r.Session, r.Secret, r.Genesis, r.Inviter, r.Name = v.Session, v.Secret, v.Genesis, v.Inviter, name
	s, err := h.open(r)
	if err != nil {
		return nil, err
	}
	d := s.joinVertex(r, now)
	d.With = &store.Batch{}
	h.put(d.With, r)
	if _, err := s.log.Append(sig.FromSeed(r.Pseudonym), d); err != nil {
		h.forget(r.Session)
		return nil, fmt.Errorf("store session: %w", err)
	}
	return s, nil
}

func (h *Sessions) forget(id vertex.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.list, id)
}

// Get returns the session of an id, or ErrNotHeld.
func (h *Sessions) Get(id vertex.Session) (*Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.list[id]; s != nil {
		return s, nil
	}
	return nil, ErrNotHeld
}

// Find returns the one session whose hex id begins with prefix, at least 4 characters.
func (h *Sessions) Find(prefix string) (*Session, error) {
	var hit *Session
	for _, s := range h.List() {
		if len(prefix) >= 4 && strings.HasPrefix(s.ID().String(), strings.ToLower(prefix)) {
			if hit != nil {
				return nil, fmt.Errorf("session %s is not the only one beginning so: give more characters", prefix)
			}
			hit = s
		}
	}
	if hit == nil {
		return nil, fmt.Errorf("session %q: %w (list them with: pars-node sessions)", prefix, store.ErrNotFound)
	}
	return hit, nil
}

// List returns all sessions by id.
func (h *Sessions) List() []*Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*Session, 0, len(h.list))
	for _, s := range h.list {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Session) int { return strings.Compare(a.ID().String(), b.ID().String()) })
	return out
}

// Vertex finds the session that holds an accepted vertex.
func (h *Sessions) Vertex(id vertex.ID) (*Session, dag.Meta, error) {
	for _, s := range h.List() {
		if m, ok := s.log.Find(id); ok {
			return s, m, nil
		}
	}
	return nil, dag.Meta{}, fmt.Errorf("vertex %s: %w", id, store.ErrNotFound)
}
