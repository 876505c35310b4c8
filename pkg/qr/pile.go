package qr

import (
	"bytes"
	"slices"

	"github.com/pars-network/pars/pkg/fountain"
)

// code is how the symbols of one block or message hang together.
type code interface {
	// least is how many symbols are enough at best.
	least() int
	// solve returns the block, nil when the symbols do not give one, and whether they contradict each other.
	solve([]fountain.Symbol) ([]byte, bool)
	// maker returns how to make the symbols of a block.
	maker(block []byte) func(id uint32) []byte
}

// windows is into how many sightings the frames of a block are cut when one of them is forged.
const windows = 16

// patience is how many symbols more than the least may fail before they are taken for forged.
const patience = 8

// pile is what has arrived of one block, in the order it did.
type pile struct {
	symbols []fountain.Symbol
	seen    map[uint32]bool
	block   []byte // once it is whole
	suspect bool   // a hash was wrong, or the symbols contradict each other
	held    int    // bytes of symbols
	margin  int    // how many symbols more than the least have to agree with the block, once it is suspect
}

// maxMargin is when a block is believed, and the hash that it does not have is not.
const maxMargin = 16

// add keeps a symbol that is new, and tries.
func (p *pile) add(c code, s fountain.Symbol) bool {
	if p.block != nil || p.seen[s.ID] {
		return false
	}
	if p.seen == nil {
		p.seen = map[uint32]bool{}
	}
	p.seen[s.ID] = true
	p.symbols = append(p.symbols, fountain.Symbol{ID: s.ID, Data: bytes.Clone(s.Data)})
	p.held += sizeOf(s)
	p.try(c)
	return true
}

func (p *pile) try(c code) {
	n := len(p.symbols)
	if n < c.least() {
		return
	}
	if !p.suspect {
		block, contradicts := c.solve(p.symbols)
		p.block = block
		p.suspect = contradicts || block == nil && n >= c.least()+patience
	}
	if p.suspect && n > c.least() {
		p.margin = max(p.margin, 1)
		p.sift(c)
	}
}

// distrust takes the block back: its hash is wrong. Twice as many symbols have to agree with the next one, since
// forgeries can cancel out in some of them. It reports false when enough agree already.
func (p *pile) distrust(c code) bool {
	if p.margin >= maxMargin {
		return false
	}
	p.block, p.suspect, p.margin = nil, true, 2*p.margin
	p.try(c)
	return true
}

// sift looks for a block that all symbols agree with, then for one that all agree with but those of one window of
// sightings. When there is none the oldest window goes, and newer frames take its place: what stays is never
// less than fifteen of sixteen parts, and nobody starts again.
func (p *pile) sift(c code) {
	n, k := len(p.symbols), c.least()
	w := (n + windows - 1) / windows
	enough := n >= k+w+p.margin
	if !enough && n != k+p.margin && n != k+p.margin+3 { // each look is a solution
		return
	}
	if block := p.agreed(c, p.symbols); block != nil {
		p.block = block
		return
	}
	if !enough {
		return
	}
	for at := 0; at < n; at += w {
		rest := slices.Concat(p.symbols[:at], p.symbols[min(at+w, n):])
		if block := p.agreed(c, rest); block != nil {
			p.block, p.symbols = block, rest
			return
		}
	}
	for _, s := range p.symbols[:w] {
		delete(p.seen, s.ID)
		p.held -= sizeOf(s)
	}
	p.symbols = slices.Clone(p.symbols[w:])
}

// agreed returns the block of symbols when it makes each of them, and there are enough more than it needs.
func (p *pile) agreed(c code, symbols []fountain.Symbol) []byte {
	if len(symbols) < c.least()+p.margin {
		return nil
	}
	block, contradicts := c.solve(symbols)
	if block == nil || contradicts {
		return nil
	}
	symbol := c.maker(block)
	for _, s := range symbols {
		if !bytes.Equal(symbol(s.ID), s.Data) {
			return nil
		}
	}
	return block
}

// bytes is the memory that is held.
func (p *pile) bytes() int { return len(p.block) + p.held }

func sizeOf(s fountain.Symbol) int { return len(s.Data) + 64 }

// blockCode is the code of a block of bulk.
type blockCode struct {
	fountain.Code
	length, size int
}

func (c blockCode) least() int { return fountain.Count(c.length, c.size) }

func (c blockCode) solve(s []fountain.Symbol) ([]byte, bool) {
	out, err := c.Decode(c.length, c.size, s)
	return out, err != nil
}

func (c blockCode) maker(block []byte) func(uint32) []byte {
	e, err := c.NewEncoder(block, c.size)
	if err != nil {
		return func(uint32) []byte { return nil }
	}
	return e.Symbol
}

// partCode is the code of a message in UR parts.
type partCode struct{ part fountain.Part }

func (c partCode) least() int { return c.part.Count }

func (c partCode) solve(s []fountain.Symbol) ([]byte, bool) {
	j, err := fountain.NewJoiner(c.part)
	if err != nil {
		return nil, true
	}
	for _, x := range s {
		p := c.part
		p.Seq, p.Data = x.ID, x.Data
		if _, err := j.Add(p); err != nil {
			return nil, true
		}
	}
	msg, err := j.Message()
	return msg, err != nil
}

func (c partCode) maker(msg []byte) func(uint32) []byte {
	parts, err := fountain.NewParts(msg, len(c.part.Data))
	return func(seq uint32) []byte {
		if err != nil || seq == 0 || parts.Count() != c.part.Count {
			return nil
		}
		return parts.Part(seq).Data
	}
}
