package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Forms of a file.
const (
	FormSealed  = "sealed"  // sectors, uniform bytes
	FormCompact = "compact" // one sealed chunk, no sectors
	FormOpen    = "open"    // readable by all
)

// MaxCompact is the largest compact file in bytes.
const MaxCompact = 40000

// Options say how to pack.
type Options struct {
	To       Recipients
	Form     string // "": compact when it fits, else sealed
	Unsigned bool   // only in open form
	Parity   int    // ten-thousandths of the data; 0 none
	Bucket   bool   // fill the file to 65,536 × 4^i bytes with parity
	Created  uint32 // hours since 1970
	NotAfter uint32 // hours since 1970; 0 never
	Hops     uint8
	Flags    uint8
	Secret   Key       // the exporter's bundle secret
	Rand     io.Reader // drawn from for card slots only
	Limit    int64     // most bytes of the file; 0 none
	Progress func(done int64)
}

// Packed says what was written.
type Packed struct {
	Body    BodyID
	Form    string
	Size    int64 // of the file
	Content int64 // bytes of the body
	Chunks  int
	Counts  []Count
	Courier Key // verifies, repairs and splits; zero in compact form
	Key     Key // the file key
	Head    Head
}

// packer writes one bundle.
type packer struct {
	o    Options
	s    *survey
	head Head
	key  *sig.Private
	out  Packed
}

// Pack writes the records of src. Without a card among the recipients the same input and options give
// the same bytes.
func Pack(w io.Writer, src Source, o Options) (*Packed, error) {
	p, err := newPacker(src, o)
	if err != nil {
		return nil, err
	}
	form, units, err := p.form()
	if err != nil {
		return nil, err
	}
	p.out.Form, p.out.Content, p.out.Chunks, p.out.Counts = form, p.s.size(&p.head), len(p.s.lengths), p.s.counts
	p.out.Head = p.head
	if form == FormCompact {
		err = p.compact(w, src, units)
	} else {
		err = p.sectors(w, src, form, units)
	}
	return &p.out, err
}

// newPacker surveys the source and derives head and signing key.
func newPacker(src Source, o Options) (*packer, error) {
	if o.Progress == nil {
		o.Progress = func(int64) {}
	}
	p := &packer{o: o}
	open := o.Form == FormOpen
	switch {
	case open && !o.To.empty():
		return nil, errors.New("the open form has no recipients: everybody reads it")
	case !open && o.To.empty():
		return nil, errors.New("nobody to seal to")
	case o.Unsigned && !open:
		return nil, errors.New("only the open form can be unsigned")
	}
	var err error
	if p.s, err = surveyOf(src, o.Progress); err != nil {
		return nil, err
	}
	if uint64(len(p.s.lengths)) > MaxChunks {
		return nil, fmt.Errorf("%d chunks: %w", len(p.s.lengths), ErrLimit)
	}
	who := o.To.digest()
	if !o.Unsigned {
		key := sig.FromSeed(mac(o.Secret[:], []byte(wire.LabelBundleKey), who[:]))
		p.key = &key
		p.head.Exporter = key.Public()
	}
	nonce := mac(o.Secret[:], []byte(wire.LabelBundleNonce), p.s.raw[:], p.settings())
	copy(p.head.Nonce[:], nonce[:])
	p.head.Created, p.head.NotAfter, p.head.Hops, p.head.Flags, p.head.Counts = o.Created, o.NotAfter, o.Hops, o.Flags, p.s.counts
	return p, nil
}

func (p *packer) settings() []byte {
	b := binary.BigEndian.AppendUint32(nil, p.o.Created)
	b = binary.BigEndian.AppendUint32(b, p.o.NotAfter)
	return append(b, p.o.Hops, p.o.Flags)
}

