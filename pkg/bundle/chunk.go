package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// A chunk is version ‖ flags ‖ number ‖ raw length ‖ stored length ‖ head record ‖ records, which may be
// compressed ‖ signature.
const (
	chunkVersion = 1
	chunkFixed   = 14
	chunkOver    = chunkFixed + 64
	maxStored    = MaxChunk + 64

	flagZstd     = 1 << 0
	flagLast     = 1 << 1
	flagUnsigned = 1 << 2
)

// Chunk is a decoded chunk.
type Chunk struct {
	Head    *Head
	Number  uint32
	Last    bool
	Signed  bool
	Records []Record // without the head
	Sum     [32]byte // SHA-256(head ‖ sum of the records)
	Sig     sig.Signature
}

const tryBytes = 4 << 10

// codec compresses and signs chunks; it is made once for a bundle.
type codec struct {
	enc      *zstd.Encoder
	dec      *zstd.Decoder
	keys     *sig.Verifier // knows the exporter's key
	try, out []byte
}

func (c *codec) encoder() (*zstd.Encoder, error) {
	var err error
	if c.enc == nil {
		c.enc, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
			zstd.WithWindowSize(MaxChunk), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	}
	return c.enc, err
}

func (c *codec) decoder() (*zstd.Decoder, error) {
	var err error
	if c.dec == nil {
		c.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxChunk),
			zstd.WithDecoderMaxWindow(MaxChunk), zstd.WithDecoderLowmem(true))
	}
	return c.dec, err
}

// pack returns the stored form of raw records: compressed where that helps. What does not shrink at its beginning and
// in its middle is not tried whole.
func (c *codec) pack(raw []byte) (stored []byte, zipped bool, err error) {
	if dense, err := c.dense(raw); dense || err != nil {
		return raw, false, err
	}
	e, err := c.encoder()
	if err != nil {
		return nil, false, err
	}
	out := e.EncodeAll(raw, nil)
	if len(out) >= len(raw)-len(raw)/32 {
		return raw, false, nil
	}
	return out, true, nil
}

// dense reports whether b is long and shrinks neither at its beginning nor in its middle.
func (c *codec) dense(b []byte) (bool, error) {
	if len(b) <= 16*tryBytes {
		return false, nil
	}
	e, err := c.encoder()
	if err != nil {
		return false, err
	}
	c.try = append(append(c.try[:0], b[:tryBytes]...), b[len(b)/2:len(b)/2+tryBytes]...)
	c.out = e.EncodeAll(c.try, c.out[:0])
	return len(c.out) >= len(c.try)-len(c.try)/32, nil
}

func (c *codec) unpack(stored []byte, size int) ([]byte, error) {
	d, err := c.decoder()
	if err != nil {
		return nil, err
	}
	raw, err := d.DecodeAll(stored, make([]byte, 0, size))
	if err != nil || len(raw) != size {
		return nil, refuse(BadCanonical, "chunk does not unpack to %d bytes", size)
	}
	return raw, nil
}

// signed is what the exporter signs of a chunk.
func signed(nonce [16]byte, number uint32, last bool, sum [32]byte) []byte {
	b := binary.BigEndian.AppendUint32(nonce[:], number)
	if last {
		b = append(b, flagLast)
	} else {
		b = append(b, 0)
	}
	return append(b, sum[:]...)
}

// draft is a chunk to be written.
type draft struct {
	raw    []byte // records without the head
	stored []byte
	zipped bool
	sum    [32]byte // of the records
}

// append appends the whole chunk. A zero key leaves it unsigned.
func (d *draft) append(b []byte, h *Head, number uint32, last bool, key *sig.Private) ([]byte, [32]byte) {
	flags := byte(0)
	if d.zipped {
		flags |= flagZstd
	}
	if last {
		flags |= flagLast
	}
	if key == nil {
		flags |= flagUnsigned
	}
	head := h.record().Append(nil)
	b = binary.BigEndian.AppendUint32(append(b, chunkVersion, flags), number)
	b = binary.BigEndian.AppendUint32(b, uint32(len(head)+len(d.raw)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(head)+len(d.stored)))
	b = append(append(b, head...), d.stored...)
	sum := sumOf(head, d.sum)
	var s sig.Signature
	if key != nil {
		s = key.Sign(wire.LabelBundleChunk, signed(h.Nonce, number, last, sum))
	}
	return append(b, s[:]...), sum
}

