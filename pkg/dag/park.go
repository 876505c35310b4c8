package dag

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// parked is a vertex that cannot be decided yet.
type parked struct {
	item     vertex.Item
	sender   string
	deadline uint32 // unix seconds; the record's key begins with it
	no       uint32
	why      string
}

// What a parked vertex costs beside its body, and each name that it waits for.
const (
	parkedOverhead = 320
	parkedName     = 100
)

func (p *parked) size() int {
	return parkedOverhead + parkedName*len(p.item.Parents) + len(p.item.Body)
}

func (p *parked) key() []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, p.deadline), p.no)
}

func (p *parked) record() []byte {
	b := wire.AppendUvarint(nil, uint64(len(p.sender)))
	return p.item.Append(append(b, p.sender...))
}

func decodeParked(key, b []byte) (*parked, error) {
	if len(key) != 8 {
		return nil, wire.Invalid("key of a parked vertex")
	}
	r := wire.NewReader(b)
	sender := r.Take(int(r.Uvarint(256)))
	if r.Err() != nil {
		return nil, r.Err()
	}
	it, rest, err := vertex.DecodeItem(b[r.Offset():])
	if err != nil || len(rest) > 0 {
		return nil, wire.Invalid("parked vertex")
	}
	return &parked{item: it, sender: string(sender), why: waitMissing,
		deadline: binary.BigEndian.Uint32(key), no: binary.BigEndian.Uint32(key[4:])}, nil
}

// park is what waits, by id and by what it names.
type park struct {
	items    map[vertex.ID]*parked
	waiting  map[vertex.ID][]*parked
	bytes    int
	next     uint32
	bySender map[string]load
	byAuthor map[sig.Public]int
}

func newPark() park {
	return park{items: map[vertex.ID]*parked{}, waiting: map[vertex.ID][]*parked{},
		bySender: map[string]load{}, byAuthor: map[sig.Public]int{}}
}

// behind returns what is parked and names id.
func (k *park) behind(id vertex.ID) []*parked { return k.waiting[id] }

func (k *park) add(p *parked) {
	k.items[p.item.ID] = p
	for _, id := range names(&p.item) {
		k.waiting[id] = append(k.waiting[id], p)
	}
	k.bytes += p.size()
	n := k.bySender[p.sender]
	k.bySender[p.sender] = load{n.items + 1, n.bytes + p.size()}
	k.byAuthor[p.item.Author]++
	k.next = max(k.next, p.no+1)
}

func (k *park) remove(p *parked) {
	delete(k.items, p.item.ID)
	for _, id := range names(&p.item) {
		if rest := slices.DeleteFunc(k.waiting[id], func(q *parked) bool { return q == p }); len(rest) > 0 {
			k.waiting[id] = rest
		} else {
			delete(k.waiting, id)
		}
	}
	k.bytes -= p.size()
	n := k.bySender[p.sender]
	if k.bySender[p.sender] = (load{n.items - 1, n.bytes - p.size()}); n.items <= 1 {
		delete(k.bySender, p.sender)
	}
	if k.byAuthor[p.item.Author]--; k.byAuthor[p.item.Author] <= 0 {
		delete(k.byAuthor, p.item.Author)
	}
}

// room reports whether one author may have another vertex parked. What nobody signed gives way to a
// vertex whose signature holds: anybody can write unsigned ones in another's name.
func (k *park) room(it *vertex.Item, why string, lim Limits) (evict *parked, ok bool) {
	if why == waitUnattested || k.byAuthor[it.Author] < lim.Author {
		return nil, true
	}
	if it.Signed {
		for _, p := range k.items {
			if p.item.Author == it.Author && !p.item.Signed && (evict == nil || p.no < evict.no) {
				evict = p
			}
		}
	}
	return evict, evict != nil
}

// load is how much is parked.
type load struct{ items, bytes int }

func (n load) over(lim load) bool { return n.items > lim.items || n.bytes > lim.bytes }

func (n load) part(of int) load { return load{n.items / of, n.bytes / of} }

// surplus returns what has to go so that the limits hold: all that is older than its deadline, then the
// oldest of the largest sender first, the unsigned before the signed. Once something is over its limit
// a sixteenth more goes, so that a flood is not sorted anew for each vertex.
func (k *park) surplus(limits Limits, now time.Time) (out []*parked) {
	left, bySender := load{len(k.items), k.bytes}, map[string]load{}
	gone := map[*parked]bool{}
	drop := func(p *parked) {
		gone[p] = true
		out = append(out, p)
		n := bySender[p.sender]
		bySender[p.sender] = load{n.items - 1, n.bytes - p.size()}
		left = load{left.items - 1, left.bytes - p.size()}
	}
	for s, n := range k.bySender {
		bySender[s] = n
	}
	for _, p := range k.items {
		if int64(p.deadline) < now.Unix() {
			drop(p)
		}
	}
	lim := load{limits.Items, limits.Bytes}
	over := func() (string, bool) {
		largest := ""
		for s, n := range bySender {
			if m := bySender[largest]; n.bytes > m.bytes || n.bytes == m.bytes && s < largest {
				largest = s
			}
		}
		for s, n := range bySender {
			if n.over(lim.part(2)) {
				return s, true
			}
		}
		return largest, left.over(lim)
	}
	if _, yes := over(); !yes {
		return out
	}
	lim = load{limits.Items - limits.Items/16, limits.Bytes - limits.Bytes/16}
	queues := map[string][]*parked{}
	for _, p := range k.byAge() {
		if !gone[p] {
			queues[p.sender] = append(queues[p.sender], p)
		}
	}
	for {
		sender, yes := over()
		if !yes || len(queues[sender]) == 0 {
			return out
		}
		drop(queues[sender][0])
		queues[sender] = queues[sender][1:]
	}
}

// byAge lists what is parked, the unsigned before the signed, the oldest first.
func (k *park) byAge() []*parked {
	all := make([]*parked, 0, len(k.items))
	for _, p := range k.items {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *parked) int {
		if a.item.Signed != b.item.Signed {
			if b.item.Signed {
				return -1
			}
			return 1
		}
		return int(int64(a.no) - int64(b.no))
	})
	return all
}

// own returns it with a body of its own: one small body would keep the whole run in memory that it came in.
func own(it *vertex.Item) vertex.Item {
	out := *it
	if it.Body != nil {
		out.Body = append([]byte{}, it.Body...)
	}
	return out
}

// putParked parks it and writes its record.
func (l *Log) putParked(b *store.Batch, it *vertex.Item, sender, why string, now time.Time) *parked {
	p := &parked{item: own(it), sender: sender, why: why, no: l.park.next,
		deadline: uint32(now.Add(l.cfg.Limits.Age).Unix())}
	l.park.add(p)
	l.cfg.Space.Put(b, store.TableParked, p.key(), p.record())
	return p
}

// repark keeps in the place of p a better copy of it.
func (l *Log) repark(b *store.Batch, p *parked, it *vertex.Item) {
	l.park.remove(p)
	p.item = own(it)
	l.park.add(p)
	l.cfg.Space.Put(b, store.TableParked, p.key(), p.record())
}

// unpark forgets p and deletes its record.
func (l *Log) unpark(b *store.Batch, p *parked) {
	l.park.remove(p)
	l.cfg.Space.Delete(b, store.TableParked, p.key())
}
