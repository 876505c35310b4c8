package identity

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// MaxPrekeys is the largest encoded Prekeys in bytes.
const MaxPrekeys = 1340

// PrekeyLife is how long prekeys may be used, in seconds: 14 days.
const PrekeyLife = 14 * 86400

// Prekeys are the keys with which a stranger starts a conversation with one device: X25519 and
// ML-KEM-768, made weekly. About 1,305 bytes when encoded.
type Prekeys struct {
	ID            uint32
	Agree         [32]byte // X25519
	Encapsulate   [mlkem.EncapsulationKeySize768]byte
	Made, Expires uint64 // Unix seconds
	// Sig is by the device over "pars/prekey/v1" ‖ device id ‖ fields 0 to 4.
	Sig sig.Signature
}

// PrekeySecrets are the private halves; they are erased 30 days after the expiry.
type PrekeySecrets struct {
	Agree       [32]byte
	Decapsulate [mlkem.SeedSize]byte
}

// NewPrekeys draws prekeys from rnd and signs them with the device's key.
func NewPrekeys(id uint32, made uint64, device DeviceID, key sig.Private, rnd io.Reader) (*Prekeys, *PrekeySecrets, error) {
	var s PrekeySecrets
	for _, b := range [][]byte{s.Agree[:], s.Decapsulate[:]} {
		if _, err := io.ReadFull(rnd, b); err != nil {
			return nil, nil, fmt.Errorf("read randomness: %w", err)
		}
	}
	agree, err := ecdh.X25519().NewPrivateKey(s.Agree[:])
	if err != nil {
		return nil, nil, err
	}
	kem, err := mlkem.NewDecapsulationKey768(s.Decapsulate[:])
	if err != nil {
		return nil, nil, err
	}
	p := &Prekeys{ID: id, Made: made, Expires: made + PrekeyLife}
	copy(p.Agree[:], agree.PublicKey().Bytes())
	copy(p.Encapsulate[:], kem.EncapsulationKey().Bytes())
	p.Sig = key.Sign(wire.LabelPrekey, append(device[:], p.body(5)...))
	return p, &s, nil
}

func (p *Prekeys) body(n int) []byte {
	b := wire.AppendMap(make([]byte, 0, MaxPrekeys), n)
	b = wire.AppendUint(append(b, 0), uint64(p.ID))
	b = wire.AppendBytes(append(b, 1), p.Agree[:])
	b = wire.AppendBytes(append(b, 2), p.Encapsulate[:])
	b = wire.AppendUint(append(b, 3), p.Made)
	return wire.AppendUint(append(b, 4), p.Expires)
}

// Encode returns cbor{0 id, 1 X25519, 2 ML-KEM-768, 3 made, 4 expires, 5 sig}.
func (p *Prekeys) Encode() []byte { return wire.AppendBytes(append(p.body(6), 5), p.Sig[:]) }

// DecodePrekeys is the inverse of Encode. It checks the form alone. Errors wrap wire.ErrInvalid.
func DecodePrekeys(b []byte) (*Prekeys, error) {
	if len(b) > MaxPrekeys {
		return nil, wire.Invalid("prekeys of %d bytes", len(b))
	}
	var p Prekeys
	d := wire.NewDecoder(b)
	want := uint64(0)
	for m := d.Map(6); m.Next(); want++ {
		switch {
		case m.Key != want:
			m.Unknown()
		case m.Key == 0:
			p.ID = uint32(d.Uint(1<<32 - 1))
		case m.Key == 1:
			d.Fixed(p.Agree[:])
		case m.Key == 2:
			d.Fixed(p.Encapsulate[:])
		case m.Key == 3:
			p.Made = d.Uint(1<<63 - 1)
		case m.Key == 4:
			p.Expires = d.Uint(1<<63 - 1)
		case m.Key == 5:
			d.Fixed(p.Sig[:])
		}
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	if want != 6 {
		return nil, wire.Invalid("prekeys of %d fields, 6 expected", want)
	}
	return &p, nil
}

// Verify checks that the prekeys are those of a device with the given signing key.
func (p *Prekeys) Verify(device DeviceID, key sig.Public) error {
	switch {
	case p.Expires <= p.Made || p.Expires-p.Made > PrekeyLife:
		return refuseCard("prekeys live more than 14 days or none")
	case !sig.Verify(key, wire.LabelPrekey, append(device[:], p.body(5)...), p.Sig):
		return refuseCard("prekeys are not signed by their device")
	}
	if _, err := mlkem.NewEncapsulationKey768(p.Encapsulate[:]); err != nil {
		return refuseCard("ML-KEM key is malformed")
	}
	return nil
}

// OneTime is a key for one conversation, on a card handed over in person and outside its signature.
type OneTime struct {
	Device DeviceID
	Prekey uint32
	Agree  [32]byte
	Sig    sig.Signature // by the device over "pars/prekey/once/v1" ‖ device ‖ u32 prekey ‖ key
}

func (o *OneTime) signed() []byte {
	b := binary.BigEndian.AppendUint32(append([]byte(nil), o.Device[:]...), o.Prekey)
	return append(b, o.Agree[:]...)
}

// SignWith sets Sig with the device's key.
func (o *OneTime) SignWith(key sig.Private) { o.Sig = key.Sign(wire.LabelPrekeyOnce, o.signed()) }

func (o *OneTime) append(b []byte) []byte {
	b = wire.AppendBytes(wire.AppendArray(b, 4), o.Device[:])
	b = wire.AppendBytes(wire.AppendUint(b, uint64(o.Prekey)), o.Agree[:])
	return wire.AppendBytes(b, o.Sig[:])
}

func decodeOneTime(d *wire.Decoder) *OneTime {
	var o OneTime
	if d.Array(4) != 4 {
		d.Fail(wire.Invalid("one-time key"))
		return nil
	}
	d.Fixed(o.Device[:])
	o.Prekey = uint32(d.Uint(1<<32 - 1))
	d.Fixed(o.Agree[:])
	d.Fixed(o.Sig[:])
	return &o
}
