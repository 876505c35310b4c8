package identity

import (
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Limits of a full card.
const (
	MaxCard     = 16 << 10
	MaxDevices  = 8
	MaxRoads    = 8
	MaxRoad     = 128
	MaxCardName = 64
	CardLife    = 14 * 86400 // seconds
	maxLogHeads = 16
)

// Card is how to reach and verify a person: devices with their keys, and roads. It is refreshed weekly
// and rides in every bundle and session. About 2 kB with one device.
type Card struct {
	Root     RootPublic
	LogSeq   uint64
	LogHeads [][32]byte
	Devices  []CardDevice // 1 to 8
	Roads    [][]byte     // binary multiaddrs and their parameters
	Inbox    [32]byte     // key of first-contact mail
	Seq      uint64       // of two cards the larger counts
	Issued   uint64       // Unix seconds
	Expires  uint64       // at most 14 days after Issued
	Signer   DeviceID     // a listed device that is not view-only
	Name     string       // optional, claimed
	Sig      sig.Signature
	Once     *OneTime // taken off before the card is stored, compared or passed on
}

// CardDevice is one device of a card.
type CardDevice struct {
	Cert    *Cert
	Prekeys *Prekeys
}

func (c *Card) body(pairs int) []byte {
	b := wire.AppendMap(make([]byte, 0, 2048*max(1, len(c.Devices))), pairs)
	b = wire.AppendUint(append(b, 0, 1, 1), uint64(c.Root.Suite))
	b = wire.AppendBytes(append(b, 2), c.Root.Key[:])
	b = wire.AppendBytes(append(b, 3), c.Root.PQHash[:])
	b = wire.AppendUint(wire.AppendArray(append(b, 4), 2), c.LogSeq)
	b = wire.AppendArray(b, len(c.LogHeads))
	for i := range c.LogHeads {
		b = wire.AppendBytes(b, c.LogHeads[i][:])
	}
	b = wire.AppendArray(append(b, 5), len(c.Devices))
	for _, d := range c.Devices {
		b = wire.AppendBytes(wire.AppendBytes(wire.AppendArray(b, 2), d.Cert.Encode()), d.Prekeys.Encode())
	}
	b = wire.AppendArray(append(b, 6), len(c.Roads))
	for _, r := range c.Roads {
		b = wire.AppendBytes(b, r)
	}
	b = wire.AppendBytes(append(b, 7), c.Inbox[:])
	b = wire.AppendUint(append(b, 8), c.Seq)
	b = wire.AppendUint(append(b, 9), c.Issued)
	b = wire.AppendUint(append(b, 10), c.Expires)
	b = wire.AppendBytes(append(b, 11), c.Signer[:])
	if c.Name != "" {
		b = wire.AppendText(append(b, 12), c.Name)
	}
	return b
}

// pairs is how many fields stand up to the name.
func (c *Card) pairs() int {
	if c.Name != "" {
		return 13
	}
	return 12
}

// SignWith sets Signer and Sig with a listed device's key.
func (c *Card) SignWith(signer DeviceID, key sig.Private) {
	c.Signer = signer
	c.Sig = key.Sign(wire.LabelCard, c.body(c.pairs()))
}

// Encode returns the canonical bytes.
func (c *Card) Encode() []byte {
	n := c.pairs() + 1
	if c.Once != nil {
		n++
	}
	b := wire.AppendBytes(append(c.body(n), 13), c.Sig[:])
	if c.Once != nil {
		b = c.Once.append(append(b, 14))
	}
	return b
}

// DecodeCard is the inverse of Encode. It checks the form alone; Verify checks what it says. Errors
// wrap wire.ErrInvalid.
func DecodeCard(b []byte) (*Card, error) {
	if len(b) > MaxCard {
		return nil, wire.Invalid("card of %d bytes, at most %d", len(b), MaxCard)
	}
	var c Card
	d := wire.NewDecoder(b)
	seen := uint64(0)
	for m := d.Map(15); m.Next(); {
		if m.Key > 14 {
			m.Unknown()
			break
		}
		seen |= 1 << m.Key
		c.field(d, m.Key)
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	const needed = 1<<12 - 1 | 1<<13
	if seen&needed != needed || seen&(1<<12) != 0 && c.Name == "" {
		return nil, wire.Invalid("card with a field missing or empty")
	}
	return &c, nil
}

func (c *Card) field(d *wire.Decoder, key uint64) {
	switch key {
	case 0:
		if v := d.Uint(1<<16 - 1); v != 1 {
			d.Fail(wire.Invalid("card version %d is unknown", v))
		}
	case 1:
		if c.Root.Suite = byte(d.Uint(255)); c.Root.Suite != Suite1 {
			d.Fail(wire.Invalid("unknown suite %d", c.Root.Suite))
		}
	case 2:
		d.Fixed(c.Root.Key[:])
	case 3:
		d.Fixed(c.Root.PQHash[:])
	case 4:
		c.log(d)
	case 5:
		c.devices(d)
	case 6:
		for n := d.Array(MaxRoads); n > 0 && d.Err() == nil; n-- {
			c.Roads = append(c.Roads, d.Bytes(1, MaxRoad))
		}
	case 7:
		d.Fixed(c.Inbox[:])
	case 8:
		c.Seq = d.Uint(1<<63 - 1)
	case 9:
		c.Issued = d.Uint(1<<63 - 1)
	case 10:
		c.Expires = d.Uint(1<<63 - 1)
	case 11:
		d.Fixed(c.Signer[:])
	case 12:
		c.Name = d.Text(MaxCardName)
	case 13:
		d.Fixed(c.Sig[:])
	case 14:
		c.Once = decodeOneTime(d)
	}
}

func (c *Card) log(d *wire.Decoder) {
	if d.Array(2) != 2 {
		d.Fail(wire.Invalid("log of a card"))
		return
	}
	c.LogSeq = d.Uint(1<<63 - 1)
	for n := d.Array(maxLogHeads); n > 0 && d.Err() == nil; n-- {
		var h [32]byte
		d.Fixed(h[:])
		c.LogHeads = append(c.LogHeads, h)
	}
}

func (c *Card) devices(d *wire.Decoder) {
	for n := d.Array(MaxDevices); n > 0 && d.Err() == nil; n-- {
		if d.Array(2) != 2 {
			d.Fail(wire.Invalid("device of a card"))
			return
		}
		cert, err := DecodeCert(d.Bytes(1, MaxCert))
		if err == nil {
			var p *Prekeys
			if p, err = DecodePrekeys(d.Bytes(1, MaxPrekeys)); err == nil {
				c.Devices = append(c.Devices, CardDevice{cert, p})
			}
		}
		if err != nil {
			d.Fail(err)
		}
	}
}
