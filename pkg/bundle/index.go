package bundle

import (
	"slices"
)

// index is where the sectors of a damaged file are.
type index struct {
	runs   []indexRun
	shapes map[uint32]map[shape]int // votes
	most   uint32
	total  int64 // good sectors
}

// indexRun is n sectors one after the other in the file and in their window.
type indexRun struct {
	off    int64
	window uint32
	index  uint16
	n      uint16
}

const (
	maxRuns   = 1 << 20 // a file of more pieces is read up to here
	maxShapes = 1 << 16
)

// buildIndex reads the whole file once and looks for sectors at every byte where they do not follow each other.
func (f *File) buildIndex() error {
	if f.index != nil {
		return nil
	}
	x := &index{shapes: map[uint32]map[shape]int{}}
	f.index = x
	s := f.pool.sealers[0]
	const step = 256 * SectorSize
	var buf []byte
	for off := int64(0); off < f.size; {
		b, err := readSome(f.r, f.size, off, step+2*SectorSize)
		if err != nil {
			return err
		}
		buf = b
		at := 0
		for at+SectorSize <= len(buf) && at < step {
			info, ok := s.open(buf[at : at+SectorSize])
			if ok {
				x.add(off+int64(at), info)
				if f.prefix == 0 {
					f.prefix, f.ends = int(info.Prefix), info.Ends
				}
				at += SectorSize
				continue
			}
			at += f.slide(s, buf[at:])
		}
		if at == 0 {
			break
		}
		off += int64(at)
	}
	x.sort()
	return nil
}

// slide returns how far the next sector may be from the start of b, which holds none. Bytes that were changed in
// place are stepped over whole.
func (f *File) slide(s *sealer, b []byte) int {
	if len(b) >= 2*SectorSize {
		if _, ok := s.peek(b[SectorSize : 2*SectorSize]); ok {
			return SectorSize
		}
	}
	for i := 1; i < SectorSize && i+SectorSize <= len(b); i++ {
		if _, ok := s.peek(b[i : i+SectorSize]); ok {
			return i
		}
	}
	return SectorSize
}

func (x *index) add(off int64, info sectorInfo) {
	if len(x.runs) >= maxRuns {
		return
	}
	x.total++
	x.most = max(x.most, info.Window)
	votes := x.shapes[info.Window]
	if votes == nil && len(x.shapes) < maxRuns {
		votes = map[shape]int{}
		x.shapes[info.Window] = votes
	}
	if votes != nil && (len(votes) < 16 || votes[info.shape()] > 0) {
		votes[info.shape()]++
	}
	if n := len(x.runs); n > 0 {
		r := &x.runs[n-1]
		if r.window == info.Window && int(r.index)+int(r.n) == int(info.Index) && r.off+int64(r.n)*SectorSize == off {
			r.n++
			return
		}
	}
	x.runs = append(x.runs, indexRun{off, info.Window, info.Index, 1})
}

func (x *index) sort() {
	slices.SortStableFunc(x.runs, func(a, b indexRun) int {
		if a.window != b.window {
			if a.window < b.window {
				return -1
			}
			return 1
		}
		return int(a.index) - int(b.index)
	})
}

// beyond reports whether sectors of a later window than n are known.
func (x *index) beyond(n uint32) bool { return len(x.runs) > 0 && x.most > n }

// found is a window and where the file goes on behind it.
type found struct {
	window
	end int64
}

// gather reads window n from wherever its sectors stand; nil when there are none.
func (x *index) gather(f *File, n uint32) (*found, error) {
	best, votes := shape{}, 0
	for s, v := range x.shapes[n] {
		if v > votes || v == votes && less(s, best) {
			best, votes = s, v
		}
	}
	if votes == 0 {
		return nil, nil
	}
	w := &found{window: window{n: n, shape: best, shards: make([][]byte, best.data+best.parity)}}
	lo, _ := slices.BinarySearchFunc(x.runs, n, func(r indexRun, n uint32) int { return int(int64(r.window) - int64(n)) })
	for _, r := range x.runs[lo:] {
		if r.window != n {
			break
		}
		b, err := readSome(f.r, f.size, r.off, int(r.n)*SectorSize)
		if err != nil {
			return nil, err
		}
		for i := 0; (i+1)*SectorSize <= len(b); i++ {
			sector := b[i*SectorSize : (i+1)*SectorSize]
			info, body, ok := f.pool.sealers[0].take(sector)
			if !ok || info.Window != n || info.shape() != best || len(w.shards[info.Index]) > 0 {
				continue
			}
			w.shards[info.Index] = body
			w.end = max(w.end, r.off+int64(i+len(w.shards)-int(info.Index))*SectorSize)
		}
	}
	w.countLost()
	return w, nil
}

// less orders shapes where as many sectors name one as the other.
func less(a, b shape) bool {
	if a.data != b.data {
		return a.data < b.data
	}
	return a.parity < b.parity
}
