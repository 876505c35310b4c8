package list

import (
	"bytes"
	"slices"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// List is a root and those of its leaves that are in hand. What belongs to the root has been checked where it came from
// Build, Add or DecodeFile.
type List struct {
	Root   *Root
	Leaves []*Leaf // by index, nil where missing
}

// Draft is a list that is to be made.
type Draft struct {
	Set      *Set
	Seq      uint64
	Issued   uint64 // Unix seconds
	Expires  uint64 // 0: Life after Issued
	Domestic bool
	Ext      []Ext
	Entries  []Entry
	Room     int // bytes of a leaf; 0: DefaultRoom
}

// DefaultRoom lets a leaf fit an answer of 1,232 bytes below any zone name of at most 25 characters.
const DefaultRoom = 855

// Build sorts the peers, cuts them into leaves and returns the list without signatures.
func (d Draft) Build() (*List, error) {
	if d.Room == 0 {
		d.Room = DefaultRoom
	}
	if d.Expires == 0 {
		d.Expires = d.Issued + Life
	}
	entries := slices.Clone(d.Entries)
	slices.SortFunc(entries, func(a, b Entry) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	for i := range entries {
		if i > 0 && entries[i].Key == entries[i-1].Key {
			return nil, wire.Invalid("peer %s stands twice", entries[i].ID())
		}
	}
	if len(entries) == 0 || len(entries) > MaxPeers {
		return nil, wire.Invalid("a list of %d peers; it takes 1 to %d", len(entries), MaxPeers)
	}
	leaves, err := cut(entries, min(d.Room, MaxLeaf))
	if err != nil {
		return nil, err
	}
	r := &Root{Network: d.Set.Network, Set: d.Set.Tag(), Seq: d.Seq, Issued: d.Issued, Expires: d.Expires, Leaves: len(leaves),
		Peers: len(entries), Domestic: d.Domestic, Ext: d.Ext}
	r.plant(leaves)
	if _, err := DecodeRoot(r.Encode()); err != nil { // the limits stand in one place
		return nil, err
	}
	return &List{Root: r, Leaves: leaves}, nil
}

// plant sets the paths of the leaves and the row.
func (r *Root) plant(leaves []*Leaf) {
	depth := len(siblings(tree(make([]Hash, len(leaves))), 0))
	hashes := make([]Hash, len(leaves))
	for i, l := range leaves {
		l.Path = make([]Hash, depth) // its length is in the hash
		hashes[i] = r.leafHash(i, l.hashed())
	}
	levels := tree(hashes)
	for i, l := range leaves {
		l.Path = siblings(levels, i)
	}
	r.Row = levels[len(levels)-1]
}

// cut fills leaves by bytes. More leaves make longer paths, which leave less room.
func cut(entries []Entry, room int) ([]*Leaf, error) {
	for p := 0; p <= maxPath; p++ {
		leaves, err := fill(entries, room-leafHead-16*p)
		if err != nil {
			return nil, err
		}
		if len(leaves) > MaxLeaves {
			break
		}
		if len(siblings(tree(make([]Hash, len(leaves))), 0)) <= p {
			return leaves, nil
		}
	}
	return nil, wire.Invalid("%d peers do not fit %d leaves of %d bytes", len(entries), MaxLeaves, room)
}

func fill(entries []Entry, room int) ([]*Leaf, error) {
	var out []*Leaf
	left := 0
	for _, e := range entries {
		n := e.size()
		if n > room {
			return nil, wire.Invalid("peer %s takes %d bytes, a leaf has room for %d", e.ID(), n, room)
		}
		if len(out) == 0 || n > left || len(out[len(out)-1].Entries) == maxEntries {
			out, left = append(out, &Leaf{Index: len(out)}), room
		}
		last := out[len(out)-1]
		last.Entries, left = append(last.Entries, e), left-n
	}
	return out, nil
}

// Add checks a leaf against the root and keeps it.
func (l *List) Add(leaf *Leaf, private bool) error {
	if err := l.Root.CheckLeaf(leaf, private); err != nil {
		return err
	}
	if l.Leaves == nil {
		l.Leaves = make([]*Leaf, l.Root.Leaves)
	}
	l.Leaves[leaf.Index] = leaf
	return nil
}

// Entries returns the peers of the leaves in hand.
func (l *List) Entries() []Entry {
	var out []Entry
	for _, leaf := range l.Leaves {
		if leaf != nil {
			out = append(out, leaf.Entries...)
		}
	}
	return out
}

// Missing returns the indices of leaves that are not in hand.
func (l *List) Missing() []int {
	var out []int
	for i := range l.Root.Leaves {
		if i >= len(l.Leaves) || l.Leaves[i] == nil {
			out = append(out, i)
		}
	}
	return out
}

// Complete checks what only the whole list can tell: that it has as many peers as its root says, and none twice. With a
// leaf missing there is nothing to check.
func (l *List) Complete() error {
	if len(l.Missing()) > 0 {
		return nil
	}
	seen := map[sig.Public]bool{}
	for _, e := range l.Entries() {
		if seen[e.Key] {
			return refuse(BadLeaf, "peer %s stands twice", e.ID())
		}
		seen[e.Key] = true
	}
	if len(seen) != l.Root.Peers {
		return refuse(BadLeaf, "%d peers, the root says %d", len(seen), l.Root.Peers)
	}
	return nil
}
