package vertex

import (
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Limits of a run.
const (
	MaxRun      = 192 << 10 // bytes of a packed run
	MaxRunItems = 4096      // vertices, authors and external ids of one run
	MaxUnpacked = 4 << 20   // bytes of what a run unpacks to
)

const (
	runVersion = 0x01
	bodyHead   = 14 // bytes of a body's header that a run can leave out
	bodyLeast  = 34 // a shorter body has no header to guess from
	kindEscape = 63
	bitGuess   = 1 << 6
	bitEpoch   = 1 << 7
)

// branch is one author entry of a run: consecutive vertices of one author along prev.
type branch struct {
	author sig.Public
	first  uint64 // seq of its first vertex
	prev   uint64 // 0: seq 0 · 2e+1: ext e · 2j+2: leaves branch j after its seq first-1
	ids    []int  // indexes of its vertices in the run
	head   []byte // header of its last body, nil when there is none to guess from
}

// guess returns the header that the next body of the branch would have if nothing but the counter of
// a chain changed.
func (b *branch) guess() []byte {
	if b.head == nil || b.head[1] != 2 {
		return b.head
	}
	g := append([]byte(nil), b.head...)
	for i := bodyHead - 1; i >= bodyHead-4; i-- {
		if g[i]++; g[i] != 0 {
			break
		}
	}
	return g
}

// note remembers the header of a body (nil: left out) for the next guess.
func (b *branch) note(it *Item) {
	switch {
	case it.Size == 0:
	case len(it.Body) < bodyLeast:
		b.head = nil
	default:
		b.head = it.Body[:bodyHead]
	}
}

// TipSignatures removes the signatures of all items but the last of each author's branch: what a run
// needs so that its receiver can attest the rest.
func TipSignatures(items []Item) {
	continued := make(map[ID]bool, len(items))
	for i := range items {
		if items[i].Seq > 0 {
			continued[items[i].Prev] = true
		}
	}
	for i := range items {
		if continued[items[i].ID] {
			items[i].Signed = false
		}
	}
}

// appendRef appends a reference to vertex index at of branch bi: how many entries back it is.
func appendRef(b []byte, bi int, br *branch, pos int) []byte {
	b = wire.AppendUvarint(b, uint64(bi+1))
	return wire.AppendUvarint(b, uint64(len(br.ids)-1-pos))
}
