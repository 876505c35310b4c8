package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pars-network/pars/pkg/wire"
)

// splitter cuts the body into chunks. Where bytes are missing it looks for the next chunk.
type splitter struct {
	f      *File
	first  int64   // offset of the first chunk, behind the bridge
	codecs []codec // one a core
	early  []early // chunks decoded before their turn
	each   func(*Chunk) error
	open   bool
	buf    []byte
	next   int64 // offset behind buf
	search bool
	head   *Head
	number int64 // of the last good chunk; -1 before
	any    bool
	id     hash.Hash
	gaps   bool
	last   bool
}

// feed takes the bytes of the body at an offset; offsets only grow. Whole chunks are cut off by cut.
func (s *splitter) feed(off int64, b []byte) error {
	if !s.any {
		s.any, s.number, s.next = true, -1, off
		s.id = sha256.New()
		s.id.Write([]byte(wire.LabelBundleBody))
		if off != s.first {
			s.search, s.gaps = true, true
		}
	}
	if off != s.next {
		if err := s.cut(); err != nil {
			return err
		}
		s.drop()
		s.next = off
	}
	s.buf = append(s.buf, b...)
	s.next += int64(len(b))
	return nil
}

// drop forgets the beginning of a chunk whose end is missing.
func (s *splitter) drop() {
	if len(s.buf) > 0 && !s.search {
		s.refused(s.number+1, refuse(BadCut, "bytes are missing inside it"))
	}
	s.buf, s.search, s.gaps = s.buf[:0], true, true
}

func (s *splitter) refused(number int64, err error) {
	s.gaps = true
	var re *RefusedError
	r := BadCanonical
	if errors.As(err, &re) {
		r = re.Reason
	}
	s.f.Report.refuseChunk(number, r)
}

// cut emits the chunks that are complete in buf.
func (s *splitter) cut() error {
	at := 0
	for {
		if s.search {
			at += s.find(s.buf[at:])
		}
		if len(s.buf)-at < chunkFixed {
			break
		}
		n, err := chunkLen(s.buf[at:])
		if err == nil && len(s.buf)-at < n {
			break
		}
		if err == nil {
			err = s.take(s.decode(at, n))
		}
		var re *RefusedError
		switch {
		case err == nil:
			s.search = false
			at += n
		case errors.As(err, &re):
			if !s.search {
				s.refused(s.number+1, err)
			}
			s.search = true
			at++
		default:
			return err
		}
	}
	s.early = s.early[:0]
	if at > 0 {
		s.buf = append(s.buf[:0], s.buf[at:]...)
	}
	return nil
}

// window feeds what is there of a window.
func (s *splitter) window(w *window) error {
	s.first = w.bridge()
	s.buf = slices.Grow(s.buf, w.data*sectorBody)
	for i := range w.data {
		n := sectorBody
		if w.last && i == w.data-1 {
			n = w.used
		}
		if len(w.shards[i]) == 0 || w.offset+int64(i)*sectorBody < s.first {
			continue
		}
		if err := s.feed(w.offset+int64(i)*sectorBody, w.shards[i][:n]); err != nil {
			return err
		}
	}
	return s.cut()
}

// find returns where in b the next chunk may begin, or how much of b cannot be the beginning of one.
func (s *splitter) find(b []byte) int {
	if s.head != nil {
		return s.findKnown(b)
	}
	for i := range b {
		if plausible(b[i:]) {
			return i
		}
	}
	return len(b)
}

// findKnown looks for the nonce that stands in the head of every chunk.
func (s *splitter) findKnown(b []byte) int {
	const before = chunkFixed + 3 // at most, up to the nonce
	for at := 0; ; {
		k := bytes.Index(b[at:], s.head.Nonce[:])
		if k < 0 {
			return max(at, len(b)-before-len(s.head.Nonce)+1, 0)
		}
		for _, c := range []int{at + k - before + 1, at + k - before} {
			if c >= 0 && plausible(b[c:]) {
				return c
			}
		}
		at += k + 1
	}
}

// plausible reports whether a chunk may begin at b, as far as b goes.
func plausible(b []byte) bool {
	if len(b) < chunkFixed+1 {
		return len(b) == 0 || b[0] == chunkVersion
	}
	_, err := chunkLen(b)
	return err == nil && b[chunkFixed] == byte(KindHead)
}

// early is a chunk decoded before its turn.
type early struct {
	at, n int // in buf
	c     *Chunk
	err   error
}

// earlyChunks is how many chunks a core decodes before their turn; each may take MaxChunk.
const earlyChunks = 4

// decode returns the chunk at buf[at:at+n]. What seems to follow it is decoded at once, on all cores.
func (s *splitter) decode(at, n int) (*Chunk, error) {
	for len(s.early) > 0 && s.early[0].at < at {
		s.early = s.early[1:]
	}
	if len(s.early) == 0 || s.early[0].at != at || s.early[0].n != n {
		s.ahead(at)
	}
	return s.early[0].c, s.early[0].err
}

// ahead decodes whole chunks from buf[at:] on, at least the one that begins there.
func (s *splitter) ahead(at int) {
	if s.codecs == nil {
		s.codecs = make([]codec, cores())
	}
	s.early = nil
	for len(s.early) < earlyChunks*len(s.codecs) {
		n, err := chunkLen(s.buf[at:])
		if err != nil || at+n > len(s.buf) || s.search && len(s.early) > 0 {
			break
		}
		s.early = append(s.early, early{at: at, n: n})
		at += n
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	for w := range min(len(s.codecs), len(s.early)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(s.early)); i = next.Add(1) - 1 {
				e := &s.early[i]
				e.c, e.err = s.codecs[w].decode(s.buf[e.at : e.at+e.n])
			}
		})
	}
	wg.Wait()
}

// take hands a decoded chunk out.
func (s *splitter) take(c *Chunk, err error) error {
	switch {
	case err != nil:
		return err
	case !c.Signed && !s.open:
		return refuse(BadSignature, "an unsigned chunk in a sealed file")
	case s.head != nil && !s.head.same(c.Head):
		return refuse(BadSignature, "a chunk of another bundle")
	case int64(c.Number) <= s.number:
		return refuse(BadDuplicate, "chunk %d after %d", c.Number, s.number)
	}
	if s.head == nil {
		s.head = c.Head
	}
	if int64(c.Number) != s.number+1 {
		s.gaps = true
	}
	s.number = int64(c.Number)
	s.last = s.last || c.Last
	s.id.Write(c.Sum[:])
	s.f.Report.good(c)
	return s.each(c)
}

// end is called behind the last byte.
func (s *splitter) end() error {
	if s.any && len(s.buf) > 0 {
		s.drop()
	}
	if s.any && s.last && !s.gaps && s.number >= 0 {
		s.id.Sum(s.f.Report.Body[:0])
		s.f.Report.Complete = true
	}
	return nil
}

// compact takes the body of a compact file; nil when it did not open.
func (s *splitter) compact(body []byte) error {
	if body == nil {
		s.f.Report.refuseChunk(0, BadCut)
		return nil
	}
	if err := s.feed(0, body); err != nil {
		return err
	}
	if err := s.cut(); err != nil {
		return err
	}
	return s.end()
}
