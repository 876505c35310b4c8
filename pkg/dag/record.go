package dag

import (
	"encoding/binary"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// Records of a session's group: table v, arrival number: flags ‖ signature (if hasSig) ‖ map, or, with
// inline, flags ‖ signature ‖ u16 length of map ‖ map ‖ body; table b, arrival number: body, if it is not
// inline; table p, deadline ‖ number: sender ‖ item; table s, "log": counters.

// stored are the flags that a record takes from memory.
const stored = hasSig | hasBody | mayWrite | held

// inline is the flag of a record that ends in the body. It stands on disk only.
const inline = 1 << 7

// maxInline is up to what length a body stands in the record of its vertex: one record costs half of two.
// Longer ones stand alone, so that Open, which reads table v, stays quick.
const maxInline = 2048

func arrivalKey(at uint32) []byte { return binary.BigEndian.AppendUint64(nil, uint64(at)) }

func appendRecord(b []byte, it *vertex.Item, flags uint8) []byte {
	start, flags := len(b), flags&stored
	b = append(b, flags)
	if flags&hasSig != 0 {
		b = append(b, it.Sig[:]...)
	}
	if !fits(it) {
		return it.AppendMap(b)
	}
	b[start] |= inline
	at := len(b)
	b = it.AppendMap(append(b, 0, 0))
	binary.BigEndian.PutUint16(b[at:], uint16(len(b)-at-2))
	return append(b, it.Body...)
}

// fits reports whether a body stands in the record of its vertex.
func fits(it *vertex.Item) bool { return it.Size > 0 && it.Size <= maxInline && it.Body != nil }

// decodeRecord reads a record of table v. An inline body is part of b.
func decodeRecord(b []byte) (it vertex.Item, flags uint8, err error) {
	r := wire.NewReader(b)
	if flags = r.Byte(); flags&hasSig != 0 {
		it.Signed = true
		copy(it.Sig[:], r.Take(len(it.Sig)))
	}
	m := b[r.Offset():]
	if flags&inline != 0 {
		m = r.Take(int(r.Uint16()))
	}
	if r.Err() != nil {
		return it, 0, r.Err()
	}
	if it.Vertex, err = vertex.Decode(m); err != nil {
		return it, 0, err
	}
	it.ID = vertex.IDOf(m)
	if flags&inline != 0 {
		it.Body = b[r.Offset():]
	}
	return it, flags, nil
}

// counters is the record that tells a log whose newest commits the disk lost, and what must outlive it.
type counters struct {
	arrivals uint64
	spent    []byte // the author key that must not write again, if any
	held     uint64
}

var countersName = []byte("log") // the one record of table s that is the log's

func (l *Log) putCounters(b *store.Batch) {
	var spent []byte
	if l.ahead {
		spent = l.cfg.Own[:]
	}
	v := wire.AppendUint(append(wire.AppendMap(nil, 3), 0), uint64(len(l.index.entries)))
	v = wire.AppendBytes(append(v, 1), spent)
	v = wire.AppendUint(append(v, 2), uint64(l.index.n))
	l.cfg.Space.Put(b, store.TableState, l.cfg.Space.Name(store.TableState, countersName), v)
}

func (l *Log) counters() (c counters, err error) {
	b, err := l.cfg.Space.Get(store.TableState, l.cfg.Space.Name(store.TableState, countersName))
	if err != nil {
		return c, err
	}
	d := wire.NewDecoder(b)
	for m := d.Map(3); m.Next(); {
		switch m.Key {
		case 0:
			c.arrivals = d.Uint(1 << 32)
		case 1:
			c.spent = d.Bytes(0, len(sig.Public{}))
		case 2:
			c.held = d.Uint(1 << 32)
		default:
			m.Unknown()
		}
	}
	return c, d.End()
}

// put writes an accepted vertex: its record and, when it is held and long, its body.
func (l *Log) put(b *store.Batch, at uint32, it *vertex.Item, flags uint8) {
	key := arrivalKey(at)
	l.scratch = appendRecord(l.scratch[:0], it, flags)
	l.cfg.Space.Put(b, store.TableVertex, key, l.scratch)
	if it.Size > maxInline && it.Body != nil {
		l.cfg.Space.Put(b, store.TableBody, key, it.Body)
	}
}
