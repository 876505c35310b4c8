// Package dag keeps the log of one session: it decides which signed vertices belong to it, in which
// order they are read, and loses none that it has acknowledged.
//
// The accepted set is the largest causally closed part of what is held in which every vertex passes
// the checks and the last vertex of every author's branch carries a valid signature. It only grows and
// follows from itself, so two logs that hold the same vertices accept the same ones, whatever arrived
// first. What cannot be decided yet is parked, on disk; what is wrong by itself is refused and forgotten.
//
// A Log is safe for concurrent use. Receive, Append and Import answer after the disk has: what they
// acknowledge is there after a crash at any moment. Keep the order: receive, then show or pass on.
package dag

import (
	"fmt"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// Judge answers the question that needs opened bodies. It is called with the first vertex of an
// author's branch (seq 0) and says whether its author may write in the session. A no only parks: a
// replica that lacks a key must not refuse what another accepts.
type Judge interface {
	MayWrite(first *vertex.Item) bool
}

// Config says which session a Log holds and where.
type Config struct {
	Store   *store.Store
	Space   *store.Space // records of the session
	Session vertex.Session
	Genesis vertex.ID // zero only until the creator has appended it
	Own     sig.Public
	Judge   Judge
	Limits  Limits
	// Accepted, if not nil, is called with each vertex that a carrier brought, parents first, once it is
	// durable: whoever folds the log need not read it again. The item is valid during the call, which is
	// made by the writing goroutine and must not call Receive, Append or Import.
	Accepted func(*vertex.Item)
}

// Limits bound what is parked in one session. Zero fields stand for the desktop's.
type Limits struct {
	Items  int           // parked vertices, 16,384
	Bytes  int           // parked bytes, 32 MiB (phones 8 MiB)
	Author int           // parked vertices of one author, 512
	Age    time.Duration // 14 days
}

func (l Limits) orDefault() Limits {
	if l.Items == 0 {
		l.Items = 16384
	}
	if l.Bytes == 0 {
		l.Bytes = 32 << 20
	}
	if l.Author == 0 {
		l.Author = 512
	}
	if l.Age == 0 {
		l.Age = 14 * 24 * time.Hour
	}
	return l
}

// Log is the log of one session. Open makes one.
type Log struct {
	cfg      Config
	verifier *sig.Verifier

	write   turn   // held while the disk is written, never by readers
	scratch []byte // where put writes a record before it is sealed; guarded by write

	mu      sync.RWMutex // guards all below
	index   index
	park    park
	ahead   bool // our own author key was met with vertices that this store did not write
	damage  Damage
	refused map[vertex.Reason]uint64
	changed chan struct{} // closed and replaced when something was accepted
	broken  error         // a commit failed and the state could not be read again
	pending int           // transactions that memory shows and the disk does not hold yet
}

// Damage counts what was found broken on disk and not fetched again yet.
type Damage struct {
	Vertices int // lost: those that others name until a peer sends them, the rest until the next Open
	Parked   int // parked records that did not open
	Bodies   int // bodies that did not open
	Tail     int // newest vertices that the log remembers and the disk lost
	Counters int // 1 when the record that tells what was lost did not open itself
}

// Any reports whether there is damage.
func (d Damage) Any() bool { return d != Damage{} }

// Open reads the log of a session. What does not open is counted as damage and treated as absent; what
// stood on it is parked until a peer sends it again.
func Open(cfg Config) (*Log, error) {
	cfg.Limits = cfg.Limits.orDefault()
	l := &Log{cfg: cfg, write: newTurn(), verifier: sig.NewVerifier(1024), changed: make(chan struct{}), refused: map[vertex.Reason]uint64{}}
	if err := l.load(); err != nil {
		return nil, fmt.Errorf("open log of session %s: %w", cfg.Session, err)
	}
	return l, nil
}

// Session returns the session's id.
func (l *Log) Session() vertex.Session { return l.cfg.Session }

// Genesis returns the id of the session's first vertex and whether it is held.
func (l *Log) Genesis() (vertex.ID, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.index.genesis, l.index.hasGenesis()
}

// Count returns how many vertices are accepted and how many are parked.
func (l *Log) Count() (accepted, parked int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.index.n, len(l.park.items)
}

// Arrivals returns how many arrival numbers were given out; it grows with each accepted vertex.
func (l *Log) Arrivals() uint32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return uint32(len(l.index.entries))
}

// Changed returns a channel that is closed when the next vertex is accepted or body arrives.
func (l *Log) Changed() <-chan struct{} {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.changed
}

// Ahead reports whether our own author key was met in vertices this store did not write, or has lost:
// after a restored backup or a damaged disk. The key must not write again; take another.
func (l *Log) Ahead() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.ahead
}

// Spent reports whether an author key must not write again: Append by it would answer ErrAhead.
func (l *Log) Spent(key sig.Public) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	a, ok := l.index.byKey[key]
	return key == l.cfg.Own && l.ahead || ok && l.index.authors[a].forked
}

// SetOwn makes key the author of this device from now on.
func (l *Log) SetOwn(key sig.Public) {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cfg.Own, l.ahead = key, false
}

// Damage returns what was found broken and has not come back.
func (l *Log) Damage() Damage {
	l.mu.RLock()
	defer l.mu.RUnlock()
	d := l.damage
	d.Vertices = len(l.index.lost) + l.index.gone
	d.Bodies = len(l.index.noBody)
	return d
}

// Refused returns how many vertices were refused since Open, by reason.
func (l *Log) Refused() map[vertex.Reason]uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make(map[vertex.Reason]uint64, len(l.refused))
	for r, n := range l.refused {
		out[r] = n
	}
	return out
}

func (l *Log) signal() {
	close(l.changed)
	l.changed = make(chan struct{})
}
