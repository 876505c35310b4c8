package list

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"math"
	"math/bits"
	"strings"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Limits of a list.
const (
	MaxLeaves = 512
	MaxPeers  = 10_000
	MaxLife   = 90 * 86400 // seconds from issued to expires
	Life      = 14 * 86400 // seconds, what sign uses unless told
	MaxRoot   = 52 + 8*16 + 2 + maxExt + 1 + MaxSigners*65

	maxRow = 8
	maxExt = 256
)

const rootMagic = "PBL1"

// Extension types. Others are kept and mean nothing.
const (
	ExtMirror = 1 // another name at which the list stands
	ExtLink   = 2 // set tag 8 ‖ name of another list
)

// Ext is one extension of a root.
type Ext struct {
	Type  uint8
	Value []byte
}

// Root is the signed part of a list.
type Root struct {
	Network  Tag
	Set      Tag
	Seq      uint64 // 1 to 2^63-1
	Issued   uint64 // Unix seconds
	Expires  uint64 // at most 90 days after Issued
	Leaves   int
	Peers    int // in all leaves together
	Domestic bool
	Row      []Hash // the level of the tree with min(8, padded leaves) nodes
	Ext      []Ext  // types ascend
	Sigs     []Signature
}

// padded is the number of leaves of the full binary tree.
func padded(leaves int) int { return 1 << bits.Len(uint(leaves-1)) }

func rowLen(leaves int) int { return min(maxRow, padded(leaves)) }

// Body returns what is signed, without the label.
func (r *Root) Body() []byte {
	b := make([]byte, 0, 52+16*len(r.Row)+64)
	b = append(append(append(b, rootMagic...), r.Network[:]...), r.Set[:]...)
	for _, v := range []uint64{r.Seq, r.Issued, r.Expires} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(r.Leaves))
	b = binary.BigEndian.AppendUint32(b, uint32(r.Peers))
	flags := byte(0)
	if r.Domestic {
		flags = 1
	}
	b = append(b, flags, byte(len(r.Row)))
	for _, h := range r.Row {
		b = append(b, h[:]...)
	}
	ext := appendExt(nil, r.Ext)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(ext))), ext...)
}

func appendExt(b []byte, list []Ext) []byte {
	for _, e := range list {
		b = append(append(b, e.Type, byte(len(e.Value))), e.Value...)
	}
	return b
}

// Encode returns Body ‖ count of signatures u8 ‖ (index u8 ‖ signature 64) each.
func (r *Root) Encode() []byte { return appendSigs(r.Body(), r.Sigs) }

// Hash names the list: SHA-256 of Body, whoever of the set signed.
func (r *Root) Hash() [32]byte { return sha256.Sum256(r.Body()) }

// Label returns the DNS label below which the leaves stand: eight characters of base32hex over the hash.
func (r *Root) Label() string {
	h := r.Hash()
	return strings.ToLower(base32.HexEncoding.EncodeToString(h[:5]))
}

// Find returns the value of an extension, or nil.
func (r *Root) Find(typ uint8) []byte {
	for _, e := range r.Ext {
		if e.Type == typ {
			return e.Value
		}
	}
	return nil
}

// DecodeRoot is the inverse of Encode. It checks the form alone; Trust.Check checks what it says. A root with no signature
// is well formed: it is on its way from one holder to the next. Errors wrap wire.ErrInvalid.
func DecodeRoot(b []byte) (*Root, error) {
	if len(b) > MaxRoot {
		return nil, wire.Invalid("root of %d bytes, at most %d", len(b), MaxRoot)
	}
	d := wire.NewReader(b)
	magic(d, rootMagic, "list")
	r := &Root{Network: readTag(d), Set: readTag(d), Seq: d.Uint64(), Issued: d.Uint64(), Expires: d.Uint64(),
		Leaves: int(d.Uint16()), Peers: int(d.Uint32())}
	flags, row := d.Byte(), int(d.Byte())
	if d.Err() != nil {
		return nil, d.Err()
	}
	r.Domestic = flags == 1
	if err := r.check(flags, row); err != nil {
		return nil, err
	}
	for range row {
		var h Hash
		copy(h[:], d.Take(len(h)))
		r.Row = append(r.Row, h)
	}
	r.Ext = readExt(d)
	r.Sigs = readSigs(d)
	if err := d.End(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Root) check(flags byte, row int) error {
	switch {
	case r.Seq < 1 || r.Seq > math.MaxInt64:
		return wire.Invalid("sequence number %d", r.Seq)
	case r.Issued == 0 || r.Expires <= r.Issued || r.Expires-r.Issued > MaxLife:
		return wire.Invalid("a life from %d to %d; it is at most 90 days", r.Issued, r.Expires)
	case r.Leaves < 1 || r.Leaves > MaxLeaves || r.Peers < r.Leaves || r.Peers > min(MaxPeers, r.Leaves*maxEntries):
		return wire.Invalid("%d peers in %d leaves", r.Peers, r.Leaves)
	case flags > 1:
		return wire.Invalid("flags %#x", flags)
	case row != rowLen(r.Leaves):
		return wire.Invalid("row of %d for %d leaves", row, r.Leaves)
	}
	return nil
}

func readExt(d *wire.Reader) []Ext {
	n := int(d.Uint16())
	if n > maxExt {
		d.Fail(wire.Invalid("extensions of %d bytes, at most %d", n, maxExt))
	}
	b := d.Take(n)
	var out []Ext
	for e := wire.NewReader(b); e.Len() > 0 && d.Err() == nil; {
		x := Ext{Type: e.Byte()}
		x.Value = e.Take(int(e.Byte()))
		if e.Err() != nil {
			d.Fail(e.Err())
		} else if len(out) > 0 && out[len(out)-1].Type >= x.Type {
			d.Fail(wire.Invalid("extensions do not ascend"))
		}
		out = append(out, x)
	}
	return out
}

// SignWith adds the signature of one holder, in its place.
func (r *Root) SignWith(s *Set, key sig.Private) error {
	if s.Tag() != r.Set {
		return wire.Invalid("the list is for trust set %s, not %s", r.Set, s.Tag())
	}
	sigs, err := s.sign(wire.LabelList, r.Body(), r.Sigs, key)
	if err == nil {
		r.Sigs = sigs
	}
	return err
}
