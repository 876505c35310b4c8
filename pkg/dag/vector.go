package dag

import (
	"slices"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
)

// AuthorState says how far one author's part of the log goes without a fork. Vertices that the disk lost in
// between are wanted by their ids.
type AuthorState struct {
	Key    sig.Public
	Next   uint64    // seq after the last vertex before any fork
	Tip    vertex.ID // that last vertex; zero when Next is 0 or the disk lost it
	Forked bool
}

// Authors lists the state of every author. Authors whose last vertices are lost on disk show the state
// without them, so that peers send them again.
func (l *Log) Authors() []AuthorState {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make([]AuthorState, 0, len(l.index.authors))
	for i := range l.index.authors {
		a := &l.index.authors[i]
		s := AuthorState{Key: a.key, Next: a.next(), Forked: a.forked}
		if at, ok := a.at(s.Next - 1); ok {
			s.Tip = l.index.entries[at].id
		}
		out = append(out, s)
	}
	return out
}

// At returns the id of an author's vertex of a seq before any fork.
func (l *Log) At(key sig.Public, seq uint64) (vertex.ID, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	a, ok := l.index.byKey[key]
	if !ok {
		return vertex.ID{}, false
	}
	at, ok := l.index.authors[a].at(seq)
	if !ok {
		return vertex.ID{}, false
	}
	return l.index.entries[at].id, true
}

// ID returns the id of the vertex at an arrival number.
func (l *Log) ID(arrival uint32) (vertex.ID, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if arrival >= uint32(len(l.index.entries)) || l.index.entries[arrival].flags&held == 0 {
		return vertex.ID{}, false
	}
	return l.index.entries[arrival].id, true
}

// Suffix returns the arrival numbers of an author's vertices from seq on, forks included.
func (l *Log) Suffix(key sig.Public, seq uint64) []uint32 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	a, ok := l.index.byKey[key]
	if !ok {
		return nil
	}
	all := l.index.authors[a].all
	if !l.index.authors[a].forked {
		all = all[min(seq, uint64(len(all))):]
	}
	out := make([]uint32, 0, len(all))
	for _, at := range all {
		if at != none && l.index.entries[at].flags&held != 0 && l.index.entries[at].seq >= seq {
			out = append(out, at)
		}
	}
	return out
}

// Lamport returns the lamport of a vertex that is named by accepted ones.
func (l *Log) Lamport(id vertex.ID) (uint64, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if at, ok := l.index.byID[id]; ok {
		return l.index.entries[at].lamport, true
	}
	return 1, id == l.index.genesis
}

// Causal sorts arrival numbers so that what is named comes first: by arrival, which also cuts where
// branches are signed, or by lamport where damage was repaired.
func (l *Log) Causal(ats []uint32) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.index.patched && len(l.index.lost) == 0 {
		slices.Sort(ats)
		return
	}
	x := &l.index
	slices.SortFunc(ats, func(a, b uint32) int {
		if c := int64(x.entries[a].lamport) - int64(x.entries[b].lamport); c != 0 {
			return int(c)
		}
		return x.entries[a].id.Compare(x.entries[b].id)
	})
}

// Wants returns what peers should be asked for: ids of vertices that are named and not here, and ids
// of vertices whose bodies are missing. At most max of each.
func (l *Log) Wants(max int) (vertices, bodies []vertex.ID) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.index.genesis != (vertex.ID{}) && !l.index.hasGenesis() {
		vertices = append(vertices, l.index.genesis)
	}
	for at := range l.index.lost {
		if at > 0 {
			vertices = append(vertices, l.index.entries[at].id)
		}
	}
	slices.SortFunc(vertices, vertex.ID.Compare)
	vertices = vertices[:min(len(vertices), max)]
	vertices = l.park.wants(vertices, max, func(id vertex.ID) bool { _, ok := l.index.byID[id]; return ok })
	for at := range l.index.noBody {
		bodies = append(bodies, l.index.entries[at].id)
	}
	slices.SortFunc(bodies, vertex.ID.Compare)
	return vertices, bodies[:min(len(bodies), max)]
}

// wants adds the missing names of what is parked: one name of each sender in turn, signed children's
// first, so that one sender's junk cannot crowd out the rest.
func (k *park) wants(out []vertex.ID, max int, have func(vertex.ID) bool) []vertex.ID {
	seen := make(map[vertex.ID]bool, len(out))
	for _, id := range out {
		seen[id] = true
	}
	queues := map[string][]vertex.ID{}
	var senders []string
	byAge := k.byAge()
	for i := len(byAge) - 1; i >= 0; i-- { // the signed stand at the end
		p := byAge[i]
		if len(queues[p.sender]) > max {
			continue
		}
		for _, id := range names(&p.item) {
			if !have(id) && k.items[id] == nil && !seen[id] {
				if queues[p.sender] == nil {
					senders = append(senders, p.sender)
				}
				queues[p.sender] = append(queues[p.sender], id)
			}
		}
	}
	slices.Sort(senders)
	for turn, more := 0, true; more && len(out) < max; turn++ {
		more = false
		for _, s := range senders {
			if turn >= len(queues[s]) || len(out) == max {
				continue
			}
			more = true
			if id := queues[s][turn]; !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
	}
	return out
}
