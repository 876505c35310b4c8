package dag

import (
	"encoding/binary"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// Records of a session's group: table v, arrival number: flags ‖ signature (if hasSig) ‖ map; table b,
// arrival number: body; table p, deadline ‖ number: sender ‖ item; table s, "log": counters.

// stored are the flags that a record keeps.
const stored = hasSig | hasBody | mayWrite | held

func arrivalKey(at uint32) []byte { return binary.BigEndian.AppendUint64(nil, uint64(at)) }

func appendRecord(b []byte, it *vertex.Item, flags uint8) []byte {
	b = append(b, flags&stored)
	if flags&hasSig != 0 {
		b = append(b, it.Sig[:]...)
	}
	return it.AppendMap(b)
}

func decodeRecord(b []byte) (it vertex.Item, flags uint8, err error) {
	r := wire.NewReader(b)
	if flags = r.Byte(); flags&hasSig != 0 {
		it.Signed = true
		copy(it.Sig[:], r.Take(len(it.Sig)))
	}
	if r.Err() != nil {
		return it, 0, r.Err()
	}
	m := b[r.Offset():]
	if it.Vertex, err = vertex.Decode(m); err != nil {
		return it, 0, err
	}
	it.ID = vertex.IDOf(m)
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

// put writes an accepted vertex: its record and, when held, its body.
func (l *Log) put(b *store.Batch, at uint32, it *vertex.Item, flags uint8) {
	key := arrivalKey(at)
	l.scratch = appendRecord(l.scratch[:0], it, flags)
	l.cfg.Space.Put(b, store.TableVertex, key, l.scratch)
	if it.Size > 0 && it.Body != nil {
		l.cfg.Space.Put(b, store.TableBody, key, it.Body)
	}
}
