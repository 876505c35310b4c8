package dag

import "github.com/pars-network/pars/pkg/sig"

// reach is how far the past of one author's vertices goes: for each author the seq after the newest
// vertex in it. It grows with the author's branch, so every vertex is walked once for each author.
type reach struct {
	done int      // vertices of the author walked
	next []uint64 // by author
}

// grow walks the vertices of author a that were not walked yet.
func (x *index) grow(r *reach, a uint32) {
	for len(r.next) < len(x.authors) {
		r.next = append(r.next, 0)
	}
	all := x.authors[a].all
	work := append([]uint32(nil), all[min(r.done, len(all)):]...)
	r.done = len(all)
	for len(work) > 0 {
		at := work[len(work)-1]
		work = work[:len(work)-1]
		if at == none || x.entries[at].flags&held == 0 {
			continue
		}
		e := &x.entries[at]
		b := &x.authors[e.author]
		for s := r.next[e.author]; s <= e.seq && s < b.next(); s++ {
			if b.all[s] != none {
				work = append(work, x.entries[b.all[s]].parents...)
			}
			r.next[e.author] = s + 1
		}
		if e.seq >= b.next() {
			work = append(work, e.parents...) // a fork: walked again each time, its prev is not
		}
	}
}

// Seen counts, for a message of author at seq, the other authors who have it in the past of a vertex
// of their own, leaving out those for whom skip is true.
func (l *Log) Seen(skip func(sig.Public) bool) func(author sig.Public, seq uint64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := &l.index
	for len(x.reach) < len(x.authors) {
		x.reach = append(x.reach, reach{})
	}
	var rows [][]uint64
	var owner []uint32
	for a := range x.authors {
		x.grow(&x.reach[a], uint32(a))
		if !skip(x.authors[a].key) {
			rows = append(rows, append([]uint64(nil), x.reach[a].next...))
			owner = append(owner, uint32(a))
		}
	}
	place := make(map[sig.Public]uint32, len(x.byKey))
	for k, a := range x.byKey {
		place[k] = a
	}
	return func(author sig.Public, seq uint64) (n int) {
		a, ok := place[author]
		for i := range rows {
			if ok && owner[i] != a && int(a) < len(rows[i]) && rows[i][a] > seq {
				n++
			}
		}
		return n
	}
}
