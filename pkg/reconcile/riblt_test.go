package reconcile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func rowKey() [16]byte { return [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9} }

// symbols returns n symbols, the same for the same first number.
func symbols(first, n int) []Symbol {
	out := make([]Symbol, n)
	for i := range out {
		var id [32]byte
		binary.BigEndian.PutUint64(id[:], uint64(first+i))
		out[i] = ShortID(rowKey(), id)
	}
	return out
}

// transfer sends their row to ours through the wire until it decodes.
func transfer(ours, theirs View) (d *Decoder, size int, err error) {
	d = NewDecoder(ours, uint64(theirs.Size()), MaxCells)
	for done := false; !done; {
		lo := d.Received()
		n := BlockSize(lo)
		b := AppendCells(nil, lo, theirs.Cells(lo, n), uint64(theirs.Size()))
		size += len(b)
		cells, err := DecodeCells(b, lo, n, uint64(theirs.Size()))
		if err != nil {
			return d, size, err
		}
		if done, err = d.Add(cells); err != nil {
			return d, size, err
		}
	}
	return d, size, nil
}

func sorted(s []Symbol) []Symbol {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// SipHash-2-4, 64 bits, for the key and the 32-byte message of the reference vectors.
func TestShortID(t *testing.T) {
	var k [16]byte
	var id [32]byte
	for i := range k {
		k[i] = byte(i)
	}
	for i := range id {
		id[i] = byte(i)
	}
	if got := ShortID(k, id); got != 0x7127512f72f27cce {
		t.Errorf("got %x", uint64(got))
	}
}

func TestDifference(t *testing.T) {
	const common = 3000
	for _, d := range []int{0, 1, 2, 10, 200, 1000, 5000} {
		for _, mine := range []int{0, d / 3, d} {
			shared := symbols(0, common)
			plus, minus := symbols(1<<20, mine), symbols(1<<21, d-mine)
			ours := NewEncoder(rowKey(), append(slices.Clone(shared), plus...))
			theirs := NewEncoder(rowKey(), append(slices.Clone(shared), minus...))
			dec, size, err := transfer(ours.View(), theirs.View())
			if err != nil {
				t.Fatalf("d=%d mine=%d: %v", d, mine, err)
			}
			gotPlus, gotMinus := dec.Result()
			if !slices.Equal(sorted(gotPlus), sorted(plus)) || !slices.Equal(sorted(gotMinus), sorted(minus)) {
				t.Errorf("d=%d mine=%d: found %d and %d", d, mine, len(gotPlus), len(gotMinus))
			}
			if limit := 500 + 30*d; size > limit || d >= 1000 && size > 21*d {
				t.Errorf("d=%d mine=%d: %d bytes, %d cells", d, mine, size, dec.Received())
			}
		}
	}
}

// Both sets empty, one empty, and one set in the other.
func TestEmptySets(t *testing.T) {
	for _, n := range [][2]int{{0, 0}, {0, 50}, {50, 0}, {20, 50}} {
		ours, theirs := NewEncoder(rowKey(), symbols(0, n[0])), NewEncoder(rowKey(), symbols(0, n[1]))
		d, _, err := transfer(ours.View(), theirs.View())
		plus, minus := d.Result()
		if err != nil || len(plus) != max(0, n[0]-n[1]) || len(minus) != max(0, n[1]-n[0]) {
			t.Errorf("%v: found %d and %d, %v", n, len(plus), len(minus), err)
		}
	}
}

// A row kept up to date equals one made anew, whatever the order of events, also past the ready cells.
func TestIncremental(t *testing.T) {
	all := symbols(0, 600)
	e := NewEncoder(rowKey(), nil)
	for i, x := range all {
		if e.Add(x); i == 300 {
			e.Cells(readyCells, 10)
		}
	}
	for _, x := range all[100:250] {
		e.Remove(x)
	}
	e.Add(all[120])
	want := NewEncoder(rowKey(), slices.Concat(all[:100], all[120:121], all[250:]))
	if e.Size() != want.Size() {
		t.Errorf("size %d want %d", e.Size(), want.Size())
	}
	for _, lo := range []int{0, 4090, 8000, MaxCellsPhone - 5} {
		if got, want := e.Cells(lo, 300), want.Cells(lo, 300); !slices.Equal(got, want) {
			t.Errorf("cells from %d on differ", lo)
		}
	}
	if got := len(e.Cells(MaxCells-3, 10)); got != 3 {
		t.Errorf("end of the row: %d cells", got)
	}
	if e.Cells(MaxCells, 1) != nil || e.Cells(-1, 1) != nil || e.Cells(0, 0) != nil {
		t.Error("cells outside the row")
	}
}

// Vertices that arrive on either side in the middle of a transfer do not disturb it.
func TestViewStandsStill(t *testing.T) {
	ours, theirs := NewEncoder(rowKey(), symbols(0, 900)), NewEncoder(rowKey(), symbols(400, 900))
	a, b := ours.View(), theirs.View()
	d := NewDecoder(a, uint64(b.Size()), 3000)
	for i, done := 0, false; !done; i++ {
		ours.Add(symbols(10_000+i, 1)[0])
		theirs.Remove(symbols(800+i, 1)[0])
		var err error
		if done, err = d.Add(b.Cells(d.Received(), BlockSize(d.Received()))); err != nil {
			t.Fatal(err)
		}
	}
	plus, minus := d.Result()
	if !slices.Equal(sorted(plus), sorted(symbols(0, 400))) || !slices.Equal(sorted(minus), sorted(symbols(900, 400))) {
		t.Errorf("found %d and %d", len(plus), len(minus))
	}
}

// Cells made under another key never pass for a decoded difference.
func TestOtherKey(t *testing.T) {
	theirs := NewEncoder([16]byte{99}, symbols(5, 40))
	d := NewDecoder(NewEncoder(rowKey(), symbols(0, 40)).View(), 40, 2000)
	for {
		done, err := d.Add(theirs.Cells(d.Received(), BlockSize(d.Received())))
		if done {
			t.Fatal("decoded")
		}
		if err != nil {
			if !errors.Is(err, ErrSketch) {
				t.Errorf("got %v", err)
			}
			return
		}
	}
}

// A peer who knows the key and crafts each cell to look like one new symbol gets no more found than
// cells sent, no more memory than they cost, and never a wrong answer.
func TestCraftedCells(t *testing.T) {
	own := NewEncoder(rowKey(), symbols(0, 100))
	rnd := rand.New(rand.NewPCG(7, 7))
	for _, crafted := range []bool{true, false} {
		d := NewDecoder(own.View(), 100, MaxCellsPhone)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for {
			lo := d.Received()
			cells := own.Cells(lo, BlockSize(lo))
			for i := range cells {
				x := Symbol(rnd.Uint64())
				for crafted && !d.pure(Cell{x, x.check(checkKey(rowKey())), 1}, lo+i) && rnd.IntN(2000) != 0 {
					x = Symbol(rnd.Uint64())
				}
				cells[i].Sum ^= x
				cells[i].Check ^= x.check(checkKey(rowKey()))
				cells[i].Count++
			}
			done, err := d.Add(cells)
			if done {
				t.Fatal("decoded")
			}
			if err != nil {
				break
			}
			if len(d.found) > d.Received() || lo > 3000 {
				break
			}
		}
		runtime.ReadMemStats(&after)
		if len(d.found) > d.Received() {
			t.Errorf("%d found in %d cells", len(d.found), d.Received())
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
			t.Errorf("%d bytes for %d cells", got, d.Received())
		}
	}
}

// All cells alike: each says the same symbol, which belongs to few of them and is taken once.
func TestRepeatedCell(t *testing.T) {
	x := symbols(0, 1)[0]
	d := NewDecoder(NewEncoder(rowKey(), nil).View(), 1, 5000)
	same := Cell{x, x.check(checkKey(rowKey())), 1}
	for {
		done, err := d.Add(slices.Repeat([]Cell{same}, BlockSize(d.Received())))
		if done || len(d.found) > 1 {
			t.Fatalf("done %v, %d found", done, len(d.found))
		}
		if errors.Is(err, ErrSketch) {
			return
		}
	}
}

// Three symbols that one liar has searched for can make a fourth, so more could come out than went in;
// that is where the decoder stops.
func TestMoreFoundThanCells(t *testing.T) {
	d := NewDecoder(NewEncoder(rowKey(), nil).View(), 1, 100)
	d.walks = make([]walk, 16)
	for i := range d.walks {
		d.walks[i].next.at = MaxCells
	}
	if _, err := d.Add(NewEncoder(rowKey(), symbols(0, 1)).Cells(0, 16)); !errors.Is(err, ErrSketch) {
		t.Errorf("got %v", err)
	}
}

// A cell that says one symbol which does not belong there is not believed.
func TestMisplacedCell(t *testing.T) {
	x := symbols(0, 1)[0]
	belongs := map[int]bool{}
	for s := x.indexes(); s.at < 100; s.next() {
		belongs[int(s.at)] = true
	}
	for at := range 100 {
		cells := make([]Cell, 100)
		cells[at] = Cell{x, x.check(checkKey(rowKey())), 1}
		d := NewDecoder(NewEncoder(rowKey(), nil).View(), 1, 100)
		if done, err := d.Add(cells); done || err != nil {
			t.Errorf("cell %d: done %v, %v", at, done, err)
		}
		if _, minus := d.Result(); len(minus) > 0 && !belongs[at] {
			t.Errorf("cell %d: %x taken where it does not belong", at, minus)
		}
	}
}

// All cells zero but the sizes of the sets disagree: not done.
func TestCountsMustAgree(t *testing.T) {
	own := NewEncoder(rowKey(), symbols(0, 10))
	d := NewDecoder(own.View(), 11, 100)
	if done, err := d.Add(own.Cells(0, 16)); done || err != nil {
		t.Errorf("done %v, %v", done, err)
	}
}

func TestDecodeCellsRefused(t *testing.T) {
	e := NewEncoder(rowKey(), symbols(0, 1000))
	good := AppendCells(nil, 5, e.Cells(5, 20), 1000)
	if cells, err := DecodeCells(good, 5, 20, 1000); err != nil || !slices.Equal(cells, e.Cells(5, 20)) {
		t.Fatalf("good cells: %v", err)
	}
	long := append(slices.Clone(good[:12]), 0x80, 0x00)
	for name, c := range map[string]struct {
		b     []byte
		lo, n int
		size  uint64
	}{
		"cut": {good[:len(good)-1], 5, 20, 1000}, "trailing": {append(slices.Clone(good), 0), 5, 20, 1000},
		"too few bytes": {good, 5, 1 << 20, 1000}, "beyond the row": {good, MaxCells - 19, 20, 1000},
		"negative place": {good, -1, 20, 1000}, "negative number": {good, 5, -1, 1000},
		"set too large": {good, 5, 20, MaxSet + 1}, "long number": {long, 5, 1, 1000},
		"count below zero": {AppendCells(nil, 0, []Cell{{Count: -1}}, 1000), 0, 1, 1000},
		"count above size": {AppendCells(nil, 0, []Cell{{Count: 1001}}, 1000), 0, 1, 1000},
	} {
		if _, err := DecodeCells(c.b, c.lo, c.n, c.size); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	top := []Cell{{Count: MaxSet}, {Count: 0}}
	if got, err := DecodeCells(AppendCells(nil, 0, top, MaxSet), 0, 2, MaxSet); err != nil || !slices.Equal(got, top) {
		t.Errorf("largest set: got %v, %v", got, err)
	}
}

func FuzzDecodeCells(f *testing.F) {
	e := NewEncoder(rowKey(), symbols(0, 50))
	f.Add(AppendCells(nil, 3, e.Cells(3, 4), 50), 3, 4, uint64(50))
	f.Add([]byte{}, 0, 0, uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, lo, n int, size uint64) {
		cells, err := DecodeCells(b, lo, n, size)
		if err != nil {
			return
		}
		if again := AppendCells(nil, lo, cells, size); !bytes.Equal(again, b) {
			t.Errorf("% x accepted, written again as % x", b, again)
		}
		d := NewDecoder(NewEncoder(rowKey(), nil).View(), size, MaxCells)
		if lo == 0 {
			_, _ = d.Add(cells)
			if len(d.found) > len(cells) {
				t.Errorf("%d found in %d cells", len(d.found), len(cells))
			}
		}
	})
}
