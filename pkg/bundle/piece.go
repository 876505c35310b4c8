package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"sync"
	"sync/atomic"

	"github.com/pars-network/pars/pkg/wire"
)

// Piece is a part of a file.
type Piece struct {
	Object [32]byte // names the file, see Outline
	Total  uint64   // bytes of the file
	Number uint32   // it begins at Number × PieceSize
	Data   []byte   // PieceSize bytes; of the last piece the rest
	Sum    [32]byte // SHA-256(Data); not sent
}

// PieceSize is how much of a file one piece holds.
const PieceSize = 192 << 10

// PieceCount is how many pieces a file of size bytes has. An empty one has one.
func PieceCount(size uint64) uint32 {
	return uint32(max(1, (size+PieceSize-1)/PieceSize))
}

// pieceLen is how many bytes piece n of a file holds.
func pieceLen(size uint64, n uint32) int {
	return int(min(PieceSize, size-uint64(n)*PieceSize))
}

// Record returns the record of a piece.
func (p *Piece) Record() Record {
	return Record{Kind: KindPiece, Payload: append(p.append(make([]byte, 0, 52+len(p.Data))), p.Data...)}
}

// append appends all but the data.
func (p *Piece) append(b []byte) []byte {
	return wire.AppendUvarint(wire.AppendUvarint(append(b, p.Object[:]...), p.Total), uint64(p.Number))
}

// DecodePiece reads the payload of a piece; Data shares its memory. Sum is left zero.
func DecodePiece(b []byte) (*Piece, error) {
	var p Piece
	r := wire.NewReader(b)
	copy(p.Object[:], r.Take(32))
	p.Total = r.Uvarint(maxFile)
	p.Number = uint32(r.Uvarint(maxFile / PieceSize))
	p.Data = r.Take(r.Len())
	switch {
	case r.Err() != nil:
		return nil, refuse(BadCanonical, "piece: %v", r.Err())
	case p.Number >= PieceCount(p.Total) || len(p.Data) != pieceLen(p.Total, p.Number):
		return nil, refuse(BadSize, "piece %d of a file of %d bytes has %d", p.Number, p.Total, len(p.Data))
	}
	return &p, nil
}

// FileHash names a file: SHA-256("pars/file/v1" ‖ its size, u64 ‖ SHA-256 of each piece in order). One walk over the bytes
// gives that name and, as chunks are signed over the sums of pieces, everything else that hashes a bundle; and pieces are
// hashed on all cores.
type FileHash struct{ h hash.Hash }

// NewFileHash begins the name of a file of size bytes.
func NewFileHash(size uint64) FileHash {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64([]byte(wire.LabelFile), size))
	return FileHash{h}
}

// Add adds the sum of the next piece.
func (f FileHash) Add(sum [32]byte) { f.h.Write(sum[:]) }

// Name returns the name once all sums were added.
func (f FileHash) Name() (name [32]byte) {
	f.h.Sum(name[:0])
	return name
}

// Outline is what one walk over a file learns, so that the next reads only what it writes.
type Outline struct {
	Name [32]byte // FileHash
	Size int64

	sums  [][32]byte // of the pieces
	marks []uint64   // tell at the next reading that they are the same
	dense []bool     // those not to be compressed
	seed  maphash.Seed
}

// OutlineOf reads a file of size bytes, on all cores.
func OutlineOf(r io.ReaderAt, size int64) (*Outline, error) {
	if size < 0 || size > maxFile {
		return nil, fmt.Errorf("a file of %d bytes: %w", size, ErrLimit)
	}
	n := int(PieceCount(uint64(size)))
	o := &Outline{Size: size, sums: make([][32]byte, n), marks: make([]uint64, n), dense: make([]bool, n), seed: maphash.MakeSeed()}
	var wg sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, cores())
	for w := range errs {
		wg.Go(func() {
			errs[w] = o.walk(r, &next)
			if errs[w] != nil {
				next.Store(int64(n))
			}
		})
	}
	wg.Wait()
	h := NewFileHash(uint64(size))
	for _, s := range o.sums {
		h.Add(s)
	}
	o.Name = h.Name()
	return o, errors.Join(errs...)
}

// walk takes pieces that nobody took yet.
func (o *Outline) walk(r io.ReaderAt, next *atomic.Int64) error {
	var c codec
	b := make([]byte, PieceSize)
	for {
		i := next.Add(1) - 1
		if i >= int64(len(o.sums)) {
			return nil
		}
		data, err := o.read(r, int(i), b[:0])
		if err != nil {
			return err
		}
		o.sums[i], o.marks[i] = sha256.Sum256(data), maphash.Bytes(o.seed, data)
		if len(data) == PieceSize {
			if o.dense[i], err = c.dense(data); err != nil {
				return err
			}
		}
	}
}

// read appends the bytes of piece i to b.
func (o *Outline) read(r io.ReaderAt, i int, b []byte) ([]byte, error) {
	at := len(b)
	n := pieceLen(uint64(o.Size), uint32(i))
	b = append(b, make([]byte, n)...)
	got, err := r.ReadAt(b[at:], int64(i)*PieceSize)
	if got < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = errChanged
		}
		return nil, err
	}
	return b, nil
}

// Pieces yields a file as records. Whole pieces are read when they are written.
func (o *Outline) Pieces(r io.ReaderAt, yield func(Record) error) error {
	for i := range o.sums {
		rec := Record{Kind: KindPiece, late: &late{o, r, i}}
		if n := pieceLen(uint64(o.Size), uint32(i)); n < PieceSize {
			b, err := rec.late.load(make([]byte, 0, n+64))
			if err != nil {
				return err
			}
			rec = Record{Kind: KindPiece, Payload: b}
		}
		if err := yield(rec); err != nil {
			return err
		}
	}
	return nil
}

// late is a piece that is not read yet.
type late struct {
	o *Outline
	r io.ReaderAt
	i int
}

func (l *late) piece() Piece {
	return Piece{Object: l.o.Name, Total: uint64(l.o.Size), Number: uint32(l.i), Sum: l.o.sums[l.i]}
}

// size is the length of its payload.
func (l *late) size() int {
	p := l.piece()
	return len(p.append(nil)) + pieceLen(p.Total, p.Number)
}

// load appends its payload to b.
func (l *late) load(b []byte) ([]byte, error) {
	p := l.piece()
	b = p.append(b)
	at := len(b)
	b, err := l.o.read(l.r, l.i, b)
	if err == nil && maphash.Bytes(l.o.seed, b[at:]) != l.o.marks[l.i] {
		err = errChanged
	}
	return b, err
}

// HashFile returns the SHA-256 that names a file. It reads ahead while it hashes.
func HashFile(r io.Reader) (sum [32]byte, size int64, err error) {
	const step = 1 << 20
	h := sha256.New()
	free, full := make(chan []byte, 2), make(chan []byte)
	free <- make([]byte, step)
	free <- make([]byte, step)
	go func() {
		defer close(full)
		for b := range free {
			n, rerr := io.ReadFull(r, b[:step])
			if full <- b[:n]; rerr != nil {
				err = rerr
				return
			}
		}
	}()
	for b := range full {
		h.Write(b)
		size += int64(len(b))
		free <- b
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	h.Sum(sum[:0])
	return sum, size, err
}