// sumOf names a chunk: SHA-256(head ‖ sum of the records).
func sumOf(head []byte, records [32]byte) (sum [32]byte) {
	x := sha256.New()
	x.Write(head)
	x.Write(records[:])
	x.Sum(sum[:0])
	return sum
}

// chunkLen reads the fixed part of a chunk at the start of b and returns the length of the whole.
func chunkLen(b []byte) (int, error) {
	if len(b) < chunkFixed {
		return 0, refuse(BadCut, "%d bytes", len(b))
	}
	raw, stored := binary.BigEndian.Uint32(b[6:]), binary.BigEndian.Uint32(b[10:])
	switch {
	case b[0] != chunkVersion:
		return 0, refuse(BadVersion, "%d", b[0])
	case b[1]&^(flagZstd|flagLast|flagUnsigned) != 0:
		return 0, refuse(BadCanonical, "chunk flags %#x", b[1])
	case raw > MaxChunk || stored > raw+64 || stored < headRecord:
		return 0, refuse(BadSize, "chunk of %d bytes, stored in %d", raw, stored)
	case b[1]&flagZstd == 0 && raw != stored:
		return 0, refuse(BadCanonical, "%d bytes stored as %d", raw, stored)
	}
	return chunkOver + int(stored), nil
}

// DecodeChunk reads one chunk, all of b, and verifies its signature by the key in its head. Whether that
// key is the bundle's is for the caller to compare.
func DecodeChunk(b []byte) (*Chunk, error) { return (&codec{}).decode(b) }

func (c *codec) decode(b []byte) (*Chunk, error) {
	n, err := chunkLen(b)
	if err != nil {
		return nil, err
	}
	if n != len(b) {
		return nil, refuse(BadCut, "%d of %d bytes", len(b), n)
	}
	out := &Chunk{Number: binary.BigEndian.Uint32(b[2:]), Last: b[1]&flagLast != 0, Signed: b[1]&flagUnsigned == 0}
	raw, stored := int(binary.BigEndian.Uint32(b[6:])), b[chunkFixed:n-64]
	head, rest, err := cutHead(stored)
	if err != nil {
		return nil, err
	}
	if raw < len(head) {
		return nil, refuse(BadSize, "%d bytes with a head of %d", raw, len(head))
	}
	if b[1]&flagZstd != 0 {
		if rest, err = c.unpack(rest, raw-len(head)); err != nil {
			return nil, err
		}
	}
	if out.Records, err = DecodeRecords(rest); err != nil {
		return nil, err
	}
	if len(out.Records) > 0 && out.Records[0].Kind == KindHead {
		return nil, refuse(BadCanonical, "a second head")
	}
	if c.keys == nil {
		c.keys = sig.NewVerifier(1)
	}
	return out, out.verify(head, b[n-64:], c.keys)
}

// cutHead parts the head record from the rest.
func cutHead(b []byte) (head, rest []byte, err error) {
	r := wire.NewReader(b)
	kind := r.Byte()
	n := r.Uvarint(headFixed + 1 + maxCounts*17)
	r.Take(int(n))
	if r.Err() != nil || kind != byte(KindHead) {
		return nil, nil, refuse(BadCanonical, "chunk does not begin with its head")
	}
	return b[:r.Offset()], b[r.Offset():], nil
}

func (c *Chunk) verify(head, s []byte, keys *sig.Verifier) (err error) {
	r := wire.NewReader(head)
	r.Byte()
	r.Uvarint(1 << 20)
	if c.Head, err = DecodeHead(r.Take(r.Len())); err != nil {
		return err
	}
	if c.Number > 0 && len(c.Head.Counts) > 0 {
		return refuse(BadCanonical, "counts in chunk %d", c.Number)
	}
	c.Sum = sumOf(head, sumRecords(c.Records))
	copy(c.Sig[:], s)
	switch {
	case !c.Signed && c.Sig != sig.Signature{}:
		return refuse(BadCanonical, "signature of an unsigned chunk")
	case c.Signed && !keys.Verify(sig.Check{Pub: c.Head.Exporter, Label: wire.LabelBundleChunk, Msg: signed(c.Head.Nonce, c.Number, c.Last, c.Sum), Sig: c.Sig}):
		return refuse(BadSignature, "chunk %d", c.Number)
	}
	return nil
}

// BodyID names a body whatever compressed or sealed it: SHA-256 over its chunks' sums.
type BodyID [32]byte

// String returns the id in hex.
func (id BodyID) String() string { return fmt.Sprintf("%x", id[:]) }
