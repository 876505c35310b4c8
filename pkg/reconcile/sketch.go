package reconcile

import (
	"bytes"
	"encoding/binary"

	"github.com/pars-network/pars/pkg/wire"
)

// L2: the side that holds an author whom a vector cannot settle streams cells of that author's ids; the
// other side decodes, sends what the first lacks and asks by short id for what it lacks itself.

const (
	maxScope     = 4096    // authors of one sketch
	firstCells   = 64      // cells that may be outstanding before the first answer
	maxSketch    = 1 << 15 // cells after which the heads take over
	cellsInFrame = 2048
)

type cells struct {
	Session uint64
	Scope   []uint64 // author tags
	Lo, N   uint64
	Size    uint64 // of the sender's set
	Cells   []byte
}

func (m *cells) frame() Frame {
	b := wire.AppendUvarint(nil, m.Session)
	b = wire.AppendUvarint(b, uint64(len(m.Scope)))
	for _, t := range m.Scope {
		b = binary.BigEndian.AppendUint64(b, t)
	}
	b = wire.AppendUvarint(wire.AppendUvarint(wire.AppendUvarint(b, m.Lo), m.N), m.Size)
	return Frame{typeCells, append(b, m.Cells...)}
}

func decodeCellsFrame(b []byte) (m cells, err error) {
	r := wire.NewReader(b)
	m.Session = r.Uvarint(maxTags)
	n := int(r.Uvarint(maxScope))
	if n > r.Len()/8 {
		return m, wire.ErrShort
	}
	for range n {
		m.Scope = append(m.Scope, r.Uint64())
	}
	m.Lo, m.N, m.Size = r.Uvarint(maxSketch), r.Uvarint(cellsInFrame), r.Uvarint(1<<40)
	m.Cells = r.Take(r.Len())
	return m, r.End()
}

// sketch is a link's part in L2, as the one who streams or the one who decodes.
type sketch struct {
	scope   []uint64
	view    View
	places  map[Symbol]uint32 // our vertices by short id
	sent    int
	credit  int // cells we may stream
	window  int // cells we let be outstanding, a quarter of those received once that is more
	decoder *Decoder
}

// sketchOf collects the vertices of the authors in scope.
func (l *link) sketchOf(scope []uint64) *sketch {
	secret := l.set.Secret()
	ka, ki := syncKey(secret, wire.LabelSyncAuthor), syncKey(secret, wire.LabelSyncID)
	in := make(map[uint64]bool, len(scope))
	for _, t := range scope {
		in[t] = true
	}
	k := &sketch{scope: scope, places: map[Symbol]uint32{}}
	var symbols []Symbol
	for _, a := range l.set.Authors() {
		if !in[tagOf(ka, a.Key)] {
			continue
		}
		for _, at := range l.set.Suffix(a.Key, 0) {
			if v, ok := l.set.ID(at); ok {
				s := ShortID(ki, v)
				if _, twice := k.places[s]; !twice {
					k.places[s] = at
					symbols = append(symbols, s)
				}
			}
		}
	}
	k.view = NewEncoder(ki, symbols).View()
	return k
}

// sketchRound begins the second rung. Both sides know how many authors each could not settle; the one
// with some streams, of two the one with the smaller peer id.
func (l *link) sketchRound() {
	if len(l.marked) == 0 || l.peerMarked > 0 && bytes.Compare(l.m.cfg.Me, l.m.cfg.Peer) > 0 {
		return
	}
	l.heardAll = true // nothing but answers is awaited
	ka := syncKey(l.set.Secret(), wire.LabelSyncAuthor)
	authors := l.set.Authors()
	var scope []uint64
	for _, i := range l.marked[:min(len(l.marked), maxScope)] {
		scope = append(scope, tagOf(ka, authors[i].Key))
	}
	l.mineK = l.sketchOf(scope)
	l.mineK.credit = firstCells
	l.sendCells()
}

func (l *link) sendCells() {
	k := l.mineK
	for k != nil && k.credit > 0 && k.sent < maxSketch {
		n := min(BlockSize(k.sent), k.credit, cellsInFrame, maxSketch-k.sent)
		m := cells{Session: l.mine, Scope: k.scope, Lo: uint64(k.sent), N: uint64(n), Size: uint64(k.view.Size())}
		m.Cells = AppendCells(nil, k.sent, k.view.Cells(k.sent, n), m.Size)
		k.sent += n
		k.credit -= n
		l.m.send(m.frame())
	}
}

// gotCells decodes on; when the sketch opens, both sides' differences are known.
func (l *link) gotCells(b []byte) error {
	m, err := decodeCellsFrame(b)
	if err != nil {
		return err
	}
	if !l.climbing || l.round != 1 || l.mineK != nil || l.theirK == nil && m.Lo != 0 {
		return protocol("CELLS out of place")
	}
	if l.theirK == nil {
		l.theirK = l.sketchOf(m.Scope)
		l.theirK.window = firstCells
		l.theirK.decoder = NewDecoder(l.theirK.view, m.Size, maxSketch)
	}
	k := l.theirK
	if k.decoder == nil { // decoded or given up: what was under way
		return nil
	}
	if int(m.Lo) != k.decoder.Received() || m.N == 0 {
		return protocol("CELLS not in order")
	}
	list, err := DecodeCells(m.Cells, int(m.Lo), int(m.N), m.Size)
	if err != nil {
		return err
	}
	done, err := k.decoder.Add(list)
	switch {
	case err != nil: // the heads will tell
		k.decoder, l.heardAll = nil, true
	case done:
		l.settleSketch(k)
	default:
		more := max(0, k.decoder.Received()/4-k.window)
		k.window += more
		l.m.send((&numbers{B: m.N + uint64(more)}).frame(typeCredit))
	}
	return nil
}

func (l *link) settleSketch(k *sketch) {
	plus, minus := k.decoder.Result()
	k.decoder, l.heardAll = nil, true
	var places []uint32
	for _, s := range plus {
		if at, ok := k.places[s]; ok {
			places = append(places, at)
		}
	}
	l.enqueue(places)
	for _, s := range minus {
		l.short = append(l.short, uint64(s))
	}
	l.pursue()
}

// byShort returns the place of a vertex of ours that is named by a short id of either sketch.
func (l *link) byShort(s uint64) (uint32, bool) {
	for _, k := range []*sketch{l.mineK, l.theirK} {
		if k != nil {
			if at, ok := k.places[Symbol(s)]; ok {
				return at, true
			}
		}
	}
	return 0, false
}
