package bundle

import (
	"errors"
	"fmt"
	"io"
)

// File is a bundle that is open. Open makes one.
type File struct {
	Form   string
	Report Report

	r      io.ReaderAt
	size   int64
	k      *fileKeys
	pool   *pool
	code   code
	prefix int
	ends   [2]endSum // of the prefix
	whole  []byte    // body of a compact file
	index  *index    // nil until it is needed
	pos    int64     // where the next window is expected
	buf    []byte    // of the window that is read
	other  []byte    // of the one before it, which may still be in use
}

// Open opens a file with whatever of keys fits. Without any the error is ErrNotForUs.
func Open(r io.ReaderAt, size int64, keys Keys) (*File, error) {
	if size < 0 || size > maxFile {
		return nil, fmt.Errorf("a file of %d bytes: %w", size, ErrLimit)
	}
	f := &File{r: r, size: size}
	if err := f.open(&keys); err != nil {
		return nil, err
	}
	f.Report.Form, f.Report.Reads = f.Form, f.k.reader
	if f.Form == FormCompact {
		return f, nil
	}
	return f, f.findPrefix()
}

// Reads reports whether the body can be read, not only verified and repaired.
func (f *File) Reads() bool { return f.k.reader }

// findPrefix learns from any good sector how long the prefix is.
func (f *File) findPrefix() error {
	for p := int64(1); p <= maxPrefix && f.prefix == 0; p *= 2 {
		f.sectorAt(p * SectorSize)
	}
	if f.prefix == 0 {
		if err := f.buildIndex(); err != nil {
			return err
		}
	}
	f.pos = int64(f.prefix) * SectorSize
	return nil
}

// window is one window as far as it could be read.
type window struct {
	shape
	n        uint32
	shards   [][]byte // stored bodies; empty where lost
	lost     int      // sectors that were not good
	whole    bool     // all data is there, mended or not
	restored []int    // sectors that were mended
}

// walk calls each for all windows of the file in order. A window of which nothing is known is passed with a shape of
// no data.
func (f *File) walk(each func(*window) error) error {
	for n := uint32(0); ; n++ {
		w, err := f.window(n)
		if err != nil {
			return err
		}
		if w == nil {
			if f.index == nil || !f.index.beyond(n) {
				f.Report.Truncated = true
				return nil
			}
			w = &window{n: n}
		}
		if err := f.mend(w); err != nil {
			return err
		}
		f.note(w)
		if err := each(w); err != nil {
			return err
		}
		if w.last {
			return nil
		}
	}
}

// window reads window n: where it should be, or else wherever its sectors are.
func (f *File) window(n uint32) (*window, error) {
	w, err := f.expected(n)
	if err != nil || w != nil && len(w.shards)-w.lost >= w.data {
		return w, err
	}
	if err := f.buildIndex(); err != nil {
		return nil, err
	}
	all, err := f.index.gather(f, n)
	if all == nil {
		return nil, err
	}
	f.pos = all.end
	return &all.window, err
}

const probe = 64 // sectors that are looked at for the shape of a window

// expected reads window n at the place that follows from what was before it; nil when nothing of it is there.
func (f *File) expected(n uint32) (*window, error) {
	b, err := readSome(f.r, f.size, f.pos, probe*SectorSize)
	if err != nil {
		return nil, err
	}
	w := &window{n: n}
	for i := 0; i+SectorSize <= len(b) && w.data == 0; i += SectorSize {
		if info, ok := f.pool.sealers[0].open(b[i : i+SectorSize]); ok && info.Window == n && int(info.Index) == i/SectorSize {
			w.shape = info.shape()
		}
	}
	if w.data == 0 {
		return nil, nil
	}
	total := w.data + w.parity
	if b, err = f.fill(f.pos, total*SectorSize); err != nil {
		return nil, err
	}
	w.shards = make([][]byte, total)
	f.pool.each(min(total, len(b)/SectorSize), func(s *sealer, i int) {
		sector := b[i*SectorSize : (i+1)*SectorSize]
		if info, body, ok := s.take(sector); ok && info.Window == n && int(info.Index) == i && info.shape() == w.shape {
			w.shards[i] = body
		}
	})
	w.countLost()
	f.pos += int64(total) * SectorSize
	return w, nil
}

// fill reads up to n bytes at off into one of two buffers in turn: the window before is still in use.
func (f *File) fill(off int64, n int) ([]byte, error) {
	f.buf, f.other = f.other, f.buf
	n = int(max(0, min(int64(n), f.size-off)))
	if cap(f.buf) < n {
		f.buf = make([]byte, n)
	}
	got, err := f.r.ReadAt(f.buf[:n], off)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return f.buf[:got], err
}

func (w *window) countLost() {
	w.lost = 0
	for _, s := range w.shards {
		if len(s) == 0 {
			w.lost++
		}
	}
}

// mend brings back what parity can.
func (f *File) mend(w *window) error {
	var gone []int
	for i, s := range w.shards {
		if len(s) == 0 {
			gone = append(gone, i)
		}
	}
	if len(gone) == 0 {
		w.whole = w.data > 0
		return nil
	}
	ok, err := f.code.mend(w.shape, w.shards)
	if err != nil {
		return err
	}
	if ok {
		w.restored = gone
	}
	w.whole = ok
	return nil
}

// decrypt turns the stored data bodies of a window into the body's bytes, in place.
func (f *File) decrypt(w *window) {
	f.pool.each(w.data, func(s *sealer, i int) {
		if len(w.shards[i]) > 0 {
			s.data(w.shape, w.shards[i], w.n, i)
		}
	})
}

// Chunks calls each for every chunk that is whole and signed by the bundle's exporter, in order, and fills Report.
func (f *File) Chunks(each func(*Chunk) error) error {
	s := &splitter{f: f, each: each, open: f.Form == FormOpen}
	if f.Form == FormCompact {
		return s.compact(f.whole)
	}
	if !f.k.reader {
		return f.walk(func(*window) error { return nil })
	}
	if err := f.ahead(s.window); err != nil {
		return err
	}
	return s.end()
}

// ahead calls each for all windows of which something is known, decrypted, and reads the next one meanwhile.
func (f *File) ahead(each func(*window) error) error {
	ready, stop := make(chan *window), make(chan struct{})
	var walked error
	go func() {
		defer close(ready)
		walked = f.walk(func(w *window) error {
			if w.data == 0 {
				return nil
			}
			f.decrypt(w)
			select {
			case ready <- w:
				return nil
			case <-stop:
				return errStopped
			}
		})
	}()
	for w := range ready {
		if err := each(w); err != nil {
			close(stop)
			for range ready {
			}
			return err
		}
	}
	return walked
}

var errStopped = errors.New("stopped")

// End returns the offset behind the bundle, once it was walked: another may begin there.
func (f *File) End() int64 {
	if f.Form == FormCompact {
		return f.size
	}
	return min(f.size, f.pos+int64(f.prefix)*SectorSize)
}
