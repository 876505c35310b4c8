package bundle

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/maphash"
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

// Source yields the records of a bundle, kinds ascending. It is called twice or more and must yield the
// same each time: the first walk measures, the second writes. A payload is read only during yield.
type Source func(yield func(Record) error) error

// Records is a Source of a list.
func Records(list ...Record) Source {
	return func(yield func(Record) error) error {
		for _, r := range list {
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	}
}

const (
	chunkRoom = MaxChunk - 1024 // bytes of records in a chunk; a head takes the rest
	keep      = 8 << 20         // bytes of chunks that are kept for the second walk
)

// dense kinds are ciphertext: compressing them is a waste of time.
func dense(k Kind) bool { return k == KindVertices || k == KindEnvelope || k == KindHave }

// cutter gathers records into chunks.
type cutter struct {
	buf   []byte
	list  []Record
	twins twins
	last  Kind
	zip   bool
	any   bool
	emit  func(raw []byte, zip bool, late *late) (next []byte, err error)
}

func (c *cutter) add(r Record) error {
	switch {
	case r.Len() > MaxRecord:
		return fmt.Errorf("record of kind %s with %d bytes: %w", r.Kind, r.Len(), ErrLimit)
	case r.Kind == KindHead || c.any && r.Kind < c.last:
		return fmt.Errorf("record of kind %s after %s", r.Kind, c.last)
	}
	if len(c.buf) > 0 && (len(c.buf)+r.Size() > chunkRoom || len(c.buf) > MaxCompact && c.zip == dense(r.Kind)) {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if r.late != nil { // a chunk of its own
		if len(c.buf) > 0 {
			if err := c.flush(); err != nil {
				return err
			}
		}
		c.last, c.any = r.Kind, true
		next, err := c.emit(c.buf, true, r.late)
		c.buf = next
		return err
	}
	if c.twins.add(c.list, r) {
		return nil
	}
	at := len(c.buf)
	c.buf = r.Append(c.buf)
	own := c.buf[at+r.Size()-len(r.Payload):]
	c.list = append(c.list, Record{Kind: r.Kind, Payload: own})
	c.last, c.zip, c.any = r.Kind, c.zip || !dense(r.Kind), true
	return nil
}

func (c *cutter) flush() error {
	next, err := c.emit(c.buf, c.zip, nil)
	c.buf, c.list, c.twins, c.zip = next, c.list[:0], twins{}, false
	return err
}

// chunks cuts the source, lets work do its part on several chunks at once, and emits them in order, at least one.
func chunks(src Source, work func(*job), emit func(*job) error) error {
	l := newLine(work, emit)
	cut := &cutter{emit: l.push, buf: make([]byte, 0, MaxChunk)}
	err := src(cut.add)
	if err == nil && (len(cut.buf) > 0 || !cut.any) {
		err = cut.flush()
	}
	return l.end(err)
}

// survey is what the first walk over the source learns.
type survey struct {
	raw, stored [32]byte // digests over the chunks' records
	lengths     []uint32 // of the records as stored
	zipped      []bool
	counts      []Count
	kept        []draft // all chunks, or none
	sums        [][32]byte
	seed        maphash.Seed
	marks       []uint64 // of the chunks' records: tells in the second walk that they are the same
	bytes       int64
}

// measure compresses a chunk where that helps, and names it.
func (s *survey) measure(j *job) {
	j.d = draft{}
	if l := j.late; l != nil {
		rec := Record{Kind: KindPiece, late: l}
		j.d.sum = sumRecords([]Record{rec})
		if j.size, j.sum = rec.Size(), j.d.sum; l.o.dense[l.i] {
			return
		}
		if j.err = j.load(); j.err != nil {
			return
		}
	}
	j.d.raw, j.d.stored, j.size = j.raw, j.raw, len(j.raw)
	if j.zip && len(j.raw) > 0 {
		if j.d.stored, j.d.zipped, j.err = j.pack(j.raw); j.err != nil {
			return
		}
	}
	if j.late == nil {
		var list []Record
		if list, j.err = DecodeRecords(j.raw); j.err != nil {
			return
		}
		j.d.sum, j.mark = sumRecords(list), maphash.Bytes(s.seed, j.raw)
	}
	if j.sum = j.d.sum; j.d.zipped {
		j.sum = sha256.Sum256(j.d.stored)
	}
	j.size = len(j.d.stored)
}

// load reads the one record of a late chunk.
func (j *job) load() (err error) {
	b := wire.AppendUvarint(append(j.raw[:0], byte(KindPiece)), uint64(j.late.size()))
	if b, err = j.late.load(b); err == nil {
		j.raw = b
	}
	return err
}

// surveyOf walks the source once.
func surveyOf(src Source, progress func(int64)) (*survey, error) {
	s := &survey{seed: maphash.MakeSeed()}
	x, y := sha256.New(), sha256.New()
	room := keep
	counted := func(yield func(Record) error) error {
		return src(func(r Record) error { s.count(r); return yield(r) })
	}
	err := chunks(counted, s.measure, func(j *job) error {
		d := j.d
		x.Write(d.sum[:])
		y.Write(j.sum[:])
		s.sums, s.marks = append(s.sums, d.sum), append(s.marks, j.mark)
		s.lengths, s.zipped = append(s.lengths, uint32(j.size)), append(s.zipped, d.zipped)
		s.bytes += int64(j.size)
		progress(s.bytes)
		if room -= j.size + len(d.raw); j.late != nil {
			room = -1
		}
		if room >= 0 {
			s.kept = append(s.kept, draft{slices.Clone(d.raw), slices.Clone(d.stored), d.zipped, d.sum})
		}
		return nil
	})
	if room < 0 {
		s.kept = nil
	}
	s.raw, s.stored = total(x), total(y)
	return s, err
}

func total(h hash.Hash) (s [32]byte) {
	h.Sum(s[:0])
	return s
}

func (s *survey) count(r Record) {
	n := len(s.counts)
	if n == 0 || s.counts[n-1].Kind != r.Kind {
		s.counts = append(s.counts, Count{Kind: r.Kind})
		n++
	}
	s.counts[n-1].Records++
	s.counts[n-1].Bytes += uint64(r.Len())
}

// size returns the length of the body with the heads h and h with counts.
func (s *survey) size(h *Head) int64 {
	first, rest := *h, *h
	rest.Counts = nil
	n := int64(first.record().Size()-rest.record().Size()) + int64(len(s.lengths))*int64(chunkOver+rest.record().Size())
	for _, l := range s.lengths {
		n += int64(l)
	}
	return n
}

// replay walks the chunks again: work on several at once, emit in order.
func (s *survey) replay(src Source, work func(*job), emit func(*job) error) error {
	for i, d := range s.kept {
		j := &job{i: i, d: d}
		if work(j); j.err != nil {
			return j.err
		}
		if err := emit(j); err != nil {
			return err
		}
	}
	if s.kept != nil {
		return nil
	}
	n := 0
	err := chunks(src, func(j *job) {
		if j.err = s.again(j); j.err == nil {
			work(j)
		}
	}, func(j *job) error { n++; return emit(j) })
	if err == nil && n != len(s.lengths) {
		err = errChanged
	}
	return err
}

// again makes the draft of a chunk once more, and refuses another than the first time: no key stream covers two texts.
func (s *survey) again(j *job) (err error) {
	if j.i >= len(s.lengths) {
		return errChanged
	}
	if j.late != nil {
		if err := j.load(); err != nil {
			return err
		}
	} else if maphash.Bytes(s.seed, j.raw) != s.marks[j.i] {
		return errChanged
	}
	j.d = draft{raw: j.raw, stored: j.raw, zipped: s.zipped[j.i], sum: s.sums[j.i]}
	if j.d.zipped {
		if j.d.stored, j.d.zipped, err = j.pack(j.raw); err != nil {
			return err
		}
	}
	if uint32(len(j.d.stored)) != s.lengths[j.i] || j.d.zipped != s.zipped[j.i] {
		return errChanged
	}
	return nil
}

var errChanged = fmt.Errorf("what is packed changed meanwhile: pack again")
