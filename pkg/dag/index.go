package dag

import (
	"slices"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
)

// none stands where an entry has no previous vertex.
const none = ^uint32(0)

const (
	hasSig    = 1 << iota // the signature is held
	hasBody               // the body is held, or there is none
	mayWrite              // the author was entitled by the first vertex of this branch
	hasChild              // some vertex names it
	continued             // the author's next vertex names it as prev
	held                  // the vertex is here; else only its id is known
	entered               // it stands in its author's list
)

// entry is what memory keeps of an accepted vertex. Its arrival number is its place in index.entries.
type entry struct {
	id      vertex.ID
	seq     uint64
	lamport uint64
	parents []uint32 // arrival numbers
	prev    uint32   // arrival number or none
	author  uint32   // place in index.authors
	epoch   uint32
	size    uint32
	kind    vertex.Kind
	flags   uint8
}

// author is one writer's part of the log.
type author struct {
	key     sig.Public
	all     []uint32 // its vertices: place = seq until it forks, then by arrival; none where one is lost
	forked  bool
	forkSeq uint64 // seq of the first vertex that exists twice
}

// index is the accepted set in memory. Place 0 is kept for the genesis, which a newcomer knows by its
// id alone before it comes. A vertex whose record the disk lost keeps a place without held: what stands
// on it stays accepted and readable, and its content is wanted from peers.
type index struct {
	genesis vertex.ID
	entries []entry
	byID    map[vertex.ID]uint32
	authors []author
	byKey   map[sig.Public]uint32
	heads   map[uint32]struct{}
	noBody  map[uint32]struct{} // whose body is wanted, or the signature without which it cannot be proven
	lost    map[uint32]struct{} // places whose id is known and whose vertex is not here
	reach   []reach             // by author, grown when asked
	gone    int                 // vertices that this opening found lost and that nobody names
	n       int                 // held vertices
	patched bool                // a lost vertex was put back: arrival order may not be causal
}

func newIndex(genesis vertex.ID) index {
	x := index{genesis: genesis, entries: []entry{{prev: none, lamport: 1, id: genesis}},
		byID: map[vertex.ID]uint32{}, byKey: map[sig.Public]uint32{},
		heads: map[uint32]struct{}{}, noBody: map[uint32]struct{}{}, lost: map[uint32]struct{}{}}
	return x
}

func (x *index) hasGenesis() bool { return x.entries[0].flags&held != 0 }

// get returns the place of a vertex that is accepted and here.
func (x *index) get(id vertex.ID) (uint32, bool) {
	at, ok := x.byID[id]
	return at, ok && x.entries[at].flags&held != 0
}

// placeLost keeps place at for a vertex of which only the id is known, named by one of lamport child.
func (x *index) placeLost(at uint32, id vertex.ID, child uint64) {
	e := &x.entries[at]
	e.id, e.lamport, e.prev, e.flags = id, child-1, none, hasChild
	x.byID[id] = at
	x.lost[at] = struct{}{}
}

// ref returns the place of a named vertex. The genesis stands at 0 whether it is here or not; a lost
// vertex is known by the smallest lamport its children allow.
func (x *index) ref(id vertex.ID, child uint64) uint32 {
	at, ok := x.byID[id]
	if ok && x.entries[at].flags&held == 0 {
		x.entries[at].lamport = min(x.entries[at].lamport, child-1)
	}
	return at
}

// authorOf returns the place of a key, making one for a new key.
func (x *index) authorOf(key sig.Public) uint32 {
	a, ok := x.byKey[key]
	if !ok {
		a = uint32(len(x.authors))
		x.authors = append(x.authors, author{key: key})
		x.byKey[key] = a
	}
	return a
}

// add accepts v at the next arrival number, or at 0 for the genesis, and reports whether it shows that
// its author forked. What it names has a place already; the genesis may be named by id alone.
func (x *index) add(v *vertex.Vertex, id vertex.ID, flags uint8) (at uint32, fork bool) {
	at = uint32(len(x.entries))
	if v.Root() {
		at, x.genesis = 0, id
	} else {
		x.entries = append(x.entries, entry{})
	}
	return at, x.fill(at, v, id, flags)
}

