package bundle

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/maphash"
	"slices"
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
	emit  func(raw []byte, zip bool) error
}

func (c *cutter) add(r Record) error {
	switch {
	case len(r.Payload) > MaxRecord:
		return fmt.Errorf("record of kind %s with %d bytes: %w", r.Kind, len(r.Payload), ErrLimit)
	case r.Kind == KindHead || c.any && r.Kind < c.last:
		return fmt.Errorf("record of kind %s after %s", r.Kind, c.last)
	}
	if len(c.buf) > 0 && (len(c.buf)+r.Size() > chunkRoom || len(c.buf) > MaxCompact && c.zip == dense(r.Kind)) {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if c.twins.add(c.list, r) {
		return nil
	}
	at := len(c.buf)
	c.buf = r.Append(c.buf)
	own := c.buf[at+r.Size()-len(r.Payload):]
	c.list = append(c.list, Record{r.Kind, own})
	c.last, c.zip, c.any = r.Kind, c.zip || !dense(r.Kind), true
	return nil
}

func (c *cutter) flush() error {
	err := c.emit(c.buf, c.zip)
	c.buf, c.list, c.twins, c.zip = c.buf[:0], c.list[:0], twins{}, false
	return err
}

// chunks cuts the source and calls emit for each chunk's records, at least once. last is told.
func (c *codec) chunks(src Source, emit func(raw []byte, zip bool) error) error {
	cut := &cutter{emit: emit, buf: make([]byte, 0, MaxChunk)}
	if err := src(cut.add); err != nil {
		return err
	}
	if len(cut.buf) > 0 || !cut.any {
		return cut.flush()
	}
	return nil
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

// survey walks the source once.
func (c *codec) survey(src Source, progress func(int64)) (*survey, error) {
	s := &survey{seed: maphash.MakeSeed()}
	x, y := sha256.New(), sha256.New()
	room := keep
	counted := func(yield func(Record) error) error {
		return src(func(r Record) error { s.count(r); return yield(r) })
	}
	err := c.chunks(counted, func(raw []byte, zip bool) error {
		d := draft{raw: raw, stored: raw}
		var err error
		if zip && len(raw) > 0 {
			if d.stored, d.zipped, err = c.pack(raw); err != nil {
				return err
			}
		}
		d.sum = sha256.Sum256(d.raw)
		x.Write(d.sum[:])
		sum := d.sum
		if d.zipped {
			sum = sha256.Sum256(d.stored)
		}
		y.Write(sum[:])
		s.sums, s.marks = append(s.sums, d.sum), append(s.marks, maphash.Bytes(s.seed, d.raw))
		s.lengths, s.zipped = append(s.lengths, uint32(len(d.stored))), append(s.zipped, d.zipped)
		s.bytes += int64(len(d.raw))
		progress(s.bytes)
		if room -= len(d.raw) + len(d.stored); room >= 0 {
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
	s.counts[n-1].Bytes += uint64(len(r.Payload))
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

// replay calls emit for each chunk again.
func (c *codec) replay(src Source, s *survey, emit func(i int, d draft) error) error {
	for i, d := range s.kept {
		if err := emit(i, d); err != nil {
			return err
		}
	}
	if s.kept != nil {
		return nil
	}
	i := 0
	err := c.chunks(src, func(raw []byte, zip bool) error {
		if i >= len(s.lengths) || maphash.Bytes(s.seed, raw) != s.marks[i] {
			return errChanged
		}
		d := draft{raw: raw, stored: raw, zipped: s.zipped[i], sum: s.sums[i]}
		if d.zipped {
			stored, zipped, err := c.pack(raw)
			if err != nil {
				return err
			}
			d.stored, d.zipped = stored, zipped
		}
		if uint32(len(d.stored)) != s.lengths[i] || d.zipped != s.zipped[i] {
			return errChanged
		}
		i++
		return emit(i-1, d)
	})
	if err == nil && i != len(s.lengths) {
		err = errChanged
	}
	return err
}

var errChanged = fmt.Errorf("what is packed changed meanwhile: pack again")
