package dag

import (
	"slices"

	"github.com/pars-network/pars/pkg/vertex"
)

// Why a vertex waits.
const (
	waitMissing    = "missing"    // names what is not here
	waitUnattested = "unattested" // no signature on its branch yet
	waitExposed    = "exposed"    // by an author who forked; nobody else has named it
	waitWriter     = "writer"     // its author may not write, as far as is known here
)

// cand is a vertex on its way into the log.
type cand struct {
	it       *vertex.Item
	names    []vertex.ID // all that it names
	parked   *parked     // where it came from, or nil for one just received
	result   int         // place of its answer, or -1
	kids     []*cand     // candidates that name it
	need     int         // names not accepted or placed yet
	refs     []*cand     // candidates it names
	next     int         // candidates not cut that continue its branch
	placed   bool
	cut      bool
	evicted  bool // the park had no room left for it
	improved bool // a second copy brought a body or a signature
	writer   bool
	blocked  string // why it needs another author to name it
	named    bool   // an accepted-to-be vertex of another author stands on it
	sigOK    bool
	sigBad   bool
	refusal  error
	why      string // why it waits

	room struct { // for what most candidates have: few allocations for many of them
		names      [2]vertex.ID
		kids, refs [2]*cand
	}
}

// stage is the work of one batch: what is placed, in causal order, and what became of the rest.
type stage struct {
	l      *Log
	pool   map[vertex.ID]*cand
	all    []*cand
	order  []*cand     // placed, parents first
	filled []vertex.ID // lost vertices that came back
	free   []cand      // room for candidates
}

func newStage(l *Log, n int) *stage {
	return &stage{l: l, pool: make(map[vertex.ID]*cand, n), all: make([]*cand, 0, n), order: make([]*cand, 0, n), free: make([]cand, n)}
}

func (s *stage) add(it *vertex.Item, p *parked, result int) {
	if len(s.free) == 0 {
		s.free = make([]cand, 16)
	}
	c := &s.free[0]
	s.free = s.free[1:]
	c.it, c.parked, c.result = it, p, result
	c.names, c.kids, c.refs = appendNames(c.room.names[:0], it), c.room.kids[:0], c.room.refs[:0]
	s.pool[it.ID] = c
	s.all = append(s.all, c)
}

// wake pulls in what is parked behind a candidate and what a candidate names that is parked, and so on.
func (s *stage) wake() {
	pull := func(p *parked) {
		if s.pool[p.item.ID] == nil {
			s.add(&p.item, p, -1)
		}
	}
	for _, id := range s.filled {
		for _, p := range s.l.park.behind(id) {
			pull(p)
		}
	}
	for i := 0; i < len(s.all); i++ {
		for _, p := range s.l.park.behind(s.all[i].it.ID) {
			pull(p)
		}
		for _, id := range s.all[i].names {
			if p := s.l.park.items[id]; p != nil {
				pull(p)
			}
		}
	}
}

// link counts for each candidate what has to be placed before it.
func (s *stage) link() {
	for _, c := range s.all {
		for _, id := range c.names {
			if _, ok := s.l.index.get(id); ok {
				continue
			}
			c.need++
			if p := s.pool[id]; p != nil {
				p.kids = append(p.kids, c)
				c.refs = append(c.refs, p)
			}
		}
	}
}

// names returns everything a vertex names.
func names(it *vertex.Item) []vertex.ID {
	if it.Seq == 0 {
		return it.Parents
	}
	return appendNames(make([]vertex.ID, 0, 1+len(it.Parents)), it)
}

func appendNames(ids []vertex.ID, it *vertex.Item) []vertex.ID {
	if it.Seq > 0 {
		ids = append(ids, it.Prev)
	}
	return append(ids, it.Parents...)
}

// place orders the candidates whose past is complete and checks each against its past.
func (s *stage) place() {
	ready := make([]*cand, 0, len(s.all))
	for _, c := range s.all {
		if c.need == 0 {
			ready = append(ready, c)
		}
	}
	for i := 0; i < len(ready); i++ {
		c := ready[i]
		if c.refusal != nil {
			continue
		}
		if err := s.check(c); err != nil {
			s.refuse(c, err)
			continue
		}
		c.placed = true
		s.order = append(s.order, c)
		for _, k := range c.kids {
			if k.need--; k.need == 0 {
				ready = append(ready, k)
			}
		}
	}
}

// refuse refuses a candidate for good and with it all that stands on it.
func (s *stage) refuse(c *cand, err error) {
	c.refusal = err
	work := slices.Clone(c.kids)
	for len(work) > 0 {
		k := work[len(work)-1]
		work = work[:len(work)-1]
		if k.refusal == nil {
			k.refusal = &vertex.RefusedError{Reason: vertex.BadPast}
			work = append(work, k.kids...)
		}
	}
}

// past is what a check needs to know of a vertex that is named.
type past struct {
	author  [32]byte
	seq     uint64
	lamport uint64
	epoch   uint32
	writer  bool
}

func (s *stage) past(id vertex.ID) past {
	if c := s.pool[id]; c != nil {
		return past{c.it.Author, c.it.Seq, c.it.Lamport, c.it.Epoch, c.writer}
	}
	at, _ := s.l.index.get(id)
	e := &s.l.index.entries[at]
	return past{s.l.index.authors[e.author].key, e.seq, e.lamport, e.epoch, e.flags&mayWrite != 0}
}

// check holds a vertex against its past. Its answer depends on the vertex and its past alone.
func (s *stage) check(c *cand) error {
	v, top := &c.it.Vertex, past{}
	if v.Root() {
		return s.checkRoot(c)
	}
	if v.Seq == 0 && !v.Author.Canonical() {
		return &vertex.RefusedError{Reason: vertex.BadAuthor}
	}
	for i, id := range c.names {
		p := s.past(id)
		if i == 0 && v.Seq > 0 {
			if p.author != v.Author {
				return &vertex.RefusedError{Reason: vertex.BadPrev}
			}
			if p.seq+1 != v.Seq {
				return &vertex.RefusedError{Reason: vertex.BadSeq}
			}
			c.writer = p.writer
		}
		top.lamport, top.epoch = max(top.lamport, p.lamport), max(top.epoch, p.epoch)
	}
	if v.Lamport != top.lamport+1 {
		return &vertex.RefusedError{Reason: vertex.BadLamport}
	}
	if v.Epoch < top.epoch {
		return &vertex.RefusedError{Reason: vertex.BadEpoch}
	}
	if v.Seq == 0 {
		c.writer = s.l.cfg.Judge.MayWrite(c.it)
	}
	s.block(c)
	return nil
}

func (s *stage) checkRoot(c *cand) error {
	v := &c.it.Vertex
	if vertex.SessionOf(v.Author) != v.Session || c.it.ID != s.l.index.genesis || !v.Author.Canonical() {
		return &vertex.RefusedError{Reason: vertex.BadRoot}
	}
	if v.Lamport != 1 || v.Epoch != 0 {
		return &vertex.RefusedError{Reason: vertex.BadLamport}
	}
	c.writer = true
	return nil
}

func (s *stage) block(c *cand) {
	if !c.writer {
		c.blocked = waitWriter
	}
	if a, ok := s.l.index.byKey[c.it.Author]; ok && s.l.index.authors[a].forked {
		c.blocked = waitExposed
	}
}
