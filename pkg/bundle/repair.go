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
	pre, right, err := f.goodPrefix()
	if err != nil {
		return err
	}
	if _, err := w.Write(pre); err != nil {
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
	if _, err := w.Write(pre); err != nil {
		return err
	}
	switch {
	case lost > 0 || f.Report.Truncated:
		return fmt.Errorf("%d windows are not whole: %w", lost, ErrDamaged)
	case !right:
		return fmt.Errorf("both copies of the slots are damaged at one place, some recipients may not open it: %w", ErrDamaged)
	}
	return nil
}

// goodPrefix finds the right copy of the prefix, or makes one of both; right is false where neither is possible and the
// first copy has to do.
func (f *File) goodPrefix() (pre []byte, right bool, err error) {
	n := f.prefix * SectorSize
	front, err := readSome(f.r, f.size, 0, n)
	if err != nil {
		return nil, false, err
	}
	tail, err := readSome(f.r, f.size, f.size-int64(n), n)
	if err != nil {
		return nil, false, err
	}
	for _, c := range [][]byte{front, tail, f.joinPrefix([2][]byte{front, tail})} {
		if len(c) == n && sumPrefix(c) == f.prefixSum {
			return c, true, nil
		}
	}
	if c, err := f.findCopy(); c != nil || err != nil {
		return c, c != nil, err
	}
	out := make([]byte, n)
	copy(out, front)
	return out, false, nil
}

// findCopy looks for a whole prefix at every sector of the file.
func (f *File) findCopy() ([]byte, error) {
	n := f.prefix * SectorSize
	for off := int64(0); off+int64(n) <= f.size; off += SectorSize {
		b, err := readSome(f.r, f.size, off, n)
		if err != nil {
			return nil, err
		}
		if len(b) == n && [saltSize]byte(b) == f.k.salt && sumPrefix(b) == f.prefixSum {
			return b, nil
		}
	}
	return nil, nil
}
