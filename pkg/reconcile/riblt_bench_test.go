package reconcile

import (
	"fmt"
	"slices"
	"testing"
)

// One million vertices, 1,000 missing: making the row, and moving and decoding it.
func BenchmarkMillion(b *testing.B) {
	shared := symbols(0, 1_000_000)
	b.Run("row", func(b *testing.B) {
		for b.Loop() {
			NewEncoder(rowKey(), shared)
		}
	})
	ours := NewEncoder(rowKey(), slices.Concat(shared, symbols(1<<30, 500)))
	theirs := NewEncoder(rowKey(), slices.Concat(shared, symbols(1<<29, 500)))
	b.Run("transfer", func(b *testing.B) {
		size := 0
		for b.Loop() {
			_, n, err := transfer(ours.View(), theirs.View())
			if err != nil {
				b.Fatal(err)
			}
			size = n
		}
		b.ReportMetric(float64(size), "wire-bytes")
	})
	b.Run("add", func(b *testing.B) {
		x := symbols(1<<28, 1)[0]
		for b.Loop() {
			ours.Add(x)
			ours.Remove(x)
		}
	})
}

func ExampleDecoder() {
	k := [16]byte{1}
	mine := NewEncoder(k, []Symbol{ShortID(k, [32]byte{1}), ShortID(k, [32]byte{2})})
	theirs := NewEncoder(k, []Symbol{ShortID(k, [32]byte{2}), ShortID(k, [32]byte{3})})

	// They send the size of their set and cells until we say stop.
	n := uint64(theirs.Size())
	b := AppendCells(nil, 0, theirs.Cells(0, BlockSize(0)), n)

	d := NewDecoder(mine.View(), n, MaxCells)
	cells, err := DecodeCells(b, d.Received(), BlockSize(d.Received()), n)
	if err != nil {
		fmt.Println(err)
		return
	}
	done, err := d.Add(cells)
	plus, minus := d.Result()
	fmt.Println(done, err, plus[0] == ShortID(k, [32]byte{1}), minus[0] == ShortID(k, [32]byte{3}))
	// Output: true <nil> true true
}
