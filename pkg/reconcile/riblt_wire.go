package reconcile

import (
	"encoding/binary"

	"github.com/pars-network/pars/pkg/wire"
)

// predicted returns floor(2N/(2+m)), about the count of cell m of a set of n symbols. What is sent is
// the difference from it, which mostly takes one byte.
func predicted(n uint64, m int) int64 { return int64(2 * n / (2 + uint64(m))) }

// AppendCells appends cells whose first one is number lo, of a set of n symbols: sum 8 bytes ‖ check
// 4 bytes ‖ zigzag uvarint of count less prediction; 13.2 bytes a cell on average.
func AppendCells(b []byte, lo int, cells []Cell, n uint64) []byte {
	for i, c := range cells {
		b = binary.BigEndian.AppendUint64(b, uint64(c.Sum))
		b = binary.BigEndian.AppendUint32(b, c.Check)
		b = wire.AppendUvarint(b, wire.Zigzag(int64(c.Count)-predicted(n, lo+i)))
	}
	return b
}

// minCell is the smallest encoded cell in bytes.
const minCell = 13

// DecodeCells reads exactly n cells, the first one of number lo, of a set of size symbols. Counts
// outside 0 to size are refused: no honest cell has one. Errors wrap wire.ErrInvalid.
func DecodeCells(b []byte, lo, n int, size uint64) ([]Cell, error) {
	if lo < 0 || n < 0 || lo > MaxCells || n > MaxCells-lo || size > MaxSet || n > len(b)/minCell {
		return nil, wire.Invalid("%d cells from %d on in %d bytes, of %d symbols", n, lo, len(b), size)
	}
	r, cells := wire.NewReader(b), make([]Cell, n)
	for i := range cells {
		c := &cells[i]
		c.Sum, c.Check = Symbol(r.Uint64()), r.Uint32()
		count := predicted(size, lo+i) + wire.Unzigzag(r.Uvarint(4*MaxSet))
		if r.Err() == nil && (count < 0 || count > int64(size)) {
			r.Fail(wire.Invalid("cell %d counts %d of %d symbols", lo+i, count, size))
		}
		c.Count = int32(count)
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return cells, nil
}