// form chooses the form and returns how many sectors, or units in compact form, the slots take.
func (p *packer) form() (string, int, error) {
	body := p.s.size(&p.head)
	units := len(p.o.To.Groups) + len(p.o.To.Passphrases) + cardUnits*len(p.o.To.Cards)
	size := compactSalt + int64(units)*unit + body + 16
	fits := len(p.s.lengths) == 1 && size <= MaxCompact
	switch {
	case p.o.Form == FormOpen:
		return FormOpen, 1, nil
	case p.o.Form == FormCompact && !fits:
		return "", 0, fmt.Errorf("%d bytes in compact form, at most %d: %w", size, MaxCompact, ErrLimit)
	case p.o.Form == FormCompact || p.o.Form == "" && fits:
		return FormCompact, units, nil
	}
	sectors, err := p.o.To.prefix()
	return FormSealed, sectors, err
}

// draw returns a file key and a salt for each copy of the slots. They follow from the stored bytes, so that equal bytes come out of
// equal input and one key stream never covers two texts; with a card, whose slot differs each time, they
// are random.
func (p *packer) draw(form string, shape ...int64) (f Key, salts [2][saltSize]byte, err error) {
	if len(p.o.To.Cards) > 0 {
		for _, b := range [][]byte{f[:], salts[front][:], salts[tail][:]} {
			if _, err = io.ReadFull(p.o.Rand, b); err != nil {
				return f, salts, err
			}
		}
		return f, salts, nil
	}
	who := p.o.To.digest()
	b := append(append(p.settings(), p.s.stored[:]...), who[:]...)
	b = append(append(b, byte(len(form))), form...)
	for _, v := range shape {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	for i := range salts {
		salts[i] = mac(p.o.Secret[:], []byte(wire.LabelBundleSalt), []byte{byte(i)}, b)
	}
	return mac(p.o.Secret[:], []byte(wire.LabelBundleFile), b), salts, nil
}

// body writes all chunks.
func (p *packer) body(w io.Writer, src Source) error {
	id := sha256.New()
	id.Write([]byte(wire.LabelBundleBody))
	done := int64(0)
	err := p.s.replay(src, func(j *job) {
		h := p.head
		if j.i > 0 {
			h.Counts = nil
		}
		j.out, j.sum = j.d.append(j.out[:0], &h, uint32(j.i), j.i == len(p.s.lengths)-1, p.key)
	}, func(j *job) error {
		id.Write(j.sum[:])
		done += int64(len(j.d.raw))
		p.o.Progress(done)
		_, err := w.Write(j.out)
		return err
	})
	id.Sum(p.out.Body[:0])
	return err
}

const compactSalt = 24

// compactKeys are key and nonce of a compact file.
func compactKeys(f Key, salt []byte) (key, nonce []byte) {
	prk := derive(f[:], salt, wire.LabelBundleCompact)
	out := envelope.Expand(prk[:], wire.LabelBundleCompact, chacha20poly1305.KeySize+chacha20poly1305.NonceSizeX)
	return out[:chacha20poly1305.KeySize], out[chacha20poly1305.KeySize:]
}

func (p *packer) compact(w io.Writer, src Source, units int) error {
	f, salts, err := p.draw(FormCompact)
	if err != nil {
		return err
	}
	salt := salts[front]
	slots, err := p.o.To.slots(salt[:compactSalt], f)
	if err != nil {
		return err
	}
	file := append(make([]byte, 0, MaxCompact), salt[:compactSalt]...)
	for _, s := range slots {
		file = append(file, s...)
	}
	var body sliceWriter
	if err := p.body(&body, src); err != nil {
		return err
	}
	key, nonce := compactKeys(f, salt[:compactSalt])
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return err
	}
	file = aead.Seal(file, nonce, body.b, salt[:compactSalt])
	p.out.Size, p.out.Key = int64(len(file)), f
	if p.o.Limit > 0 && p.out.Size > p.o.Limit {
		return fmt.Errorf("%d bytes, %d are allowed: %w", p.out.Size, p.o.Limit, ErrLimit)
	}
	_, err = w.Write(file)
	return err
}

type sliceWriter struct{ b []byte }

func (s *sliceWriter) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}
