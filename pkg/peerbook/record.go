package peerbook

import (
	"cmp"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	recordVersion = 1
	maxRecord     = 768 << 10 // fits one commit of the store
	maxEntries    = 32 << 10
	maxLife       = 1 << 32 // seconds
)

// Encode writes the book and its secret, at most 768 KiB: contacts, then those who answered, then those
// heard of most lately. It must lie sealed. Who is on the local network is not kept.
func (b *Book) Encode() []byte {
	head := wire.AppendBytes(wire.AppendUint(wire.AppendArray(nil, 4), recordVersion), b.secret[:])
	head = wire.AppendUint(head, bit(b.phone))
	list := slices.DeleteFunc(sorted(b.entries), func(e *Entry) bool { return e.Class == LAN })
	slices.SortFunc(list, order)
	var body []byte
	n := 0
	for _, e := range list {
		next := e.append(body)
		if len(next) > maxRecord-128 || n == maxEntries {
			break
		}
		body = next
		n++
	}
	return append(wire.AppendArray(head, n), body...)
}

// order is that of a record: by class, what was heard of last first.
func order(x, y *Entry) int {
	return cmp.Or(cmp.Compare(min(x.Class, DHT), min(y.Class, DHT)), cmp.Compare(stamp(y.Heard), stamp(x.Heard)), cmp.Compare(x.ID, y.ID))
}

func bit(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

// append writes an entry: [id, class, source class, source, group, first, heard, seen, fails, from, life, [addr…]].
func (e *Entry) append(b []byte) []byte {
	b = wire.AppendBytes(wire.AppendArray(b, 12), []byte(e.ID))
	b = wire.AppendUint(wire.AppendUint(b, uint64(e.Class)), uint64(e.Source.Class))
	b = wire.AppendBytes(wire.AppendBytes(b, []byte(e.Source.Name)), []byte(e.Source.Group))
	for _, t := range []time.Time{e.First, e.Heard, e.Seen} {
		b = wire.AppendUint(b, stamp(t))
	}
	b = wire.AppendUint(wire.AppendUint(b, uint64(e.Fails)), stamp(e.From))
	b = wire.AppendUint(b, uint64(e.Life/time.Second))
	b = wire.AppendArray(b, len(e.Addrs))
	for _, a := range e.Addrs {
		b = wire.AppendBytes(b, a)
	}
	return b
}

// stamp is a time in seconds, 0 for none.
func stamp(t time.Time) uint64 {
	if t.IsZero() || t.Unix() < 0 {
		return 0
	}
	return uint64(t.Unix())
}

func unstamp(v uint64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.Unix(int64(v), 0)
}

// Decode reads what Encode wrote. Entries whose places are taken in the tables, as when the table of
// networks changed, go back to new or are lost. The eight last useful peers become anchors.
func Decode(rec []byte, asn ASN, rand func(n int) int) (*Book, error) {
	d := wire.NewDecoder(rec)
	if d.Array(4) != 4 || d.Uint(recordVersion) != recordVersion {
		d.Fail(wire.Invalid("peer book of another version"))
	}
	var secret [32]byte
	d.Fixed(secret[:])
	phone := d.Uint(1) == 1
	b := New(secret, phone, asn, rand)
	var last *Entry
	for n := d.Array(maxEntries); n > 0 && d.Err() == nil; n-- {
		e := decodeEntry(d)
		if d.Err() == nil && last != nil && order(last, e) >= 0 {
			d.Fail(wire.Invalid("entries out of order"))
		}
		if last = e; d.Err() == nil {
			b.restore(e)
		}
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	b.chooseAnchors()
	return b, nil
}

func decodeEntry(d *wire.Decoder) *Entry {
	if d.Array(12) != 12 {
		d.Fail(wire.Invalid("entry"))
	}
	e := &Entry{ID: ID(d.Bytes(1, maxID)), Class: Class(d.Uint(uint64(Listed))), place: -1}
	e.Source.Class = Class(d.Uint(uint64(LAN)))
	e.Source.Name, e.Source.Group = string(d.Bytes(0, maxName)), Group(d.Bytes(0, maxName))
	for _, t := range []*time.Time{&e.First, &e.Heard, &e.Seen} {
		*t = unstamp(d.Uint(1 << 40))
	}
	e.Fails, e.From = int(d.Uint(1<<20)), unstamp(d.Uint(1<<40))
	e.Life = time.Duration(d.Uint(maxLife)) * time.Second
	for n := d.Array(maxAddrs); n > 0 && d.Err() == nil; n-- {
		e.Addrs = append(e.Addrs, slices.Clone(d.Bytes(1, maxAddr)))
	}
	switch {
	case e.Class == Anchor:
		d.Fail(wire.Invalid("class of an entry"))
	case e.Class >= Cached && (e.Source.Class != DHT && e.Source.Class != Listed || e.Class > Cached && e.Class != e.Source.Class || len(e.Addrs) == 0):
		d.Fail(wire.Invalid("entry of a table"))
	}
	return e
}

// restore puts an entry where it belongs.
func (b *Book) restore(e *Entry) {
	if b.entries[e.ID] != nil {
		return
	}
	if e.Class.kept() {
		b.entries[e.ID], b.outside[e.ID] = e, e
		return
	}
	if e.Class == Cached {
		if at := b.triedPlace(e); b.tried.slots[at] == "" {
			b.tried.slots[at], e.place = e.ID, at
			b.entries[e.ID] = e
			return
		}
		e.Class = e.Source.Class
	}
	if at := b.freshPlace(e); b.fresh.slots[at] == "" {
		b.fresh.slots[at], e.place = e.ID, at
		b.entries[e.ID] = e
	}
}

// chooseAnchors marks the peers that were of use for an hour or more and answered last.
func (b *Book) chooseAnchors() {
	var list []*Entry
	for _, e := range sorted(b.entries) {
		if e.Class == Cached && e.Life >= anchorLife {
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(x, y *Entry) int { return y.Seen.Compare(x.Seen) })
	for _, e := range list[:min(len(list), anchors)] {
		e.Anchor = true
	}
}
