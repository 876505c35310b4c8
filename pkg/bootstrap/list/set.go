package list

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// MaxSigners is the largest number of keys in a trust set.
const MaxSigners = 16

const setMagic = "PBT1"

// Tag is the first eight bytes of a netid, or of a trust set's SHA-256.
type Tag [8]byte

// String is the tag in hex.
func (t Tag) String() string { return hex.EncodeToString(t[:]) }

// NetworkTag returns the first eight bytes of a netid.
func NetworkTag(netid [32]byte) Tag { return Tag(netid[:8]) }

// Set is who may sign the lists of a network: K of Keys, which ascend. K is more than half of them.
type Set struct {
	Network Tag
	Epoch   uint32 // one more at each rotation
	K       int
	Keys    []sig.Public
}

// Encode returns "PBT1" ‖ network 8 ‖ epoch u32 ‖ k u8 ‖ n u8 ‖ keys.
func (s *Set) Encode() []byte {
	b := append([]byte(setMagic), s.Network[:]...)
	b = binary.BigEndian.AppendUint32(b, s.Epoch)
	b = append(b, byte(s.K), byte(len(s.Keys)))
	for _, k := range s.Keys {
		b = append(b, k[:]...)
	}
	return b
}

// Tag returns the first eight bytes of the SHA-256 of the set, by which a list names it.
func (s *Set) Tag() Tag {
	sum := sha256.Sum256(s.Encode())
	return Tag(sum[:8])
}

// Key returns the place of a key in the set, or -1.
func (s *Set) Key(pub sig.Public) int {
	for i, k := range s.Keys {
		if k == pub {
			return i
		}
	}
	return -1
}

// DecodeSet is the inverse of Encode. Errors wrap wire.ErrInvalid.
func DecodeSet(b []byte) (*Set, error) {
	r := wire.NewReader(b)
	s := readSet(r)
	if err := r.End(); err != nil {
		return nil, err
	}
	return s, nil
}

func readSet(r *wire.Reader) *Set {
	magic(r, setMagic, "trust set")
	s := &Set{Network: readTag(r), Epoch: r.Uint32(), K: int(r.Byte())}
	n := int(r.Byte())
	if r.Err() == nil && (n < 1 || n > MaxSigners || s.K < 1 || s.K > n || 2*s.K <= n) {
		r.Fail(wire.Invalid("trust set of %d of %d keys; it takes more than half, and at most %d", s.K, n, MaxSigners))
	}
	for i := 0; i < n && r.Err() == nil; i++ {
		k := sig.Public(fixed32(r))
		if i > 0 && bytes.Compare(s.Keys[i-1][:], k[:]) >= 0 {
			r.Fail(wire.Invalid("keys of a trust set do not ascend"))
		}
		if r.Err() == nil && !k.Canonical() {
			r.Fail(wire.Invalid("key %d of a trust set is no key", i))
		}
		s.Keys = append(s.Keys, k)
	}
	return s
}

func magic(r *wire.Reader, want, what string) {
	if got := r.Take(len(want)); r.Err() == nil && string(got) != want {
		r.Fail(wire.Invalid("this is no %s", what))
	}
}

func readTag(r *wire.Reader) (t Tag) {
	copy(t[:], r.Take(len(t)))
	return t
}

func fixed32(r *wire.Reader) (b [32]byte) {
	copy(b[:], r.Take(32))
	return b
}

// Signature is one holder's, by the place of the key in the set.
type Signature struct {
	Index uint8
	Sig   sig.Signature
}

func appendSigs(b []byte, sigs []Signature) []byte {
	b = append(b, byte(len(sigs)))
	for _, s := range sigs {
		b = append(append(b, s.Index), s.Sig[:]...)
	}
	return b
}

// readSigs wants the indices to ascend, so that one set of signatures has one form.
func readSigs(r *wire.Reader) []Signature {
	n := int(r.Byte())
	if n > MaxSigners {
		r.Fail(wire.Invalid("%d signatures, at most %d", n, MaxSigners))
	}
	var out []Signature
	for i := 0; i < n && r.Err() == nil; i++ {
		s := Signature{Index: r.Byte()}
		copy(s.Sig[:], r.Take(len(s.Sig)))
		if i > 0 && out[i-1].Index >= s.Index {
			r.Fail(wire.Invalid("signatures do not ascend"))
		}
		out = append(out, s)
	}
	return out
}

// verify wants at least k signatures, and every one that stands there to be good: a list has one form only.
func (s *Set) verify(label string, signed []byte, sigs []Signature) error {
	good := 0
	for _, x := range sigs {
		if int(x.Index) >= len(s.Keys) {
			return refuse(BadSignature, "signature by key %d of a set of %d", x.Index, len(s.Keys))
		}
		if !sig.Verify(s.Keys[x.Index], label, signed, x.Sig) {
			return refuse(BadSignature, "the signature of key %d is wrong", x.Index)
		}
		good++
	}
	if good < s.K {
		return refuse(BadSignature, "%d good signatures, %d are needed", good, s.K)
	}
	return nil
}

// sign adds or replaces the signature of key.
func (s *Set) sign(label string, signed []byte, sigs []Signature, key sig.Private) ([]Signature, error) {
	at := s.Key(key.Public())
	if at < 0 {
		return nil, wire.Invalid("this key is not in trust set %s", s.Tag())
	}
	out := make([]Signature, 0, len(sigs)+1)
	added := false
	fresh := Signature{Index: uint8(at), Sig: key.Sign(label, signed)}
	for _, x := range sigs {
		if x.Index >= fresh.Index && !added {
			out, added = append(out, fresh), true
		}
		if x.Index != fresh.Index {
			out = append(out, x)
		}
	}
	if !added {
		out = append(out, fresh)
	}
	return out, nil
}
