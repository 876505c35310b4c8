package reconcile

import (
	"errors"
	"fmt"
)

// ErrSketch says that a sketch does not decode: its peer lies, or the difference is too large. The
// caller changes the key once, then turns to ranges.
var ErrSketch = errors.New("sketch does not decode")

// Decoder takes another set's cells in order and finds the difference from the own set. It is safe for
// use by one goroutine. Make it with NewDecoder.
type Decoder struct {
	own    View
	theirs uint64
	limit  int
	// cells is mine less theirs less what was found; nonzero counts those that are not empty.
	cells   []Cell
	nonzero int
	found   map[Symbol]bool
	walks   []walk
	// balance is how many more symbols were found on the own side than on the other.
	balance int64
}

// weight is 0 for an empty cell and 1 for any other.
func (c *Cell) weight() int {
	if *c == (Cell{}) {
		return 0
	}
	return 1
}

// walk is a symbol that was found, and the next of its cells that has not arrived.
type walk struct {
	x    Symbol
	sign int32
	next indexes
}

// NewDecoder compares own with a set of theirs symbols. It gives up after limit cells, MaxCells or less.
func NewDecoder(own View, theirs uint64, limit int) *Decoder {
	return &Decoder{own: own, theirs: theirs, limit: min(limit, MaxCells), found: map[Symbol]bool{}}
}

// Received returns the number of cells taken so far: the number of the next one.
func (d *Decoder) Received() int { return len(d.cells) }

// Add takes the next cells of the other set and reports whether the difference is complete. An error
// wraps ErrSketch and is final.
func (d *Decoder) Add(theirs []Cell) (done bool, err error) {
	lo := len(d.cells)
	if len(theirs) > d.limit-lo {
		return false, fmt.Errorf("%w: more than %d cells", ErrSketch, d.limit)
	}
	for i, mine := range d.own.Cells(lo, len(theirs)) {
		c := Cell{mine.Sum ^ theirs[i].Sum, mine.Check ^ theirs[i].Check, mine.Count - theirs[i].Count}
		d.nonzero += c.weight()
		d.cells = append(d.cells, c)
	}
	for i := range d.walks {
		d.strike(&d.walks[i], nil)
	}
	for at := lo; at < len(d.cells); at++ {
		if err := d.peel(at); err != nil {
			return false, err
		}
	}
	return d.complete(), nil
}

// complete reports whether nothing is left and the sizes of the sets agree with what was found.
func (d *Decoder) complete() bool {
	return len(d.cells) > 0 && d.nonzero == 0 && int64(d.own.Size())-int64(d.theirs) == d.balance
}

// peel takes out the symbol of a cell that holds one alone, then those of the cells that this
// uncovers. A cell is taken only if count and check say one symbol, the symbol belongs there and was
// not found before: crafted cells would otherwise peel for ever.
func (d *Decoder) peel(at int) error {
	for stack := []int{at}; len(stack) > 0; {
		at, stack = stack[len(stack)-1], stack[:len(stack)-1]
		c := d.cells[at]
		if !d.pure(c, at) {
			continue
		}
		if len(d.walks) >= len(d.cells) {
			return fmt.Errorf("%w: more symbols than cells", ErrSketch)
		}
		d.found[c.Sum] = true
		d.balance += int64(c.Count)
		w := walk{c.Sum, c.Count, c.Sum.indexes()}
		stack = d.strike(&w, stack)
		d.walks = append(d.walks, w)
	}
	return nil
}

func (d *Decoder) pure(c Cell, at int) bool {
	if c.Count != 1 && c.Count != -1 || c.Check != c.Sum.check(d.own.e.key) {
		return false
	}
	if d.found[c.Sum] {
		return false
	}
	s := c.Sum.indexes()
	for s.at < uint64(at) {
		s.next()
	}
	return s.at == uint64(at)
}

// strike takes a symbol out of the cells that have arrived since it last did, and puts those that may
// hold one symbol now on the stack.
func (d *Decoder) strike(w *walk, stack []int) []int {
	check := w.x.check(d.own.e.key)
	for ; w.next.at < uint64(len(d.cells)); w.next.next() {
		c := &d.cells[w.next.at]
		d.nonzero -= c.weight()
		c.Sum ^= w.x
		c.Check ^= check
		c.Count -= w.sign
		d.nonzero += c.weight()
		if c.Count == 1 || c.Count == -1 {
			stack = append(stack, int(w.next.at))
		}
	}
	return stack
}

// Result returns what was found so far: plus has the symbols that only the own set has, minus those
// that only the other one has, both in the order found.
func (d *Decoder) Result() (plus, minus []Symbol) {
	for _, w := range d.walks {
		if w.sign > 0 {
			plus = append(plus, w.x)
		} else {
			minus = append(minus, w.x)
		}
	}
	return plus, minus
}
