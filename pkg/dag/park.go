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

const parkedOverhead = 320 // bytes counted for each beside its body

func (p *parked) size() int { return parkedOverhead + len(p.item.Body) }

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
	bySender map[string]int // bytes
	byAuthor map[sig.Public]int
}

func newPark() park {
	return park{items: map[vertex.ID]*parked{}, waiting: map[vertex.ID][]*parked{},
		bySender: map[string]int{}, byAuthor: map[sig.Public]int{}}
}

// behind returns what is parked and names id.
func (k *park) behind(id vertex.ID) []*parked { return k.waiting[id] }

func (k *park) add(p *parked) {
	k.items[p.item.ID] = p
	for _, id := range names(&p.item) {
		k.waiting[id] = append(k.waiting[id], p)
	}
	k.bytes += p.size()
	k.bySender[p.sender] += p.size()
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
	if k.bySender[p.sender] -= p.size(); k.bySender[p.sender] <= 0 {
		delete(k.bySender, p.sender)
	}
	if k.byAuthor[p.item.Author]--; k.byAuthor[p.item.Author] <= 0 {
		delete(k.byAuthor, p.item.Author)
	}
}

// room reports whether one author may have another vertex parked.
func (k *park) room(it *vertex.Item, why string, lim Limits) bool {
	return why == waitUnattested || k.byAuthor[it.Author] < lim.Author
}

// surplus returns what has to go so that the limits hold: the oldest of the largest sender first, the
// unsigned before the signed, and all that is older than its deadline.
func (k *park) surplus(lim Limits, now time.Time) (out []*parked) {
	gone := map[*parked]bool{}
	bytes, count, bySender := k.bytes, len(k.items), map[string]int{}
	drop := func(p *parked) {
		gone[p] = true
		out = append(out, p)
		bytes, count, bySender[p.sender] = bytes-p.size(), count-1, bySender[p.sender]-p.size()
	}
	for s, n := range k.bySender {
		bySender[s] = n
	}
	for _, p := range k.items {
		if int64(p.deadline) < now.Unix() {
			drop(p)
		}
	}
	over := func() (string, bool) {
		largest, most := "", 0
		for s, n := range bySender {
			if n > most || n == most && s < largest {
				largest, most = s, n
			}
		}
		return largest, count > 0 && (count > lim.Items || bytes > lim.Bytes || most > lim.Bytes/2)
	}
	if _, yes := over(); !yes {
		return out
	}
	queue := k.byAge()
	for {
		sender, yes := over()
		if !yes {
			return out
		}
		i := slices.IndexFunc(queue, func(p *parked) bool { return p.sender == sender && !gone[p] })
		if i < 0 {
			return out
		}
		drop(queue[i])
		queue = slices.Delete(queue, i, i+1)
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

// putParked parks it and writes its record.
func (l *Log) putParked(b *store.Batch, it *vertex.Item, sender, why string, now time.Time) *parked {
	p := &parked{item: *it, sender: sender, why: why, no: l.park.next,
		deadline: uint32(now.Add(l.cfg.Limits.Age).Unix())}
	l.park.add(p)
	l.cfg.Space.Put(b, store.TableParked, p.key(), p.record())
	return p
}

// unpark forgets p and deletes its record.
func (l *Log) unpark(b *store.Batch, p *parked) {
	l.park.remove(p)
	l.cfg.Space.Delete(b, store.TableParked, p.key())
}