// fill puts v at place at and reports whether it shows a fork.
func (x *index) fill(at uint32, v *vertex.Vertex, id vertex.ID, flags uint8) (fork bool) {
	e := entry{id: id, seq: v.Seq, lamport: v.Lamport, prev: none, epoch: v.Epoch, size: v.Size, kind: v.Kind,
		flags: flags | held | x.entries[at].flags&(hasChild|continued|entered|mayWrite)}
	e.author = x.authorOf(v.Author)
	if v.Seq > 0 {
		e.prev = x.ref(v.Prev, v.Lamport)
	}
	if len(v.Parents) > 0 {
		e.parents = make([]uint32, len(v.Parents))
		for i, p := range v.Parents {
			e.parents[i] = x.ref(p, v.Lamport)
		}
	}
	fork = x.branch(&e, at)
	x.name(&e)
	x.entries[at] = e
	x.byID[id] = at
	x.n++
	if e.flags&hasChild == 0 {
		x.heads[at] = struct{}{}
	}
	if e.flags&hasBody == 0 {
		x.noBody[at] = struct{}{}
	}
	return fork
}

// branch enters e in its author's list and reports whether the author shows a fork for the first time.
func (x *index) branch(e *entry, at uint32) bool {
	a := &x.authors[e.author]
	before := a.forked
	if e.prev != none {
		p := &x.entries[e.prev]
		p.flags |= continued
		if p.flags&held != 0 {
			x.attested(e.prev)
		} else { // lost, but now its author and seq are known, and one branch has one right to write
			p.author, p.seq = e.author, e.seq-1
			p.flags |= e.flags & mayWrite
		}
		a.enter(p, e.prev)
	}
	a.enter(e, at)
	return a.forked && !before
}

// enter lists the vertex at a place once. Two of one seq are a fork.
func (a *author) enter(e *entry, at uint32) {
	if e.flags&entered != 0 {
		return
	}
	e.flags |= entered
	for !a.forked && uint64(len(a.all)) < e.seq {
		a.all = append(a.all, none)
	}
	switch {
	case a.forked && e.seq >= a.forkSeq || uint64(len(a.all)) == e.seq:
		a.all = append(a.all, at)
	case a.all[e.seq] == none:
		a.all[e.seq] = at
	default:
		a.forked, a.forkSeq = true, e.seq
		a.all = append(a.all, at)
	}
}

// attested stops asking for the signature of a vertex that its successor's stands for.
func (x *index) attested(at uint32) {
	if x.entries[at].flags&hasBody != 0 {
		delete(x.noBody, at)
	}
}

// entitle carries the right to write along an author's branches, from what came back after a loss.
func (x *index) entitle(a *author) {
	for _, at := range a.all {
		if at == none {
			continue
		}
		if e := &x.entries[at]; e.flags&held != 0 && e.prev != none {
			e.flags |= x.entries[e.prev].flags & mayWrite
		}
	}
}

// entitled reports what the rest of an author's branch says of its right to write.
func (x *index) entitled(key sig.Public, prev vertex.ID) bool {
	if at, ok := x.byID[prev]; ok && x.entries[at].flags&mayWrite != 0 {
		return true
	}
	a, ok := x.byKey[key]
	return ok && !x.authors[a].forked && slices.ContainsFunc(x.authors[a].all, func(at uint32) bool {
		return at != none && x.entries[at].flags&mayWrite != 0
	})
}

// lose makes a vertex whose record does not open any more one of which only the id is known.
func (x *index) lose(at uint32) {
	e := &x.entries[at]
	if e.flags&held == 0 {
		return
	}
	e.flags &^= held | hasSig | hasBody
	x.lost[at] = struct{}{}
	delete(x.heads, at)
	delete(x.noBody, at)
	x.n--
}

// name takes what e names off the heads.
func (x *index) name(e *entry) {
	refs := e.parents
	if e.prev != none {
		x.entries[e.prev].flags |= hasChild
		delete(x.heads, e.prev)
	}
	for _, p := range refs {
		x.entries[p].flags |= hasChild
		delete(x.heads, p)
	}
}

// at returns the arrival number of an author's vertex before any fork.
func (a *author) at(seq uint64) (uint32, bool) {
	if seq >= a.next() || a.all[seq] == none {
		return 0, false
	}
	return a.all[seq], true
}

// next returns the seq that follows the author's last vertex before any fork.
func (a *author) next() uint64 {
	if a.forked {
		return a.forkSeq
	}
	return uint64(len(a.all))
}
