package node

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// set shows one session to the sync machine of one peer.
type set struct {
	s    *session.Session
	log  *dag.Log
	peer string // whose quotas what arrives is charged to
	now  func() time.Time
	took func(got dag.Received, signed int) error // charges the peer; may be nil
}

func (x *set) Secret() [32]byte { return x.s.SyncSecret() }
func (x *set) Digest() [32]byte { return x.log.Digest() }
func (x *set) Arrivals() uint32 { return x.log.Arrivals() }

func (x *set) Size() uint64 {
	n, _ := x.log.Count()
	return uint64(n)
}

func (x *set) Authors() []reconcile.Author {
	states := x.log.Authors()
	out := make([]reconcile.Author, len(states))
	for i, a := range states {
		out[i] = reconcile.Author{Key: a.Key, Next: a.Next, Tip: a.Tip, Forked: a.Forked}
	}
	return out
}

func (x *set) At(key [32]byte, seq uint64) ([32]byte, bool) {
	id, ok := x.log.At(key, seq)
	return id, ok
}

func (x *set) Suffix(key [32]byte, seq uint64) []uint32 { return x.log.Suffix(key, seq) }

func (x *set) Since(arrival uint32) []uint32 {
	metas := x.log.Since(arrival)
	out := make([]uint32, len(metas))
	for i, m := range metas {
		out[i] = m.Arrival
	}
	return out
}

func (x *set) Place(id [32]byte) (uint32, bool) {
	m, ok := x.log.Find(id)
	return m.Arrival, ok
}

func (x *set) ID(arrival uint32) ([32]byte, bool) { return x.log.ID(arrival) }

func (x *set) Heads() [][32]byte { return bare(x.log.Heads()) }

func (x *set) Wants(max int) (vertices, bodies [][32]byte) {
	v, b := x.log.Wants(max)
	return bare(v), bare(b)
}

func bare(ids []vertex.ID) [][32]byte {
	out := make([][32]byte, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

func (x *set) Sort(arrivals []uint32) { x.log.Causal(arrivals) }

// packAhead is how many vertices are read for one run.
const packAhead = 1024

// Pack reads leading vertices and packs as many as fit max bytes. A vertex that does not open is left
// out; the log notes it and asks peers for it.
func (x *set) Pack(arrivals []uint32, max int) ([]byte, int, error) {
	return x.pack(arrivals, max, false)
}

// Bare packs without the bodies of messages.
func (x *set) Bare(arrivals []uint32, max int) ([]byte, int, error) {
	return x.pack(arrivals, max, true)
}

// Rank puts conversations with one other member before rooms.
func (x *set) Rank() int { return min(1, max(0, len(x.s.Members())-2)) }

// Bands in which what is urgent is sent: the newest entries first, small ones first within so many steps of the log,
// large ones last.
const (
	bandSteps = 64
	largeBody = 8 << 10
)

// Bodies lists the messages among vertices, the most urgent first.
func (x *set) Bodies(arrivals []uint32) (out []uint32) {
	var list []dag.Meta
	for _, at := range arrivals {
		if id, ok := x.log.ID(at); ok {
			if m, ok := x.log.Find(id); ok && m.Kind == vertex.App && m.Size > 0 {
				list = append(list, m)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b dag.Meta) int {
		return cmp.Or(cmp.Compare(a.Size/largeBody, b.Size/largeBody), cmp.Compare(b.Lamport/bandSteps, a.Lamport/bandSteps),
			cmp.Compare(a.Size, b.Size), cmp.Compare(b.Lamport, a.Lamport))
	})
	for _, m := range list {
		out = append(out, m.Arrival)
	}
	return out
}

func (x *set) pack(arrivals []uint32, max int, bare bool) ([]byte, int, error) {
	var items []vertex.Item
	n, size := 0, 0
	for _, at := range arrivals[:min(len(arrivals), packAhead)] {
		it, err := x.log.Item(at)
		if err != nil {
			if n++; !errors.Is(err, dag.ErrNoBody) || it.ID == (vertex.ID{}) {
				continue
			}
		} else {
			n++
		}
		if bare && it.Kind == vertex.App {
			it.Body = nil
		}
		size += 30 + len(it.Body)
		if items = append(items, it); size > max {
			break
		}
	}
	for len(items) > 0 {
		part := append([]vertex.Item(nil), items...)
		slices.SortStableFunc(part, func(a, b vertex.Item) int { return cmp.Compare(a.Lamport, b.Lamport) }) // a run is in causal order
		vertex.TipSignatures(part)
		run, err := vertex.Pack(part, x.log.Lamport)
		if err == nil && len(run) <= max {
			return run, n, nil
		}
		if len(items) == 1 {
			return nil, 0, nil
		}
		drop := len(items) - len(items)*3/4
		n -= drop
		items = items[:len(items)-drop]
	}
	return nil, n, nil
}

// Take commits a run. A run that does not decode is the peer's fault.
func (x *set) Take(run []byte) (reconcile.Taken, error) {
	items, err := vertex.DecodeRun(x.s.ID(), run)
	if err != nil {
		return reconcile.Taken{}, err
	}
	got, err := x.s.Receive(x.peer, items, x.now())
	if err != nil {
		return reconcile.Taken{}, storeError{err}
	}
	var t reconcile.Taken
	for _, r := range got.Results {
		switch r.Outcome {
		case dag.New, dag.Known:
			if m, ok := x.log.Find(r.ID); ok {
				t.Places = append(t.Places, m.Arrival)
			}
			t.Known++
		case dag.Parked:
			t.Parked++
		case dag.Refused:
			t.Refused++
		}
	}
	t.New = got.New
	if x.took != nil {
		return t, x.took(got, signatures(items))
	}
	return t, nil
}

func signatures(items []vertex.Item) (n int) {
	for i := range items {
		if items[i].Signed {
			n++
		}
	}
	return n
}

// Sent notes what the peer has; a failed note only costs the word "sent".
func (x *set) Sent(arrival uint32) { _ = x.s.MarkSent(arrival) }

// storeError hides from the sync machine that a failure of our own disk may wrap wire.ErrInvalid: the
// peer is not to blame for it.
type storeError struct{ err error }

func (e storeError) Error() string { return e.err.Error() }

func (e storeError) Unwrap() error {
	if errors.Is(e.err, wire.ErrInvalid) {
		return nil
	}
	return e.err
}
