package dag

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// load reads index and park from the store.
func (l *Log) load() error {
	l.index, l.park, l.damage, l.broken, l.pending = newIndex(l.cfg.Genesis), newPark(), Damage{}, nil, 0
	ld := loader{l: l, batch: &store.Batch{}}
	c, err := l.counters()
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, wire.ErrInvalid) {
		return err
	}
	if e := l.cfg.Space.Scan(store.TableVertex, nil, ld.vertex); e != nil {
		return e
	}
	ld.settle(c, err)
	if err := l.cfg.Space.Scan(store.TableParked, nil, ld.parked); err != nil {
		return err
	}
	return ld.repair()
}

// reload goes back to what the disk says after a failed commit.
func (l *Log) reload(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(); err != nil {
		l.broken = fmt.Errorf("log cannot go on, restart: %w", errors.Join(cause, err))
	}
	l.signal()
}

// maxArrival bounds the places, so that a wrong key cannot make them grow without end.
const maxArrival = 1 << 31

// nearArrival is how far behind the last place the key of a record that does not open is believed.
const nearArrival = 4096

// loader reads the records of a log. A record stands in memory at the place that its key says, whatever
// was lost around it.
type loader struct {
	l       *Log
	batch   *store.Batch
	broken  int       // records that did not open
	lost    int       // vertices that were here when the counters were written
	stale   bool      // the counters are not those of what is here
	waiting []waiting // records that name what was not read before them
	gaps    []uint32  // places without a record, ascending; those taken by lost ids are off
}

type waiting struct {
	item  vertex.Item
	at    uint32
	flags uint8
}

// vertex takes one record of table v. Arrival numbers ascend and what a vertex names has a smaller one,
// but for the genesis of a newcomer and for what came back after a loss.
func (ld *loader) vertex(rest, plain []byte, err error) bool {
	x := &ld.l.index
	at := uint64(maxArrival)
	if len(rest) == 8 {
		at = binary.BigEndian.Uint64(rest)
	}
	var it vertex.Item
	var flags uint8
	if err == nil {
		it, flags, err = decodeRecord(plain)
		it.Body, flags = nil, flags&stored // an inline body is part of plain, which is valid only now
	}
	if err == nil && at < maxArrival || at < uint64(len(x.entries)+nearArrival) {
		ld.grow(int(at) + 1) // the key of a record that does not open may be anything
	}
	if err != nil || at >= maxArrival || it.Root() != (at == 0) {
		ld.broken++
		ld.l.cfg.Space.Delete(ld.batch, store.TableVertex, bytes.Clone(rest))
		return true
	}
	for _, id := range names(&it) {
		if _, ok := x.byID[id]; !ok && id != x.genesis {
			ld.waiting = append(ld.waiting, waiting{it, uint32(at), flags})
			return true
		}
	}
	x.fill(uint32(at), &it.Vertex, it.ID, flags)
	return true
}

func (ld *loader) grow(n int) {
	for x := &ld.l.index; len(x.entries) < n; {
		x.entries = append(x.entries, entry{prev: none})
	}
}

// settle gives places to what is named and lost, enters what waited for it, and says what is missing.
func (ld *loader) settle(c counters, err error) {
	l, x := ld.l, &ld.l.index
	read := len(x.entries)
	ld.grow(int(min(c.arrivals, maxArrival)))
	ld.findGaps()
	slices.SortFunc(ld.waiting, func(a, b waiting) int {
		return cmp.Or(cmp.Compare(a.item.Lamport, b.item.Lamport), a.item.ID.Compare(b.item.ID))
	})
	for i := range ld.waiting {
		w := &ld.waiting[i]
		for _, id := range names(&w.item) {
			if _, ok := x.byID[id]; !ok && id != x.genesis {
				x.placeLost(ld.gap(), id, w.item.Lamport)
			}
		}
		x.fill(w.at, &w.item.Vertex, w.item.ID, w.flags)
		x.patched = true
	}
	if x.patched {
		for i := range x.authors {
			x.entitle(&x.authors[i])
		}
	}
	ld.unproven()
	if ld.lost = max(0, int(c.held)-x.n); err != nil {
		ld.lost = ld.broken
	}
	ld.stale = int(c.held) != x.n
	l.damage.Tail = min(ld.lost, len(x.entries)-read)
	x.gone = max(0, ld.lost-l.damage.Tail-len(x.lost))
	if err != nil && (x.n > 0 || ld.lost > 0) {
		l.damage.Counters = 1
	}
	l.ahead = l.damage.Counters > 0 || bytes.Equal(c.spent, l.cfg.Own[:]) || ld.lost > 0 && ld.ownTip()
}

func (ld *loader) findGaps() {
	x := &ld.l.index
	filled := make([]bool, len(x.entries))
	for i := range ld.waiting {
		filled[ld.waiting[i].at] = true
	}
	for at := 1; at < len(filled); at++ {
		if !filled[at] && x.entries[at].flags&held == 0 {
			ld.gaps = append(ld.gaps, uint32(at))
		}
	}
}

// gap returns a place for a lost vertex: one that lost its record, else a new one.
func (ld *loader) gap() uint32 {
	if len(ld.gaps) == 0 {
		n := len(ld.l.index.entries)
		ld.grow(n + 1)
		return uint32(n)
	}
	last := len(ld.gaps) - 1
	at := ld.gaps[last]
	ld.gaps = ld.gaps[:last]
	return at
}

// unproven finds vertices that came back without the signature which their branch needs.
func (ld *loader) unproven() {
	x := &ld.l.index
	for at := range x.entries {
		if f := x.entries[at].flags; f&held != 0 && f&(hasSig|continued) == 0 {
			x.noBody[uint32(at)] = struct{}{}
		}
	}
}

// ownTip reports whether what is lost may be the last vertex of our own key: all but that which
// its author's next vertex names.
func (ld *loader) ownTip() bool {
	x := &ld.l.index
	if len(ld.gaps) > 0 || !x.hasGenesis() && x.entries[0].flags&continued == 0 {
		return true
	}
	for at := range x.lost {
		if x.entries[at].flags&continued == 0 {
			return true
		}
	}
	return false
}

func (ld *loader) parked(rest, plain []byte, err error) bool {
	var p *parked
	if err == nil {
		p, err = decodeParked(rest, plain)
	}
	if err != nil {
		ld.l.damage.Parked++
	} else if _, ok := ld.l.index.get(p.item.ID); ok || ld.l.park.items[p.item.ID] != nil {
		err = store.ErrMisuse // a crash came between accepting it and this
	}
	if err != nil {
		ld.l.cfg.Space.Delete(ld.batch, store.TableParked, bytes.Clone(rest))
		return true
	}
	p.item = own(&p.item)
	ld.l.park.add(p)
	return true
}

// repair takes records that do not open off the disk and remembers what their loss means. On a full disk
// the next Open finds the same again.
func (ld *loader) repair() error {
	if ld.batch.Len() == 0 && !ld.stale {
		return nil
	}
	ld.l.putCounters(ld.batch)
	if err := ld.l.cfg.Store.Commit(ld.batch); err != nil && !errors.Is(err, store.ErrFull) {
		return err
	}
	return nil
}
