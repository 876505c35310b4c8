package bundle

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/reedsolomon"

	"github.com/pars-network/pars/pkg/wire"
)

// A part is salt[32] ‖ head sector ‖ sectors of rows ‖ head sector ‖ salt[32]. Its sectors are those of the bundle's own
// format under keys of its own, so that parts look random and unlinked. The head at the end stands under the salt at the
// end, and names the first one, under which the rows are.

// SplitKey covers parts: a key, words, or with neither nothing, so that whoever finds two parts sees that they belong
// together.
type SplitKey struct {
	Key   *Key
	Words []byte
}

func (s SplitKey) secret() []byte {
	switch {
	case s.Words != nil:
		return s.Words
	case s.Key != nil:
		return s.Key[:]
	}
	return nil
}

// keys are those of the part with a salt. Words are stretched with that salt: a part names nothing that could be known
// before it is opened.
func (s SplitKey) keys(salt [32]byte) *fileKeys {
	var k Key
	if s.Words != nil {
		k = stretch(s.Words, salt[:])
	} else if s.Key != nil {
		k = *s.Key
	}
	return keysOf(derive(k[:], salt[:], wire.LabelBundleSplit))
}

const (
	splitRows   = 64 // rows in a window of a part
	maxParts    = 255
	partVersion = 1
	partSize    = 1 + 16 + 3 + 8 + 32 + saltSize
)

// PartHead says which part of what a part is.
type PartHead struct {
	ID             [16]byte
	Need, N, Index uint8
	Total          int64 // bytes of the whole
	Sum            [32]byte
	Salt           [saltSize]byte // of the rows
}

func (h *PartHead) append(b []byte) []byte {
	b = append(append(b, partVersion), h.ID[:]...)
	b = binary.BigEndian.AppendUint64(append(b, h.Need, h.N, h.Index), uint64(h.Total))
	return append(append(b, h.Sum[:]...), h.Salt[:]...)
}

// DecodePartHead reads what the first sector of a part holds.
func DecodePartHead(b []byte) (*PartHead, error) {
	var h PartHead
	r := wire.NewReader(b)
	v := r.Byte()
	copy(h.ID[:], r.Take(16))
	h.Need, h.N, h.Index = r.Byte(), r.Byte(), r.Byte()
	total := r.Uint64()
	copy(h.Sum[:], r.Take(32))
	copy(h.Salt[:], r.Take(saltSize))
	switch {
	case r.End() != nil:
		return nil, refuse(BadCanonical, "part head: %v", r.Err())
	case v != partVersion:
		return nil, refuse(BadVersion, "part %d", v)
	case h.Need == 0 || h.Need > h.N || h.Index >= h.N || total == 0 || total > maxFile:
		return nil, refuse(BadSize, "part %d, %d of %d needed, %d bytes", h.Index, h.Need, h.N, total)
	}
	h.Total = int64(total)
	return &h, nil
}

// rows is how many rows of need bodies hold the whole.
func (h *PartHead) rows() int64 { return ceilDiv(h.Total, int64(h.Need)*sectorBody) }

// Split cuts size bytes of r into n parts of which any need give the whole back. create is called once for each part.
func Split(r io.ReaderAt, size int64, n, need int, key SplitKey, create func(index int) (io.Writer, error)) error {
	if need < 1 || need > n || n > maxParts || size < 1 || size > maxFile {
		return fmt.Errorf("%d parts of which %d are needed, of %d bytes: %w", n, need, size, ErrLimit)
	}
	sum, _, err := HashFile(io.NewSectionReader(r, 0, size))
	if err != nil {
		return err
	}
	enc, err := reedsolomon.New(need, n-need)
	if err != nil {
		return err
	}
	h := PartHead{Need: uint8(need), N: uint8(n), Total: size, Sum: sum}
	id := mac(key.secret(), []byte(wire.LabelBundlePart), sum[:], []byte{h.Need, h.N})
	copy(h.ID[:], id[:])
	parts := make([]*partWriter, n)
	for i := range parts {
		h.Index = uint8(i)
		w, err := create(i)
		if err != nil {
			return err
		}
		h.Salt = mac(key.secret(), []byte(wire.LabelBundlePart), id[:], []byte{h.Index, front})
		last := mac(key.secret(), []byte(wire.LabelBundlePart), id[:], []byte{h.Index, tail})
		if parts[i], err = newPartWriter(w, h, key, last); err != nil {
			return err
		}
	}
	if err := splitRowsOf(r, size, need, enc, parts); err != nil {
		return err
	}
	for _, p := range parts {
		if err := p.close(); err != nil {
			return err
		}
	}
	return nil
}

