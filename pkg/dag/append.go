package dag

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// ErrAhead says that the author key must not write again: vertices by it exist that this store did not
// write or has lost. Another one with the same seq would be a fork by an honest device.
var ErrAhead = errors.New("author key was used elsewhere or its last entries are lost; a new one is needed")

// Draft is a vertex of our own to be written.
type Draft struct {
	Kind vertex.Kind
	Now  time.Time
	// Body makes the body of v, whose other fields are final; nil for receipts.
	Body func(v *vertex.Vertex) ([]byte, error)
	// With is written in the same transaction; nil for nothing.
	With *store.Batch
}

// Append writes a vertex by key on top of all heads and returns it once it is durable: only then may it
// leave. More heads than one vertex can name are merged by receipts first.
func (l *Log) Append(key sig.Private, d Draft) (vertex.Item, error) {
	l.write.Lock()
	defer l.write.Unlock()
	for {
		if l.broken != nil {
			return vertex.Item{}, l.broken
		}
		v, rest, err := l.draft(key.Public(), d)
		if err != nil {
			return vertex.Item{}, err
		}
		if !rest {
			return l.appendOne(key, d, v)
		}
		if _, err := l.appendOne(key, Draft{Kind: vertex.Receipt, Now: d.Now}, v); err != nil {
			return vertex.Item{}, err
		}
	}
}

// draft fills all but the body; rest says that heads are left over which v cannot name.
func (l *Log) draft(own sig.Public, d Draft) (v vertex.Vertex, rest bool, err error) {
	x := &l.index
	v = vertex.Vertex{Session: l.cfg.Session, Author: own, Kind: d.Kind, HLC: uint64(max(0, d.Now.UnixMilli()))}
	a, ok := x.byKey[own]
	if l.Spent(own) {
		return v, false, ErrAhead
	}
	if ok {
		last := &x.entries[x.authors[a].all[len(x.authors[a].all)-1]]
		v.Seq, v.Prev, v.Lamport, v.Epoch = last.seq+1, last.id, last.lamport, last.epoch
	}
	heads := x.complete()
	if len(heads) == 0 && !ok && x.genesis != (vertex.ID{}) {
		heads = []uint32{0} // a newcomer names the genesis by its id
	}
	for _, h := range heads {
		e := &x.entries[h]
		if v.Seq > 0 && e.id == v.Prev {
			continue
		}
		if len(v.Parents) == vertex.MaxParents {
			if ok { // but an author's first vertex is its join; its next one names the rest
				v.Kind = vertex.Receipt
				rest = true
			}
			break
		}
		v.Parents = append(v.Parents, e.id)
		v.Lamport, v.Epoch = max(v.Lamport, e.lamport), max(v.Epoch, e.epoch)
	}
	slices.SortFunc(v.Parents, vertex.ID.Compare)
	v.Lamport++
	if v.Root() {
		return v, false, fmt.Errorf("session %s has no genesis yet", l.cfg.Session)
	}
	return v, rest, nil
}

// Found stores the genesis of a session made here, whose id the Log was opened with, in one transaction
// with with.
func (l *Log) Found(root vertex.Item, with *store.Batch) error {
	l.write.Lock()
	defer l.write.Unlock()
	if !root.Root() || root.ID != l.index.genesis || l.index.hasGenesis() || vertex.SessionOf(root.Author) != root.Session {
		return fmt.Errorf("not the genesis of session %s", l.cfg.Session)
	}
	return l.keep(&root, hasSig|hasBody|mayWrite, with)
}

// keep enters a vertex of our own and makes it durable.
func (l *Log) keep(it *vertex.Item, flags uint8, with *store.Batch) error {
	if with == nil {
		with = &store.Batch{}
	}
	l.mu.Lock()
	at, _ := l.index.add(&it.Vertex, it.ID, flags|held)
	l.put(with, at, it, flags|held)
	l.putCounters(with)
	l.pending++
	l.mu.Unlock()
	t := l.begin(with)
	if err := l.commit(t); err != nil {
		return err
	}
	l.announce(t)
	return nil
}

func (l *Log) appendOne(key sig.Private, d Draft, v vertex.Vertex) (vertex.Item, error) {
	body := []byte{}
	if d.Body != nil {
		var err error
		if body, err = d.Body(&v); err != nil {
			return vertex.Item{}, err
		}
	}
	if len(body) > vertex.MaxBody {
		return vertex.Item{}, fmt.Errorf("body of %d bytes, at most %d fit", len(body), vertex.MaxBody)
	}
	it := vertex.Seal(v, body, key)
	flags := uint8(hasSig | hasBody)
	if v.Seq == 0 && l.cfg.Judge.MayWrite(&it) || v.Seq > 0 && l.index.entries[l.index.byID[v.Prev]].flags&mayWrite != 0 {
		flags |= mayWrite
	}
	return it, l.keep(&it, flags, d.With)
}

// complete returns the places of the newest vertices whose bodies and whose pasts' bodies are all held:
// what an honest node may name, since it can serve it.
func (x *index) complete() []uint32 {
	if len(x.noBody) == 0 && len(x.lost) == 0 {
		return sortedKeys(x.heads)
	}
	bad := make([]bool, len(x.entries))
	for at := range x.noBody {
		bad[at] = true
	}
	for at := range x.lost {
		bad[at] = true
	}
	order := x.byLamport()
	top := map[uint32]struct{}{}
	for _, at := range order {
		e := &x.entries[at]
		if e.prev != none && bad[e.prev] || slices.ContainsFunc(e.parents, func(p uint32) bool { return bad[p] }) {
			bad[at] = true
		}
		if bad[at] {
			continue
		}
		top[at] = struct{}{}
		delete(top, e.prev)
		for _, p := range e.parents {
			delete(top, p)
		}
	}
	return sortedKeys(top)
}

func sortedKeys(m map[uint32]struct{}) []uint32 {
	out := make([]uint32, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
