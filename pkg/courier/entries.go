package courier

import (
	"errors"
	"slices"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// entries are the vertices of one session that go into a bundle, in the order of their arrival here: it is causal, and
// the end of every transaction is a place where a run can be cut with all branches signed. Sorted by lamport, authors
// who wrote at the same time would leave each other's branches without a signature for thousands of entries.
type entries struct {
	s     *session.Session
	metas []dag.Meta
}

// missing lists what the makers of the digests lack of a session: of each author from the lowest of their claims on.
func missing(s *session.Session, have []*bundle.Have) (*entries, error) {
	e := &entries{s: s, metas: arrivals(s.Log())}
	var views []*bundle.HaveView
	for _, h := range have {
		v, err := h.For(s.SyncSecret())
		if err != nil {
			return nil, err
		}
		if v == nil {
			return e, nil // one of them has nothing of it
		}
		views = append(views, v)
	}
	if len(views) == 0 {
		return e, nil
	}
	from := map[sig.Public]uint64{}
	for _, a := range s.Log().Authors() {
		at := func(seq uint64) ([32]byte, bool) { id, ok := s.Log().At(a.Key, seq); return id, ok }
		lowest := uint64(1<<63 - 1)
		for _, v := range views {
			lowest = min(lowest, v.Next(a.Key, a.Forked, at))
		}
		from[a.Key] = lowest
	}
	wanted := map[[8]byte]bool{}
	for _, v := range views {
		for _, w := range v.Wanted {
			wanted[w] = true
		}
	}
	e.metas = slices.DeleteFunc(e.metas, func(m dag.Meta) bool {
		return m.Seq < from[m.Author] && !wanted[[8]byte(m.ID[:8])]
	})
	return e, nil
}

// arrivals lists a log in the order of arrival, or by lamport where damage was repaired.
func arrivals(l *dag.Log) []dag.Meta {
	list := l.Since(0)
	ats := make([]uint32, len(list))
	place := make(map[uint32]int, len(list))
	for i, m := range list {
		ats[i], place[m.Arrival] = m.Arrival, i
	}
	l.Causal(ats)
	out := make([]dag.Meta, len(list))
	for i, at := range ats {
		out[i] = list[place[at]]
	}
	return rootFirst(l, out)
}

// rootFirst moves what arrived before the transaction that brought the genesis behind it: who joined offline wrote
// first, and others take nothing before they have the genesis and a signature above it.
func rootFirst(l *dag.Log, list []dag.Meta) []dag.Meta {
	root, ok := l.Find(firstOf(l))
	if !ok {
		return list
	}
	i := slices.IndexFunc(list, func(m dag.Meta) bool { return m.ID == root.ID })
	p := slices.IndexFunc(list, func(m dag.Meta) bool { return m.Author == root.Author && m.Seq == 1 })
	if i != 0 || p <= 1 {
		return list
	}
	var s span
	clean := func(m dag.Meta) bool {
		it, err := l.Item(m.Arrival)
		return (err == nil || errors.Is(err, dag.ErrNoBody)) && s.add(&it)
	}
	if clean(root) {
		return list
	}
	end := p + 1
	for end <= len(list) && !clean(list[end-1]) {
		end++
	}
	end = min(end, len(list))
	return slices.Concat(list[:1], list[p:end], list[1:p], list[end:])
}

func firstOf(l *dag.Log) vertex.ID {
	id, _ := l.Genesis()
	return id
}

// pastOf keeps of e the given vertices and what they stand on.
func (e *entries) pastOf(ids map[vertex.ID]bool) error {
	all := true
	for _, h := range e.s.Log().Heads() {
		all = all && ids[h]
	}
	if all {
		return nil
	}
	in := map[vertex.ID]bool{}
	for i := len(e.metas) - 1; i >= 0; i-- {
		m := e.metas[i]
		if !ids[m.ID] && !in[m.ID] {
			continue
		}
		in[m.ID] = true
		it, err := e.item(m)
		if err != nil {
			return err
		}
		if it == nil {
			continue
		}
		if it.Seq > 0 {
			in[it.Prev] = true
		}
		for _, p := range it.Parents {
			in[p] = true
		}
	}
	e.metas = slices.DeleteFunc(e.metas, func(m dag.Meta) bool { return !in[m.ID] })
	return nil
}

// item reads one vertex; nil when the disk lost it.
func (e *entries) item(m dag.Meta) (*vertex.Item, error) {
	it, err := e.s.Log().Item(m.Arrival)
	if errors.Is(err, store.ErrCorrupt) && !errors.Is(err, dag.ErrNoBody) {
		return nil, nil
	}
	if err != nil && !errors.Is(err, dag.ErrNoBody) {
		return nil, err
	}
	return &it, nil
}

const (
	runBody   = 12 // bytes of an item beside its body and parents, about
	runMargin = 8 << 10
	// takeItem and takeBytes are what a log takes in one transaction: a run of no more is decided at once.
	takeItem  = 500
	takeBytes = 850 << 10
)

// span follows which branches end in a vertex without a signature: where none does, a cut leaves nothing waiting.
type span struct{ open map[vertex.ID]bool }

// add reports whether a cut behind it is clean.
func (s *span) add(it *vertex.Item) bool {
	if s.open == nil {
		s.open = map[vertex.ID]bool{}
	}
	if it.Seq > 0 {
		delete(s.open, it.Prev)
	}
	if !it.Signed {
		s.open[it.ID] = true
	}
	return len(s.open) == 0
}

// runs cuts the entries into runs, where it can behind signed vertices, and yields each as a record with the number of
// vertices in it. It ends where fits says that a run of some length does not, with as many vertices of it as do.
func (e *entries) runs(fits func(payload int) bool, yield func(bundle.Record, int) error) error {
	r := &runner{e: e, fits: fits, yield: yield}
	for _, m := range e.metas {
		it, err := e.item(m)
		if err != nil {
			return err
		}
		if it == nil {
			continue
		}
		if full, err := r.add(it); full || err != nil {
			return err
		}
	}
	for len(r.items) > 0 {
		if full, err := r.flush(len(r.items)); full || err != nil {
			return err
		}
	}
	return nil
}

// runner gathers items into runs.
type runner struct {
	e     *entries
	fits  func(int) bool
	yield func(bundle.Record, int) error
	items []vertex.Item
	run   int // bytes of the run, about
	take  int
	span  span
	clean int // how many of the leading items end in a clean cut
}

func (r *runner) cost(it *vertex.Item) (run, take int) {
	run = runBody + len(it.Body) + 3*len(it.Parents)
	if !it.Held() {
		run += 32
	}
	return run, takeItem + len(it.Body)
}

// add takes one more item and reports whether no more fit.
func (r *runner) add(it *vertex.Item) (full bool, err error) {
	run, take := r.cost(it)
	for len(r.items) > 0 && (r.run+run > vertex.MaxRun-runMargin || r.take+take > takeBytes || len(r.items) == vertex.MaxRunItems) {
		n := len(r.items)
		if r.clean > n/2 {
			n = r.clean
		}
		if full, err = r.flush(n); full || err != nil {
			return full, err
		}
	}
	r.push(it)
	return false, nil
}

func (r *runner) push(it *vertex.Item) {
	run, take := r.cost(it)
	r.items = append(r.items, *it)
	r.run, r.take = r.run+run, r.take+take
	if r.span.add(it) {
		r.clean = len(r.items)
	}
}

// flush writes a run of the first n items and reports whether no more fit.
func (r *runner) flush(n int) (full bool, err error) {
	got, rec, err := r.e.fit(r.items[:n], r.fits)
	if err == nil && got < n {
		if clean := cleanCut(r.items[:got]); clean > got/2 && clean < got { // what waits at the other end is sent again
			got = clean
			rec, err = r.e.pack(r.items[:got])
		}
	}
	if err != nil || got == 0 {
		return true, err
	}
	rest := slices.Clone(r.items[got:])
	r.items, r.run, r.take, r.clean, r.span = nil, 0, 0, 0, span{}
	for i := range rest {
		r.push(&rest[i])
	}
	return got < n, r.yield(rec, got)
}

// fit packs as many of the leading items as a run and the room hold.
func (e *entries) fit(items []vertex.Item, fits func(int) bool) (int, bundle.Record, error) {
	var best bundle.Record
	lo, hi := 0, len(items)+1 // lo fits, hi does not
	for n := len(items); hi-lo > 1; n = (lo + hi) / 2 {
		rec, err := e.pack(items[:n])
		switch {
		case err != nil && n == 1:
			return 0, best, err
		case err != nil || !fits(len(rec.Payload)):
			hi = n
		default:
			lo, best = n, rec
		}
	}
	return lo, best, nil
}

// pack makes the record of one run.
func (e *entries) pack(items []vertex.Item) (bundle.Record, error) {
	cut := slices.Clone(items)
	attest(cut)
	run, err := vertex.Pack(cut, e.s.Log().Lamport)
	id := e.s.ID()
	return bundle.Record{Kind: bundle.KindVertices, Payload: append(id[:], run...)}, err
}

// attest leaves one signature on each branch: its last one. What comes behind it is attested by the next run.
func attest(items []vertex.Item) {
	done := make(map[vertex.ID]bool, len(items)) // a later vertex of the branch keeps its signature
	for i := len(items) - 1; i >= 0; i-- {
		it := &items[i]
		if done[it.ID] {
			it.Signed = false
		}
		if it.Seq > 0 && (done[it.ID] || it.Signed) {
			done[it.Prev] = true
		}
	}
}
