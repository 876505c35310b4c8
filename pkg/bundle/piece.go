package bundle

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Piece is a part of a file that is named by the SHA-256 of the whole.
type Piece struct {
	Object        [32]byte
	Total, Offset uint64
	Data          []byte
}

// PieceSize is how much of a file one piece holds.
const PieceSize = 192 << 10

// Record returns the record of a piece.
func (p *Piece) Record() Record {
	return Record{KindPiece, append(p.append(make([]byte, 0, 52+len(p.Data))), p.Data...)}
}

// append appends all but the data.
func (p *Piece) append(b []byte) []byte {
	return wire.AppendUvarint(wire.AppendUvarint(append(b, p.Object[:]...), p.Total), p.Offset)
}

// DecodePiece reads the payload of a piece; Data shares its memory.
func DecodePiece(b []byte) (*Piece, error) {
	var p Piece
	r := wire.NewReader(b)
	copy(p.Object[:], r.Take(32))
	p.Total, p.Offset = r.Uvarint(maxFile), r.Uvarint(maxFile)
	p.Data = r.Take(r.Len())
	switch {
	case r.Err() != nil:
		return nil, refuse(BadCanonical, "piece: %v", r.Err())
	case p.Offset+uint64(len(p.Data)) > p.Total, len(p.Data) == 0 && p.Total > 0:
		return nil, refuse(BadSize, "%d bytes at %d of %d", len(p.Data), p.Offset, p.Total)
	}
	return &p, nil
}

// Pieces yields a file of size bytes as records.
func Pieces(r io.ReaderAt, size int64, object [32]byte, yield func(Record) error) error {
	b := make([]byte, 0, 64+PieceSize)
	for off := int64(0); ; off += PieceSize {
		p := Piece{Object: object, Total: uint64(size), Offset: uint64(off)}
		head := p.append(b)
		n, err := r.ReadAt(head[len(head):len(head)+int(min(PieceSize, size-off))], off)
		if err != nil && !(errors.Is(err, io.EOF) && off+int64(n) == size) {
			return err
		}
		if err := yield(Record{KindPiece, head[:len(head)+n]}); err != nil {
			return err
		}
		if off+PieceSize >= size {
			return nil
		}
	}
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

// Spoken returns a hash as 60 digits in groups of five, to be compared by voice: 199 bits of it.
func Spoken(sum [32]byte) string {
	h := sha256.Sum256(append([]byte(wire.LabelRelease), sum[:]...))
	out := make([]byte, 0, 71)
	for i := range 12 {
		v := uint64(0)
		for j := range 8 {
			v = v<<8 | uint64(h[(5*i+j)%32])
		}
		if i > 0 {
			out = append(out, ' ')
		}
		out = fmt.Appendf(out, "%05d", v%100000)
	}
	return string(out)
}

// Release lists files by name and hash, as a program's maker or whoever packed them signs it. A receiver can check
// every file it names before it is offered to anybody.
type Release struct {
	Name, Version string
	Seq           uint64 // of two releases of a name the larger counts
	Files         []ReleaseFile
	Signatures    []ReleaseSig
}

// ReleaseFile is one file of a release.
type ReleaseFile struct {
	Name string // "linux-amd64/pars", a path without dots or empty parts
	Size uint64
	Sum  [32]byte
	Exec bool // may be run
}

// ReleaseSig is one signature over "pars/release/v1" ‖ all but the signatures.
type ReleaseSig struct {
	Key sig.Public
	Sig sig.Signature
}

// Limits of a release.
const (
	maxName         = 255
	maxReleaseFiles = 1024
	maxReleaseSigs  = 64
)

func (r *Release) body(pairs int) []byte {
	b := wire.AppendUint(append(wire.AppendMap(nil, pairs), 0), 1)
	b = wire.AppendText(append(b, 1), r.Name)
	b = wire.AppendText(append(b, 2), r.Version)
	b = wire.AppendUint(append(b, 3), r.Seq)
	b = wire.AppendArray(append(b, 4), len(r.Files))
	for _, f := range r.Files {
		b = wire.AppendUint(wire.AppendText(wire.AppendArray(b, 4), f.Name), f.Size)
		exec := uint64(0)
		if f.Exec {
			exec = 1
		}
		b = wire.AppendUint(wire.AppendBytes(b, f.Sum[:]), exec)
	}
	return b
}

// SignWith adds a signature.
func (r *Release) SignWith(key sig.Private) {
	r.Signatures = append(r.Signatures, ReleaseSig{key.Public(), key.Sign(wire.LabelRelease, r.body(5))})
}

// Signers returns the keys whose signatures hold.
func (r *Release) Signers() (out []sig.Public) {
	for _, s := range r.Signatures {
		if sig.Verify(s.Key, wire.LabelRelease, r.body(5), s.Sig) {
			out = append(out, s.Key)
		}
	}
	return out
}

// Record returns the record of a release.
func (r *Release) Record() Record {
	b := wire.AppendArray(append(r.body(6), 5), len(r.Signatures))
	for _, s := range r.Signatures {
		b = wire.AppendBytes(wire.AppendBytes(wire.AppendArray(b, 2), s.Key[:]), s.Sig[:])
	}
	return Record{KindRelease, b}
}

// DecodeRelease reads the payload of a release record.
func DecodeRelease(b []byte) (*Release, error) {
	var r Release
	d := wire.NewDecoder(b)
	next := uint64(0)
	for m := d.Map(6); m.Next(); next++ {
		if m.Key != next {
			m.Unknown()
			break
		}
		r.field(d, m.Key)
	}
	if err := d.End(); err != nil {
		return nil, refuse(BadCanonical, "release: %v", err)
	}
	if next != 6 {
		return nil, refuse(BadCanonical, "release of %d fields", next)
	}
	if !safeName(r.Name) {
		return nil, refuse(BadCanonical, "release name %q", r.Name)
	}
	for _, f := range r.Files {
		if !safeName(f.Name) {
			return nil, refuse(BadCanonical, "file name %q", f.Name)
		}
	}
	return &r, nil
}

func (r *Release) field(d *wire.Decoder, key uint64) {
	switch key {
	case 0:
		if v := d.Uint(1 << 16); v != 1 {
			d.Fail(wire.Invalid("release version %d", v))
		}
	case 1:
		r.Name = d.Text(maxName)
	case 2:
		r.Version = d.Text(maxName)
	case 3:
		r.Seq = d.Uint(1 << 62)
	case 4:
		for n := d.Array(maxReleaseFiles); n > 0 && d.Err() == nil; n-- {
			var f ReleaseFile
			if d.Array(4) != 4 {
				d.Fail(wire.Invalid("file of a release"))
			}
			f.Name, f.Size = d.Text(maxName), d.Uint(maxFile)
			d.Fixed(f.Sum[:])
			f.Exec = d.Uint(1) == 1
			r.Files = append(r.Files, f)
		}
	case 5:
		for n := d.Array(maxReleaseSigs); n > 0 && d.Err() == nil; n-- {
			var s ReleaseSig
			if d.Array(2) != 2 {
				d.Fail(wire.Invalid("signature of a release"))
			}
			d.Fixed(s.Key[:])
			d.Fixed(s.Sig[:])
			r.Signatures = append(r.Signatures, s)
		}
	}
}

// safeName reports whether a name stays below the folder it is written to, on every system.
func safeName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	part := 0
	for i, c := range name {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' && part > 0 && i+1 < len(name) && name[i+1] != '/'
		switch {
		case c == '/' && part > 0 && i+1 < len(name):
			part = 0
		case ok:
			part++
		default:
			return false
		}
	}
	return true
}
