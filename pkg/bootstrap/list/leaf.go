package list

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// MaxLeaf is the largest leaf in bytes.
const MaxLeaf = 1024

const (
	maxEntries  = 64
	maxAddrs    = 4
	maxPath     = 6
	leafVersion = 1
	leafHead    = 5
)

// What a server of an entry does, bits of its meta byte.
const (
	metaCount    = 7
	metaRelay    = 1 << 3
	metaDHT      = 1 << 4
	metaDomestic = 1 << 5
	metaZero     = 3 << 6
)

// Entry is one peer.
type Entry struct {
	Key      sig.Public // of the node; the peer id follows from it
	Relay    bool
	DHT      bool // serves the table
	Domestic bool // stands inside the national network
	Addrs    []Addr
}

// Leaf is a piece of a list.
type Leaf struct {
	Index   int
	Path    []Hash // siblings, bottom up
	Entries []Entry
}

func (e *Entry) append(b []byte) []byte {
	meta := byte(len(e.Addrs))
	for _, f := range []struct {
		on  bool
		bit byte
	}{{e.Relay, metaRelay}, {e.DHT, metaDHT}, {e.Domestic, metaDomestic}} {
		if f.on {
			meta |= f.bit
		}
	}
	b = append(append(b, e.Key[:]...), meta)
	for _, a := range e.Addrs {
		b = a.append(b)
	}
	return b
}

func (e *Entry) size() int { return len(e.append(nil)) }

func (l *Leaf) head() []byte {
	b := binary.BigEndian.AppendUint16([]byte{leafVersion}, uint16(l.Index))
	return append(b, byte(len(l.Entries)), byte(len(l.Path)))
}

func (l *Leaf) entries(b []byte) []byte {
	for i := range l.Entries {
		b = l.Entries[i].append(b)
	}
	return b
}

// hashed is the leaf without its siblings.
func (l *Leaf) hashed() []byte { return l.entries(l.head()) }

// Encode returns 01 ‖ index u16 ‖ entries u8 ‖ p u8 ‖ p siblings ‖ entries.
func (l *Leaf) Encode() []byte {
	b := l.head()
	for _, h := range l.Path {
		b = append(b, h[:]...)
	}
	return l.entries(b)
}

// DecodeLeaf is the inverse of Encode; only Root.CheckLeaf tells whose it is. Errors wrap wire.ErrInvalid.
func DecodeLeaf(b []byte) (*Leaf, error) {
	if len(b) > MaxLeaf {
		return nil, wire.Invalid("leaf of %d bytes, at most %d", len(b), MaxLeaf)
	}
	d := wire.NewReader(b)
	if v := d.Byte(); d.Err() == nil && v != leafVersion {
		return nil, wire.Invalid("leaf of version %d", v)
	}
	l := &Leaf{Index: int(d.Uint16())}
	n, p := int(d.Byte()), int(d.Byte())
	if d.Err() == nil && (n < 1 || n > maxEntries || p > maxPath || l.Index >= MaxLeaves) {
		return nil, wire.Invalid("leaf %d of %d entries and %d siblings", l.Index, n, p)
	}
	for range p {
		var h Hash
		copy(h[:], d.Take(len(h)))
		l.Path = append(l.Path, h)
	}
	for i := 0; i < n && d.Err() == nil; i++ {
		e := readEntry(d)
		if i > 0 && bytes.Compare(l.Entries[i-1].Key[:], e.Key[:]) >= 0 {
			d.Fail(wire.Invalid("peers of a leaf do not ascend"))
		}
		l.Entries = append(l.Entries, e)
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return l, nil
}

func readEntry(d *wire.Reader) Entry {
	e := Entry{Key: fixed32(d)}
	meta := d.Byte()
	n := int(meta & metaCount)
	if d.Err() == nil && (meta&metaZero != 0 || n < 1 || n > maxAddrs) {
		d.Fail(wire.Invalid("peer with the flags %#x", meta))
	}
	e.Relay, e.DHT, e.Domestic = meta&metaRelay != 0, meta&metaDHT != 0, meta&metaDomestic != 0
	for i := 0; i < n && d.Err() == nil; i++ {
		a := readAddr(d)
		for _, other := range e.Addrs {
			if bytes.Equal(other.append(nil), a.append(nil)) {
				d.Fail(wire.Invalid("one address twice"))
			}
		}
		e.Addrs = append(e.Addrs, a)
	}
	return e
}

// CheckLeaf tells whether the leaf belongs to the list, and refuses one that names an address nobody on the Internet has,
// unless the profile allows those.
func (r *Root) CheckLeaf(l *Leaf, private bool) error {
	depth := bits.Len(uint(padded(r.Leaves)/rowLen(r.Leaves))) - 1
	if l.Index >= r.Leaves || len(l.Path) != depth {
		return refuse(BadLeaf, "leaf %d with %d siblings in a list of %d", l.Index, len(l.Path), r.Leaves)
	}
	if h, at := climb(r.leafHash(l.Index, l.hashed()), l.Index, l.Path); r.Row[at] != h {
		return refuse(BadLeaf, "leaf %d does not belong to list %s", l.Index, r.Label())
	}
	for _, e := range l.Entries {
		for _, a := range e.Addrs {
			if !private && !a.Public() {
				return refuse(BadLeaf, "leaf %d names an address that is not public", l.Index)
			}
		}
	}
	return nil
}
