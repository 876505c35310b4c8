package dag

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// ErrNoBody says that a vertex is here and its body is not: it is wanted from peers.
var ErrNoBody = errors.New("body is not held")

// Meta is what the log knows of a vertex without reading the disk.
type Meta struct {
	ID      vertex.ID
	Arrival uint32
	Author  sig.Public
	Seq     uint64
	Lamport uint64
	Kind    vertex.Kind
	Size    uint32
	Held    bool // the body is held
	Writer  bool // its author may write
}

func (x *index) meta(at uint32) Meta {
	e := &x.entries[at]
	return Meta{ID: e.id, Arrival: at, Author: x.authors[e.author].key, Seq: e.seq, Lamport: e.lamport, Kind: e.kind,
		Size: e.size, Held: e.flags&hasBody != 0, Writer: e.flags&mayWrite != 0}
}

// byLamport lists the held places in causal order: by lamport, author key, id.
func (x *index) byLamport() []uint32 {
	order := make([]uint32, 0, x.n)
	for at := range x.entries {
		if x.entries[at].flags&held != 0 {
			order = append(order, uint32(at))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int {
		p, q := &x.entries[a], &x.entries[b]
		if c := cmp.Compare(p.lamport, q.lamport); c != 0 {
			return c
		}
		k, m := &x.authors[p.author].key, &x.authors[q.author].key
		if c := slices.Compare(k[:], m[:]); c != 0 {
			return c
		}
		return p.id.Compare(q.id)
	})
	return order
}

// Order lists the accepted vertices in causal order, the same on every replica with the same set: by
// lamport, author key, id.
func (l *Log) Order() []Meta {
	l.mu.RLock()
	defer l.mu.RUnlock()
	order := l.index.byLamport()
	out := make([]Meta, len(order))
	for i, at := range order {
		out[i] = l.index.meta(at)
	}
	return out
}

// Since lists the accepted vertices from an arrival number on, in the order of their arrival.
func (l *Log) Since(arrival uint32) []Meta {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Meta
	for at := arrival; at < uint32(len(l.index.entries)); at++ {
		if l.index.entries[at].flags&held != 0 {
			out = append(out, l.index.meta(at))
		}
	}
	return out
}

// Find returns the accepted vertex of an id.
func (l *Log) Find(id vertex.ID) (Meta, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	at, ok := l.index.get(id)
	if !ok {
		return Meta{}, false
	}
	return l.index.meta(at), true
}

// Heads returns the ids of the vertices that nobody has built on, ascending.
func (l *Log) Heads() []vertex.ID {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.index.headIDs()
}

func (x *index) headIDs() []vertex.ID {
	ids := make([]vertex.ID, 0, len(x.heads))
	for at := range x.heads {
		ids = append(ids, x.entries[at].id)
	}
	slices.SortFunc(ids, vertex.ID.Compare)
	return ids
}

// Digest is SHA-256("pars/heads/v1" ‖ session ‖ head ids, ascending). It commits to the whole accepted
// set, since every id commits to its past; not to which bodies are held.
func (l *Log) Digest() (sum [32]byte) {
	h := sha256.New()
	h.Write([]byte(wire.LabelHeads))
	h.Write(l.cfg.Session[:])
	for _, id := range l.Heads() {
		h.Write(id[:])
	}
	h.Sum(sum[:0])
	return sum
}

// Forks lists the authors who wrote two branches.
func (l *Log) Forks() []sig.Public {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []sig.Public
	for i := range l.index.authors {
		if l.index.authors[i].forked {
			out = append(out, l.index.authors[i].key)
		}
	}
	return out
}

// record reads the record at a place, with an inline body.
func (l *Log) record(at uint32) (vertex.Item, uint8, error) {
	b, err := l.cfg.Space.Get(store.TableVertex, arrivalKey(at))
	if err != nil {
		return vertex.Item{}, 0, err
	}
	return decodeRecord(b)
}

// Item reads the vertex at an arrival number with its body. When only the body is missing or broken
// the item comes without it and the error Is ErrNoBody.
func (l *Log) Item(at uint32) (vertex.Item, error) {
	it, flags, err := l.record(at)
	for errors.Is(err, store.ErrNotFound) {
		next := l.coming(at)
		if it, flags, err = l.record(at); next == nil || err == nil {
			break
		}
		<-next
	}
	if err != nil {
		if errors.Is(err, store.ErrCorrupt) {
			l.mu.Lock()
			l.index.lose(at)
			l.mu.Unlock()
		}
		return it, fmt.Errorf("read vertex %d: %w", at, err)
	}
	if it.Size == 0 {
		it.Body = []byte{}
		return it, nil
	}
	if flags&hasBody == 0 {
		return it, ErrNoBody
	}
	if flags&inline == 0 {
		it.Body, err = l.cfg.Space.Get(store.TableBody, arrivalKey(at))
	}
	if err == nil {
		err = it.CheckBody()
	}
	if err != nil {
		it.Body = nil
		l.loseBody(at)
		return it, fmt.Errorf("%w: %w", ErrNoBody, err)
	}
	return it, nil
}

// coming returns what is closed after the next commit when the record of a vertex that memory shows may be
// on its way to the disk, else nil.
func (l *Log) coming(at uint32) <-chan struct{} {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.pending == 0 || at >= uint32(len(l.index.entries)) || l.index.entries[at].flags&held == 0 {
		return nil
	}
	return l.changed
}

// loseBody notes that a body does not open, so that it is wanted again.
func (l *Log) loseBody(at uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at < uint32(len(l.index.entries)) {
		l.index.entries[at].flags &^= hasBody
		l.index.noBody[at] = struct{}{}
	}
}

// Scrub reads every record and body once and reports how many did not open. What is broken is wanted from
// peers from then on.
func (l *Log) Scrub(stop func() bool) (bad int, err error) {
	for _, m := range l.Since(0) {
		if stop() {
			return bad, nil
		}
		if _, err := l.Item(m.Arrival); errors.Is(err, store.ErrCorrupt) || errors.Is(err, ErrNoBody) && m.Held {
			bad++
		} else if err != nil && !errors.Is(err, ErrNoBody) {
			return bad, err
		}
	}
	return bad, nil
}
