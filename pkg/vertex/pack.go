package vertex

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

// place says where in a run a vertex stands.
type place struct{ branch, pos int }

type packer struct {
	items    []Item
	branches []branch
	at       map[ID]place
	ext      []ID
	extAt    map[ID]int
	body     []byte // the vertex section
}

// Pack packs items, which are in causal order and of one session, into a run. lamport tells the lamport
// of vertices that are named but not among the items. Every signature that stands is packed.
func Pack(items []Item, lamport func(ID) (uint64, bool)) ([]byte, error) {
	if len(items) == 0 || len(items) > MaxRunItems {
		return nil, fmt.Errorf("pack a run of %d vertices: 1 to %d are allowed", len(items), MaxRunItems)
	}
	p := &packer{items: items, at: make(map[ID]place, len(items)), extAt: map[ID]int{}}
	p.findExts()
	for i := range items {
		p.vertex(i)
	}
	b := []byte{runVersion, 0}
	b = wire.AppendUvarint(b, uint64(len(p.branches)))
	for i := range p.branches {
		br := &p.branches[i]
		b = append(b, br.author[:]...)
		b = wire.AppendUvarint(wire.AppendUvarint(b, br.first), br.prev)
	}
	b = wire.AppendUvarint(b, uint64(len(p.ext)))
	for _, id := range p.ext {
		l, ok := lamport(id)
		if !ok {
			return nil, fmt.Errorf("pack a run: lamport of %s is not known", id)
		}
		b = wire.AppendUvarint(append(b, id[:]...), l)
	}
	b = wire.AppendUvarint(b, uint64(items[0].Epoch))
	b = wire.AppendUvarint(b, items[0].HLC)
	b = wire.AppendUvarint(b, uint64(len(items)))
	b = p.signatures(append(b, p.body...))
	if len(b) > MaxRun {
		return nil, fmt.Errorf("pack a run: %d bytes, at most %d are allowed", len(b), MaxRun)
	}
	return b, nil
}

// findExts lists what is named but not among the items, ascending.
func (p *packer) findExts() {
	in := make(map[ID]bool, len(p.items))
	for i := range p.items {
		in[p.items[i].ID] = true
	}
	name := func(id ID) {
		if _, ok := p.extAt[id]; !ok && !in[id] {
			p.extAt[id] = 0
			p.ext = append(p.ext, id)
		}
	}
	for i := range p.items {
		if p.items[i].Seq > 0 {
			name(p.items[i].Prev)
		}
		for _, id := range p.items[i].Parents {
			name(id)
		}
	}
	slices.SortFunc(p.ext, ID.Compare)
	for i, id := range p.ext {
		p.extAt[id] = i
	}
}

// branchOf returns the index of the branch that item i goes on with, opening one where it must.
func (p *packer) branchOf(it *Item) int {
	prev := uint64(0)
	if it.Seq > 0 {
		if pl, ok := p.at[it.Prev]; !ok {
			prev = 2*uint64(p.extAt[it.Prev]) + 1
		} else if pl.pos == len(p.branches[pl.branch].ids)-1 {
			return pl.branch
		} else {
			prev = 2*uint64(pl.branch) + 2
		}
	}
	p.branches = append(p.branches, branch{author: it.Author, first: it.Seq, prev: prev})
	return len(p.branches) - 1
}

func (p *packer) vertex(i int) {
	it := &p.items[i]
	bi := p.branchOf(it)
	b := wire.AppendUvarint(p.body, uint64(bi))
	b = wire.AppendUvarint(b, uint64(len(it.Parents)))
	for _, id := range it.Parents {
		if pl, ok := p.at[id]; ok {
			b = appendRef(b, pl.branch, &p.branches[pl.branch], pl.pos)
		} else {
			b = wire.AppendUvarint(append(b, 0), uint64(p.extAt[id]))
		}
	}
	br := &p.branches[bi]
	before := &p.items[max(i-1, 0)]
	guessed := len(it.Body) >= bodyLeast && br.head != nil && bytes.Equal(br.guess(), it.Body[:bodyHead])
	b = appendKind(b, it, before, guessed)
	b = wire.AppendUvarint(b, wire.Zigzag(int64(it.HLC)-int64(before.HLC)))
	p.body = appendBody(b, it, guessed)
	p.at[it.ID] = place{bi, len(br.ids)}
	br.ids = append(br.ids, i)
	br.note(it)
}

func appendKind(b []byte, it, before *Item, guessed bool) []byte {
	k := min(byte(it.Kind), kindEscape)
	if guessed {
		k |= bitGuess
	}
	delta := int64(it.Epoch) - int64(before.Epoch)
	if delta != 0 {
		k |= bitEpoch
	}
	b = append(b, k)
	if k&kindEscape == kindEscape {
		b = append(b, byte(it.Kind))
	}
	if delta != 0 {
		b = wire.AppendUvarint(b, wire.Zigzag(delta))
	}
	return b
}

func appendBody(b []byte, it *Item, guessed bool) []byte {
	if !it.Held() {
		return append(wire.AppendUvarint(b, 2*uint64(it.Size)+1), it.BodyHash[:]...)
	}
	b = wire.AppendUvarint(b, 2*uint64(it.Size))
	if guessed {
		return append(b, it.Body[bodyHead:]...)
	}
	return append(b, it.Body...)
}

func (p *packer) signatures(b []byte) []byte {
	n := 0
	for i := range p.items {
		if p.items[i].Signed {
			n++
		}
	}
	b = wire.AppendUvarint(b, uint64(n))
	for i := range p.items {
		if p.items[i].Signed {
			b = append(wire.AppendUvarint(b, uint64(i)), p.items[i].Sig[:]...)
		}
	}
	return b
}
