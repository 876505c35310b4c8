package bundle

import "sort"

// Room returns how many bytes of body fit a file of at most limit bytes, and the form that holds the most.
func Room(limit int64, o Options) (body int64, form string, err error) {
	compact := int64(0)
	if o.Form == FormCompact || o.Form == "" {
		units := int64(len(o.To.Groups) + len(o.To.Passphrases) + cardUnits*len(o.To.Cards))
		compact = max(0, min(limit, MaxCompact)-compactSalt-16-units*unit)
	}
	if o.Form == FormCompact {
		return compact, FormCompact, nil
	}
	form = FormSealed
	prefix := 1
	if o.Form == FormOpen {
		form = FormOpen
	} else if prefix, err = o.To.prefix(); err != nil {
		return 0, "", err
	}
	fits := func(n int64) bool {
		l, err := layoutOf(n+o.bridge(form, prefix), prefix, int64(o.Parity), o.Bucket && form == FormSealed)
		return err == nil && l.size() <= limit
	}
	n := sort.Search(int(limit/sectorBody)+1, func(n int) bool { return !fits(int64(n+1) * sectorBody) })
	if body = int64(n) * sectorBody; body < compact {
		return compact, FormCompact, nil
	}
	return body, form, nil
}

// Meter tells how long the body of a row of records will be, before anything is compressed. The zero value is ready.
type Meter struct {
	body int64
	room int  // left in the last chunk
	zip  bool // its kind
	any  bool
}

const meterHead = 16 * 18 // counts of the first chunk, at most

// Cost returns the length of the body with one more record.
func (m *Meter) Cost(k Kind, payload int) int64 {
	n := *m
	n.Add(k, payload)
	return n.body
}

// Add takes a record of a kind and length.
func (m *Meter) Add(k Kind, payload int) {
	if !m.any {
		m.any, m.body = true, meterHead
		m.open()
	}
	r := Record{Kind: k}
	size := r.Size() + payload + 2
	if size > m.room || chunkRoom-m.room > MaxCompact && m.zip == dense(k) {
		m.open()
	}
	m.room -= size
	if k == KindPiece && payload >= PieceSize {
		m.room = 0 // whole pieces have a chunk each
	}
	m.zip = !dense(k)
	m.body += int64(size)
}

func (m *Meter) open() {
	m.room = chunkRoom
	m.body += chunkOver + headRecord
}
