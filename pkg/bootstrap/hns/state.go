package hns

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"

	"github.com/pars-network/pars/pkg/wire"
)

// MaxState is the largest state of a chain in bytes.
const MaxState = 4 + 4 + 36 + Keep*HeaderSize + sha256.Size

const stateMagic = "PHC1"

// Encode writes what is needed to go on: "PHC1" ‖ network magic u32 ‖ checkpoint of the last Keep headers of the best branch ‖
// SHA-256 of all before. Integers are big endian.
func (c *Chain) Encode() []byte {
	var list []*entry
	for e := c.tip; e != nil && len(list) < Keep; e = e.prev {
		list = append(list, e)
	}
	return c.encode(list[len(list)-1], list)
}

func (c *Chain) encode(first *entry, list []*entry) []byte {
	b := make([]byte, 0, MaxState)
	b = append(b, stateMagic...)
	b = binary.BigEndian.AppendUint32(b, c.net.Magic)
	b = binary.BigEndian.AppendUint32(b, first.height)
	var sum [32]byte
	b = append(b, first.work.FillBytes(sum[:])...)
	for i := len(list) - 1; i >= 0; i-- {
		b = list[i].Append(b)
	}
	sum = sha256.Sum256(b)
	return append(b, sum[:]...)
}

// DecodeState is the inverse of Encode. Every header is checked again by all rules that the headers below it allow to check.
// Errors wrap wire.ErrInvalid.
func DecodeState(n *Network, b []byte) (*Chain, error) {
	const head = len(stateMagic) + 4
	if len(b) > MaxState || len(b) < head+sha256.Size || string(b[:4]) != stateMagic {
		return nil, wire.Invalid("%d bytes that are no chain state", len(b))
	}
	if magic := binary.BigEndian.Uint32(b[4:]); magic != n.Magic {
		return nil, wire.Invalid("chain state is of network %#x, not of %s", magic, n.Name)
	}
	body := b[:len(b)-sha256.Size]
	if sha256.Sum256(body) != [32]byte(b[len(body):]) {
		return nil, wire.Invalid("chain state is damaged")
	}
	fresh, err := NewChain(n)
	if err != nil {
		return nil, err
	}
	c, err := DecodeCheckpoint(n, body[head:])
	switch {
	case err != nil:
		return nil, err
	case len(c.known) > Keep || c.tip.height < fresh.tip.height || c.tip.work.Cmp(fresh.tip.work) < 0:
		return nil, wire.Invalid("chain state is below the checkpoint of the program")
	case c.base.height == 0 && c.base.hash != n.ID():
		return nil, wire.Invalid("chain state begins with another first block")
	case c.base.height > 0 && n.Checkpoint == "" && len(c.known) < Keep, c.base.height > 0 && c.base.height < fresh.base.height:
		return nil, wire.Invalid("chain state of %d headers from %d on was cut", len(c.known), c.base.height)
	}
	c.anchor, c.floor = fresh.anchor, fresh.floor
	return c, nil
}

// DecodeCheckpoint reads height u32 ‖ work 32 of the chain up to the first header ‖ headers. The first is believed, and what
// follows is checked. Errors wrap wire.ErrInvalid.
func DecodeCheckpoint(n *Network, b []byte) (*Chain, error) {
	const head = 4 + 32
	count := (len(b) - head) / HeaderSize
	if count < 1 || count > maxHeaders || len(b) != head+count*HeaderSize {
		return nil, wire.Invalid("checkpoint of %d bytes", len(b))
	}
	c := &Chain{net: n, known: map[Hash]*entry{}}
	height := binary.BigEndian.Uint32(b)
	if height > 1<<31-1 {
		return nil, wire.Invalid("checkpoint at height %d", height)
	}
	first, err := DecodeHeader(b[head : head+HeaderSize])
	if err != nil {
		return nil, err
	}
	c.put(&entry{Header: first, time: first.Time, hash: first.Hash(), height: height, work: new(big.Int).SetBytes(b[4:head])})
	for i := 1; i < count; i++ {
		h, err := DecodeHeader(b[head+i*HeaderSize : head+(i+1)*HeaderSize])
		if err != nil {
			return nil, err
		}
		if h.Prev != c.tip.hash {
			return nil, wire.Invalid("header %d does not follow the one before", c.tip.height+1)
		}
		e, err := c.check(h, c.tip)
		if err != nil {
			return nil, err
		}
		c.put(e)
	}
	c.anchor, c.floor = c.tip.hash, c.tip.height
	return c, nil
}