func splitRowsOf(r io.ReaderAt, size int64, need int, enc reedsolomon.Encoder, parts []*partWriter) error {
	shards := make([][]byte, len(parts))
	for i := range shards {
		shards[i] = make([]byte, sectorBody)
	}
	for off := int64(0); off < size; {
		for i := range need {
			b, err := readSome(r, size, off, sectorBody)
			if err != nil {
				return err
			}
			clear(shards[i][copy(shards[i], b):])
			off += sectorBody
		}
		if err := enc.Encode(shards); err != nil {
			return err
		}
		for i, p := range parts {
			if err := p.row(shards[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// partWriter writes the sectors of one part.
type partWriter struct {
	w    io.Writer
	s    *sealer
	end  []byte // what stands behind the rows
	rows int64
	at   int64
	buf  [SectorSize]byte
}

func newPartWriter(w io.Writer, h PartHead, key SplitKey, last [saltSize]byte) (*partWriter, error) {
	p := &partWriter{w: w, s: newSealer(key.keys(h.Salt)), rows: h.rows()}
	p.end = append(h.sector(newSealer(key.keys(last))), last[:]...)
	_, err := w.Write(append(h.Salt[:], h.sector(p.s)...))
	return p, err
}

// sector makes the sector of a head.
func (h *PartHead) sector(s *sealer) []byte {
	b := make([]byte, SectorSize, SectorSize+saltSize)
	copy(b, h.append(nil))
	s.crypt(b[:sectorBody], 0, 0)
	s.finish(b, shape{data: 1, used: sectorBody, prefix: 1}.info(0, 0))
	return b
}

// rowShape is the window and index of row n of rows.
func rowShape(n, rows int64) (window uint32, index int, s shape) {
	w := n / splitRows
	s = shape{data: int(min(splitRows, rows-w*splitRows)), used: sectorBody, offset: w * splitRows * sectorBody, prefix: 1}
	s.last = (w+1)*splitRows >= rows
	return uint32(w) + 1, int(n % splitRows), s
}

func (p *partWriter) row(body []byte) error {
	window, index, s := rowShape(p.at, p.rows)
	p.at++
	copy(p.buf[:], body)
	p.s.crypt(p.buf[:sectorBody], window, index)
	p.s.finish(p.buf[:], s.info(window, index))
	_, err := p.w.Write(p.buf[:])
	return err
}

func (p *partWriter) close() error {
	_, err := p.w.Write(p.end)
	return err
}

// Part is an open part.
type Part struct {
	PartHead
	Lost int64 // sectors that were not good
	f    *File
}

// OpenPart opens a part with a key; ErrNotForUs when it is none, or the key is another.
func OpenPart(r io.ReaderAt, size int64, key SplitKey) (*Part, error) {
	for _, at := range []struct{ salt, head int64 }{{0, saltSize}, {size - saltSize, size - saltSize - SectorSize}} {
		salt, err := readSome(r, size, at.salt, saltSize)
		if err != nil {
			return nil, err
		}
		b, err := readSome(r, size, at.head, SectorSize)
		if err != nil {
			return nil, err
		}
		if len(salt) < saltSize || len(b) < SectorSize {
			continue
		}
		s := newSealer(key.keys([saltSize]byte(salt)))
		if info, ok := s.open(b); !ok || info.Window != 0 || info.Data != 1 {
			continue
		}
		s.crypt(b[:sectorBody], 0, 0)
		h, err := DecodePartHead(b[:partSize])
		if err != nil {
			return nil, err
		}
		k := key.keys(h.Salt)
		return &Part{PartHead: *h, f: &File{r: r, size: size, k: k, pool: newPool(k), pos: saltSize + SectorSize, prefix: 1}}, nil
	}
	return nil, ErrNotForUs
}

// window returns the good bodies of window n of the part, empty where there are none.
func (p *Part) window(n uint32, rows int) ([][]byte, error) {
	out := make([][]byte, rows)
	w, err := p.f.window(n)
	if err != nil {
		return nil, err
	}
	if w != nil && w.data == rows {
		p.f.decrypt(w)
		copy(out, w.shards)
	}
	for _, b := range out {
		if len(b) == 0 {
			p.Lost++
		}
	}
	return out, nil
}

// ErrParts says that too few parts of one whole are there.
var ErrParts = fmt.Errorf("not enough parts of one file: %w", wire.ErrNotFound)
