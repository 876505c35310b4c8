package cards

import (
	"time"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/wire"
)

// secrets are the private halves of one week.
type secrets struct {
	expires uint64
	identity.PrekeySecrets
}

// encodeSecrets writes [expires, X25519, seed of ML-KEM-768].
func encodeSecrets(expires uint64, k *identity.PrekeySecrets) []byte {
	b := wire.AppendUint(wire.AppendArray(nil, 3), expires)
	return wire.AppendBytes(wire.AppendBytes(b, k.Agree[:]), k.Decapsulate[:])
}

// decodeSecrets is the inverse of encodeSecrets.
func decodeSecrets(b []byte) (*secrets, error) {
	var k secrets
	d := wire.NewDecoder(b)
	if d.Array(3) != 3 {
		d.Fail(wire.Invalid("prekeys"))
	}
	k.expires = d.Uint(1<<63 - 1)
	d.Fixed(k.Agree[:])
	d.Fixed(k.Decapsulate[:])
	if err := d.End(); err != nil {
		return nil, err
	}
	return &k, nil
}

// codes are the numbers that were given out and still count.
type codes struct {
	newest uint32
	old    []ending // numbers ascending
}

type ending struct {
	number uint32
	ends   uint64 // Unix seconds
}

// maxOld bounds the old codes that still count.
const maxOld = 8

// encode writes [newest, [[number, ends]…]].
func (c *codes) encode() []byte {
	b := wire.AppendUint(wire.AppendArray(nil, 2), uint64(c.newest))
	b = wire.AppendArray(b, len(c.old))
	for _, o := range c.old {
		b = wire.AppendUint(wire.AppendUint(wire.AppendArray(b, 2), uint64(o.number)), o.ends)
	}
	return b
}

// decodeCodes is the inverse of encode.
func decodeCodes(b []byte) (*codes, error) {
	var c codes
	d := wire.NewDecoder(b)
	if d.Array(2) != 2 {
		d.Fail(wire.Invalid("codes"))
	}
	c.newest = uint32(d.Uint(1<<32 - 1))
	for n := d.Array(maxOld); n > 0 && d.Err() == nil; n-- {
		if d.Array(2) != 2 {
			d.Fail(wire.Invalid("code"))
		}
		o := ending{uint32(d.Uint(1<<32 - 1)), d.Uint(1<<63 - 1)}
		if o.number >= c.newest || len(c.old) > 0 && o.number <= c.old[len(c.old)-1].number {
			d.Fail(wire.Invalid("order of codes"))
		}
		c.old = append(c.old, o)
	}
	return &c, d.End()
}

// drop forgets the codes that ended.
func (c *codes) drop(now time.Time) {
	var left []ending
	for _, o := range c.old {
		if now.Unix() < int64(o.ends) {
			left = append(left, o)
		}
	}
	c.old = left
}
