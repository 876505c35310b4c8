package list

import (
	"encoding/binary"
	"fmt"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const rotationMagic = "PBR1"

// MaxRotation is the largest rotation record in bytes.
const MaxRotation = 4 + 8 + 8 + 18 + 32*MaxSigners + 2*(1+65*MaxSigners)

// Rotation hands the signing of lists from one trust set to the next. It carries k signatures of the old set and k of the
// new one.
type Rotation struct {
	Old    Tag
	Issued uint64 // Unix seconds
	New    *Set   // of the epoch after the old one's
	ByOld  []Signature
	ByNew  []Signature
}

// Body returns what both sets sign, without the label.
func (r *Rotation) Body() []byte {
	b := append([]byte(rotationMagic), r.Old[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Issued)
	return append(b, r.New.Encode()...)
}

// Encode returns Body ‖ signatures of the old set ‖ signatures of the new one.
func (r *Rotation) Encode() []byte { return appendSigs(appendSigs(r.Body(), r.ByOld), r.ByNew) }

// DecodeRotation is the inverse of Encode. It checks the form alone. Errors wrap wire.ErrInvalid.
func DecodeRotation(b []byte) (*Rotation, error) {
	if len(b) > MaxRotation {
		return nil, wire.Invalid("rotation of %d bytes, at most %d", len(b), MaxRotation)
	}
	d := wire.NewReader(b)
	magic(d, rotationMagic, "rotation")
	r := &Rotation{Old: readTag(d), Issued: d.Uint64(), New: readSet(d)}
	r.ByOld, r.ByNew = readSigs(d), readSigs(d)
	if err := d.End(); err != nil {
		return nil, err
	}
	return r, nil
}

// Verify checks the record against the set it replaces.
func (r *Rotation) Verify(old *Set) error {
	switch {
	case old.Tag() != r.Old:
		return refuse(UnknownSet, "rotation of trust set %s, not %s", r.Old, old.Tag())
	case r.New.Network != old.Network:
		return refuse(OtherNetwork, "rotation to a set of network %s", r.New.Network)
	case r.New.Epoch != old.Epoch+1 || r.New.Epoch == 0:
		return refuse(UnknownSet, "rotation from epoch %d to %d", old.Epoch, r.New.Epoch)
	}
	if err := old.verify(wire.LabelListRotation, r.Body(), r.ByOld); err != nil {
		return fmt.Errorf("old set: %w", err)
	}
	if err := r.New.verify(wire.LabelListRotation, r.Body(), r.ByNew); err != nil {
		return fmt.Errorf("new set: %w", err)
	}
	return nil
}

// SignWith adds the signature of one holder, who may be of the old set, the new one, or both.
func (r *Rotation) SignWith(old *Set, key sig.Private) error {
	done := false
	if old.Key(key.Public()) >= 0 {
		sigs, err := old.sign(wire.LabelListRotation, r.Body(), r.ByOld, key)
		if err != nil {
			return err
		}
		r.ByOld, done = sigs, true
	}
	if r.New.Key(key.Public()) >= 0 {
		sigs, err := r.New.sign(wire.LabelListRotation, r.Body(), r.ByNew, key)
		if err != nil {
			return err
		}
		r.ByNew, done = sigs, true
	}
	if !done {
		return wire.Invalid("this key is in neither trust set")
	}
	return nil
}
