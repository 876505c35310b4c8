package bundle

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/reedsolomon"

	"github.com/pars-network/pars/pkg/wire"
)

// A part is salt[32] ‖ head sector ‖ sectors of rows ‖ head sector ‖ salt. Its sectors are those of the bundle's own
// format under keys of its own, so that parts look random and unlinked.

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
	return keysOf(derive(k[:], salt[:], wire.LabelBundleSplit), salt)
}

const (
	splitRows   = 64 // rows in a window of a part
	maxParts    = 255
	partVersion = 1
	partSize    = 1 + 16 + 3 + 8 + 32
)

// PartHead says which part of what a part is.
type PartHead struct {
	ID             [16]byte
	Need, N, Index uint8
	Total          int64 // bytes of the whole
	Sum            [32]byte
}

func (h *PartHead) append(b []byte) []byte {
	b = append(append(b, partVersion), h.ID[:]...)
	b = binary.BigEndian.AppendUint64(append(b, h.Need, h.N, h.Index), uint64(h.Total))
	return append(b, h.Sum[:]...)
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
		salt := mac(key.secret(), []byte(wire.LabelBundlePart), id[:], []byte{h.Index})
		if parts[i], err = newPartWriter(w, h, key.keys(salt)); err != nil {
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
	head []byte // the head's sector
	rows int64
	at   int64
	buf  [SectorSize]byte
}

func newPartWriter(w io.Writer, h PartHead, k *fileKeys) (*partWriter, error) {
	p := &partWriter{w: w, s: newSealer(k), rows: h.rows()}
	p.head = make([]byte, SectorSize)
	copy(p.head, h.append(nil))
	p.s.crypt(p.head[:sectorBody], 0, 0)
	p.s.finish(p.head, shape{data: 1, used: sectorBody, prefix: 1}.info(0, 0))
	_, err := w.Write(append(k.salt[:], p.head...))
	return p, err
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
	_, err := p.w.Write(append(append([]byte(nil), p.head...), p.s.k.salt[:]...))
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
	front, err := readSome(r, size, 0, saltSize)
	if err != nil {
		return nil, err
	}
	back, err := readSome(r, size, size-saltSize, saltSize)
	if err != nil {
		return nil, err
	}
	for _, salt := range [][]byte{front, back} {
		if len(salt) < saltSize {
			continue
		}
		k := key.keys([saltSize]byte(salt))
		f := &File{r: r, size: size, k: k, pool: newPool(k), pos: saltSize, prefix: 1}
		w, err := f.window(0)
		if err != nil {
			return nil, err
		}
		if w == nil || w.data != 1 || len(w.shards[0]) == 0 {
			continue
		}
		f.decrypt(w)
		h, err := DecodePartHead(w.shards[0][:partSize])
		if err != nil {
			return nil, err
		}
		f.pos = saltSize + SectorSize
		return &Part{PartHead: *h, f: f}, nil
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
