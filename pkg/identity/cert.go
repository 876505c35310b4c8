package identity

import (
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Flags say what a device may do.
type Flags uint8

// Flags of a certificate.
const (
	// Grant lets the device certify siblings.
	Grant Flags = 1
	// ViewOnly keeps the device from signing vertices.
	ViewOnly Flags = 2

	allFlags = Grant | ViewOnly
)

// MaxCertLife is the longest life of a certificate in seconds: 400 days.
const MaxCertLife = 400 * 86400

// MaxCert is the largest encoded certificate in bytes.
const MaxCert = 256

// Cert says that a device belongs to an account. It is about 210 bytes when encoded.
type Cert struct {
	// Suite names the algorithms.
	Suite byte
	// Account is the account's id.
	Account [32]byte
	// Sign is the device's Ed25519 key DS.
	Sign sig.Public
	// Agree is the device's X25519 key ID.
	Agree [32]byte
	// Flags say what the device may do.
	Flags Flags
	// Made and Expires are in Unix seconds.
	Made, Expires uint64
	// Signer is the device that signed, or zero when the account key did.
	Signer DeviceID
	// Sig covers "pars/cert/v1" ‖ the canonical map of fields 0 to 8.
	Sig sig.Signature
}

// Device returns the id of the device that the certificate is about.
func (c *Cert) Device() DeviceID { return NewDeviceID(c.Account, c.Sign, c.Agree) }

// SignWith sets Sig: key is the account key, or the DS of the device named by Signer.
func (c *Cert) SignWith(key sig.Private) { c.Sig = key.Sign(wire.LabelCert, c.body(9)) }

// Certify sets the account, suite and signer of a certificate and signs it with the account key.
func (r *Root) Certify(c *Cert) {
	a := r.Public().Account()
	c.Suite, c.Account, c.Signer = a.Suite, a.ID, DeviceID{}
	c.SignWith(r.key)
}

// body writes fields 0 to 8 in a map announced as n pairs long.
func (c *Cert) body(n int) []byte {
	b := wire.AppendMap(make([]byte, 0, MaxCert), n)
	b = wire.AppendUint(wire.AppendUint(b, 0), 1)
	b = wire.AppendUint(wire.AppendUint(b, 1), uint64(c.Suite))
	b = wire.AppendBytes(wire.AppendUint(b, 2), c.Account[:])
	b = wire.AppendBytes(wire.AppendUint(b, 3), c.Sign[:])
	b = wire.AppendBytes(wire.AppendUint(b, 4), c.Agree[:])
	b = wire.AppendUint(wire.AppendUint(b, 5), uint64(c.Flags))
	b = wire.AppendUint(wire.AppendUint(b, 6), c.Made)
	b = wire.AppendUint(wire.AppendUint(b, 7), c.Expires)
	signer := c.Signer[:]
	if c.Signer == (DeviceID{}) {
		signer = nil
	}
	return wire.AppendBytes(wire.AppendUint(b, 8), signer)
}

// Encode returns cbor{0 ver=1, 1 suite, 2 id32, 3 DS, 4 ID, 5 flags, 6 made, 7 expires, 8 signer
// (empty = account key), 9 sig}.
func (c *Cert) Encode() []byte {
	return wire.AppendBytes(wire.AppendUint(c.body(10), 9), c.Sig[:])
}

// DecodeCert is the inverse of Encode. It checks the form alone; Verify checks what it says. Errors
// wrap wire.ErrInvalid.
func DecodeCert(b []byte) (*Cert, error) {
	if len(b) > MaxCert {
		return nil, wire.Invalid("certificate of %d bytes, at most %d", len(b), MaxCert)
	}
	var c Cert
	d := wire.NewDecoder(b)
	want := uint64(0)
	for m := d.Map(10); m.Next(); want++ {
		if m.Key != want {
			m.Unknown()
		}
		c.decodeField(d, m.Key)
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	if want != 10 {
		return nil, wire.Invalid("certificate of %d fields, 10 expected", want)
	}
	return &c, nil
}

func (c *Cert) decodeField(d *wire.Decoder, key uint64) {
	switch key {
	case 0:
		if v := d.Uint(1<<16 - 1); v != 1 {
			d.Fail(wire.Invalid("certificate version %d is unknown", v))
		}
	case 1:
		if c.Suite = byte(d.Uint(255)); c.Suite != Suite1 {
			d.Fail(wire.Invalid("unknown suite %d", c.Suite))
		}
	case 2:
		d.Fixed(c.Account[:])
	case 3:
		d.Fixed(c.Sign[:])
	case 4:
		d.Fixed(c.Agree[:])
	case 5:
		c.Flags = Flags(d.Uint(uint64(allFlags)))
	case 6:
		c.Made = d.Uint(1<<63 - 1)
	case 7:
		c.Expires = d.Uint(1<<63 - 1)
	case 8:
		c.decodeSigner(d)
	case 9:
		d.Fixed(c.Sig[:])
	}
}

func (c *Cert) decodeSigner(d *wire.Decoder) {
	switch s := d.Bytes(0, len(c.Signer)); {
	case len(s) == 0:
	case len(s) != len(c.Signer) || DeviceID(s) == DeviceID{}:
		d.Fail(wire.Invalid("signer is neither empty nor a device id"))
	default:
		c.Signer = DeviceID(s)
	}
}
