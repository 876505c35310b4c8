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
	pre, err := f.goodPrefix()
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
	if lost > 0 || f.Report.Truncated {
		return fmt.Errorf("%d windows are not whole: %w", lost, ErrDamaged)
	}
	return nil
}

// goodPrefix finds the right copy of the prefix; where none is whole, one made of both, and else the better half.
func (f *File) goodPrefix() ([]byte, error) {
	copies, good, err := f.prefixes()
	if err != nil {
		return nil, err
	}
	// the copy at the end of the file as it is, beside the one where it is expected
	tail, err := readSome(f.r, f.size, f.size-int64(f.prefix*SectorSize), f.prefix*SectorSize)
	if err != nil {
		return nil, err
	}
	switch {
	case good[0]:
		return copies[0], nil
	case sumPrefix(tail) == f.prefixSum:
		return tail, nil
	}
	if p := f.joinPrefix([2][]byte{copies[0], tail}); p != nil {
		return p, nil
	}
	if p, err := f.findCopy(); p != nil || err != nil {
		return p, err
	}
	out := make([]byte, f.prefix*SectorSize)
	copy(out, copies[0])
	return out, nil
}

// findCopy looks for a whole prefix at every sector of the file.
func (f *File) findCopy() ([]byte, error) {
	n := f.prefix * SectorSize
	for off := int64(0); off+int64(n) <= f.size; off += SectorSize {
		b, err := readSome(f.r, f.size, off, n)
		if err != nil {
			return nil, err
		}
		if b[0] == f.k.salt[0] && [saltSize]byte(b) == f.k.salt && sumPrefix(b) == f.prefixSum {
			return b, nil
		}
	}
	return nil, nil
}
