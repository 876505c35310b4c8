package bundle

import (
	"fmt"
	"io"
)

// Repair writes the file anew with everything that parity brings back. It needs no key to read. The file it was made
// of comes out bit for bit unless more was lost than parity holds; then lost sectors are zeros, Report says which, and
// the error is ErrDamaged.
func (f *File) Repair(w io.Writer) error {
	if f.Form == FormCompact {
		return fmt.Errorf("a compact file has no parity: %w", ErrDamaged)
	}
	if f.prefix == 0 {
		return fmt.Errorf("no sector is good: %w", ErrDamaged)
	}
	ends, right, err := f.mendEnds()
	if err != nil {
		return err
	}
	if _, err := w.Write(ends[front]); err != nil {
		return err
	}
	var lost int64
	err = f.walk(func(x *window) error {
		if x.data == 0 {
			lost++
			return nil
		}
		buf := make([]byte, len(x.shards)*SectorSize)
		f.pool.each(len(x.shards), func(s *sealer, i int) {
			if len(x.shards[i]) > 0 {
				sector := buf[i*SectorSize : (i+1)*SectorSize]
				copy(sector, x.shards[i])
				s.finish(sector, x.info(x.n, i))
			}
		})
		if !x.whole || x.lost > len(x.restored) {
			lost++
		}
		_, err := w.Write(buf)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := w.Write(ends[tail]); err != nil {
		return err
	}
	switch {
	case lost > 0 || f.Report.Truncated:
		return fmt.Errorf("%d windows are not whole: %w", lost, ErrDamaged)
	case !right:
		return fmt.Errorf("a copy of the slots is damaged and cannot be made of the other, some recipients may not open it: %w", ErrDamaged)
	}
	return nil
}
