package dag

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// load reads index and park from the store.
func (l *Log) load() error {
	l.index, l.park, l.damage, l.broken = newIndex(l.cfg.Genesis), newPark(), Damage{}, nil
	ld := loader{l: l, batch: &store.Batch{}}
	c, err := l.counters()
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrCorrupt) {
		return err
	}
	if err := l.cfg.Space.Scan(store.TableVertex, nil, ld.vertex); err != nil {
		return err
	}
	if err := l.cfg.Space.Scan(store.TableParked, nil, ld.parked); err != nil {
		return err
	}
	if n := uint64(len(l.index.entries)); n < c.arrivals {
		l.damage.Tail = int(c.arrivals - n)
	}
	l.ahead = c.ahead || l.damage.Any() && l.damage.Parked == 0
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

type loader struct {
	l     *Log
	batch *store.Batch
	free  []uint32 // places whose record is gone and whose id is not known yet
}

// vertex takes one record of table v. Arrival numbers ascend and what a vertex names has a smaller one,
// but for the genesis of a newcomer; so a name that is not there is one of the records lost before it.
func (ld *loader) vertex(rest, plain []byte, err error) bool {
	x := &ld.l.index
	var it vertex.Item
	var flags uint8
	if err == nil {
		it, flags, err = decodeRecord(plain)
	}
	if err != nil || len(rest) != 8 {
		ld.l.damage.Vertices++
		key := append([]byte(nil), rest...)
		ld.l.cfg.Space.Delete(ld.batch, store.TableVertex, key)
		return true
	}
	at := binary.BigEndian.Uint64(rest)
	for !it.Root() && uint64(len(x.entries)) < at {
		ld.free = append(ld.free, uint32(len(x.entries)))
		x.entries = append(x.entries, entry{prev: none})
	}
	for _, id := range names(&it) {
		if _, ok := x.byID[id]; !ok && id != x.genesis {
			ld.lost(id, it.Lamport)
		}
	}
	x.add(&it.Vertex, it.ID, flags)
	return true
}

// lost gives a lost vertex a place: one that lost its record, else a new one.
func (ld *loader) lost(id vertex.ID, child uint64) {
	x := &ld.l.index
	if len(ld.free) == 0 {
		ld.l.damage.Vertices++
		x.entries = append(x.entries, entry{prev: none})
		ld.free = append(ld.free, uint32(len(x.entries)-1))
	}
	last := len(ld.free) - 1
	x.placeLost(ld.free[last], id, child)
	ld.free = ld.free[:last]
}

func (ld *loader) parked(rest, plain []byte, err error) bool {
	var p *parked
	if err == nil {
		p, err = decodeParked(rest, plain)
	}
	if err != nil {
		ld.l.damage.Parked++
		ld.l.cfg.Space.Delete(ld.batch, store.TableParked, append([]byte(nil), rest...))
		return true
	}
	if p.item.Body != nil {
		p.item.Body = append([]byte{}, p.item.Body...)
	}
	ld.l.park.add(p)
	return true
}

// repair takes records that do not open off the disk, so that their numbers are free.
func (ld *loader) repair() error {
	ld.l.index.gone = len(ld.free)
	if ld.batch.Len() == 0 {
		return nil
	}
	ld.l.putCounters(ld.batch)
	return ld.l.cfg.Store.Commit(ld.batch)
}
