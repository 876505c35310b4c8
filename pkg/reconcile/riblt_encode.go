package reconcile

import "slices"

// readyCells is how many cells are kept up to date as symbols come and go, so that most questions
// are answered without any work.
const readyCells = 4096

// Encoder holds a set and the beginning of its row of cells. It is safe for use by one goroutine.
type Encoder struct {
	key uint64
	// added and gone only grow, so that a View can say what has changed since it was taken.
	added, gone []Symbol
	cells       []Cell
}

// NewEncoder returns the Encoder of a set under the key k that its symbols were made with. No symbol
// may stand twice in it. It keeps the slice.
func NewEncoder(k [16]byte, symbols []Symbol) *Encoder {
	e := &Encoder{key: checkKey(k), added: slices.Clip(symbols)}
	e.extend(readyCells)
	return e
}

// Size returns the number of symbols in the set.
func (e *Encoder) Size() int { return len(e.added) - len(e.gone) }

// Add puts a symbol into the set; the caller knows that it is not there. About 16 cells change.
func (e *Encoder) Add(x Symbol) {
	e.added = append(e.added, x)
	flip(e.cells, 0, x, x.check(e.key), 1)
}

// Remove takes a symbol out of the set; the caller knows that it is there.
func (e *Encoder) Remove(x Symbol) {
	e.gone = append(e.gone, x)
	flip(e.cells, 0, x, x.check(e.key), -1)
}

// extend makes the row at least n cells long. Each time it doubles, so that a long row costs about
// two passes over the set and no state for each symbol.
func (e *Encoder) extend(n int) {
	have := len(e.cells)
	if n <= have {
		return
	}
	e.cells = append(e.cells, make([]Cell, max(n, 2*have)-have)...)
	e.flipAll(e.cells[have:], have, 0, 0, 1)
}

// flipAll applies every symbol added or gone from the given places on.
func (e *Encoder) flipAll(cells []Cell, lo, added, gone int, sign int32) {
	for _, x := range e.added[added:] {
		flip(cells, lo, x, x.check(e.key), sign)
	}
	for _, x := range e.gone[gone:] {
		flip(cells, lo, x, x.check(e.key), -sign)
	}
}

// Cells returns n cells from number lo on, fewer where the row ends at MaxCells.
func (e *Encoder) Cells(lo, n int) []Cell { return e.View().Cells(lo, n) }

// View returns the set as it is now. A row that is sent or compared block by block must not change
// between two blocks, while vertices arrive all the time.
func (e *Encoder) View() View { return View{e, len(e.added), len(e.gone)} }

// View is the set of an Encoder at one moment. It is as safe for use as its Encoder.
type View struct {
	e           *Encoder
	added, gone int
}

// Size returns the number of symbols in the set.
func (v View) Size() int { return v.added - v.gone }

// Cells returns n cells from number lo on, fewer where the row ends at MaxCells. The slice is the caller's.
func (v View) Cells(lo, n int) []Cell {
	hi := min(lo+n, MaxCells)
	if lo < 0 || hi <= lo {
		return nil
	}
	v.e.extend(hi)
	cells := slices.Clone(v.e.cells[lo:hi])
	v.e.flipAll(cells, lo, v.added, v.gone, -1)
	return cells
}
