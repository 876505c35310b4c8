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

// entries are the vertices of one session that go into a bundle, in causal order: by lamport, author, id, so that
// homes with the same log pack the same runs.
type entries struct {
	s     *session.Session
	metas []dag.Meta
}

// missing lists what the makers of the digests lack of a session: of each author from the lowest of their claims on.
func missing(s *session.Session, have []*bundle.Have) (*entries, error) {
	e := &entries{s: s, metas: s.Log().Order()}
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
)

// runs cuts the entries into runs and yields each as a record with the number of vertices in it. It stops when take
// says that a run of some length does not fit, with as many vertices of it as do.
func (e *entries) runs(fits func(payload int) bool, yield func(bundle.Record, int) error) error {
	var items []vertex.Item
	size := 0
	flush := func() (bool, error) {
		n, rec, err := e.fit(items, fits)
		if err != nil || n == 0 {
			return n == len(items), err
		}
		whole := n == len(items)
		items, size = items[:0], 0
		return whole, yield(rec, n)
	}
	for _, m := range e.metas {
		it, err := e.item(m)
		if err != nil {
			return err
		}
		if it == nil {
			continue
		}
		cost := runBody + len(it.Body) + 3*len(it.Parents)
		if !it.Held() {
			cost += 32
		}
		if len(items) > 0 && (size+cost > vertex.MaxRun-runMargin || len(items) == vertex.MaxRunItems) {
			if whole, err := flush(); err != nil || !whole {
				return err
			}
		}
		items = append(items, *it)
		size += cost
	}
	if len(items) == 0 {
		return nil
	}
	_, err := flush()
	return err
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
