package hns

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	// MaxReorg is how deep a branch may begin and still replace ours.
	MaxReorg = 144
	// Keep is how many headers of the best branch a Chain holds and writes: what a branch at MaxReorg needs to be checked.
	Keep = 320
	// confirmed is how many blocks stand on a root before it is used.
	confirmed = 12
	// overlap is how many blocks of ours a peer sends again.
	overlap = 12
	maxSide = 2 * maxHeaders
)

// Findings that are no proof of a lie; every other error of Add is one, and wraps wire.ErrInvalid.
var (
	ErrOrphan = errors.New("the header follows a block that is not known")
	ErrDeep   = fmt.Errorf("the branch begins more than %d blocks below the tip, or below the checkpoint", MaxReorg)
	ErrFuture = errors.New("the header is from the future, or the clock is wrong")
	ErrForks  = errors.New("too many branches are held")
)

// Chain is a tree of checked headers above a checkpoint. It is not safe for concurrent use.
type Chain struct {
	net       *Network
	known     map[Hash]*entry
	tip, base *entry
	anchor    Hash   // the newest block that the program ships
	floor     uint32 // its height: no branch begins below
}

// entry is a checked header. prev is nil at the lowest that is held.
type entry struct {
	*Header
	time   uint64
	hash   Hash
	height uint32
	work   *big.Int // of the chain up to here
	prev   *entry
}

// NewChain returns a chain that holds the network's checkpoint, or its first block.
func NewChain(n *Network) (*Chain, error) {
	if n.Checkpoint != "" {
		b, err := built.ReadFile("data/" + n.Checkpoint)
		if err != nil {
			return nil, fmt.Errorf("handshake network %s: %w", n.Name, err)
		}
		return DecodeCheckpoint(n, b)
	}
	h, err := n.genesis()
	if err != nil {
		return nil, err
	}
	c := &Chain{net: n, known: map[Hash]*entry{}}
	c.put(&entry{Header: h, time: h.Time, hash: h.Hash(), work: work(target(n.Limit))})
	c.anchor, c.floor = c.tip.hash, c.tip.height
	return c, nil
}

func (c *Chain) put(e *entry) {
	c.known[e.hash] = e
	if c.base == nil {
		c.base = e
	}
	if c.tip == nil || e.work.Cmp(c.tip.work) > 0 {
		c.tip = e
	}
}

// Add checks one header against all rules and keeps it. Whether the header was news is told; one that is known is no error.
// The cheapest check comes first, and nothing changes before the last.
func (c *Chain) Add(h *Header, now time.Time) (fresh bool, err error) {
	prev := c.known[h.Prev]
	switch {
	case prev == nil:
		if c.known[h.Hash()] != nil {
			return false, nil
		}
		return false, ErrOrphan
	case prev.height+MaxReorg < c.tip.height, prev.height < c.floor:
		if c.known[h.Hash()] != nil {
			return false, nil
		}
		return false, ErrDeep
	}
	if h.Time > uint64(max(now.Unix(), 0))+future {
		return false, ErrFuture
	}
	e, err := c.check(h, prev)
	if err != nil || c.known[e.hash] != nil {
		return false, err
	}
	if prev != c.tip && c.side() >= maxSide {
		return false, ErrForks
	}
	c.put(e)
	return true, nil
}

// check applies the rules that need no clock.
func (c *Chain) check(h *Header, prev *entry) (*entry, error) {
	height := prev.height + 1
	if bits, ok := c.net.next(prev, h.Time); ok && h.Bits != bits {
		return nil, wire.Invalid("header %d has target %#x, not %#x", height, h.Bits, bits)
	}
	if after := median(prev); after > 0 && h.Time <= after {
		return nil, wire.Invalid("header %d is not later than the median of those before it", height)
	}
	t := target(h.Bits)
	if t == nil || t.Cmp(target(c.net.Limit)) > 0 {
		return nil, wire.Invalid("header %d has target %#x, which is none", height, h.Bits)
	}
	hash := h.Hash()
	if new(big.Int).SetBytes(hash[:]).Cmp(t) > 0 {
		return nil, wire.Invalid("header %d has not the work it claims", height)
	}
	if pin, ok := c.net.Pins[height]; ok && pin != hash {
		return nil, wire.Invalid("header %d is not the block that everybody has there", height)
	}
	return &entry{Header: h, time: h.Time, hash: hash, height: height, prev: prev, work: new(big.Int).Add(prev.work, work(t))}, nil
}

// side counts what is held beside the best branch.
func (c *Chain) side() int { return len(c.known) - int(c.tip.height-c.base.height) - 1 }

// Trim forgets what lies more than Keep blocks deep, and the branches that began there.
func (c *Chain) Trim() {
	if c.tip.height-c.base.height < Keep {
		return
	}
	c.base = c.tip.back(Keep - 1)
	c.base.prev = nil
	all := make([]*entry, 0, len(c.known))
	for _, e := range c.known {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int { return int(a.height) - int(b.height) })
	for _, e := range all {
		if e == c.base || e.height > c.base.height && c.known[e.Prev] != nil {
			continue
		}
		e.prev = nil
		delete(c.known, e.hash)
	}
}

// Tip is the end of the branch with the most work.
func (c *Chain) Tip() Block { return c.tip.block() }

// Work is the work of that branch from the first block on, in hashes.
func (c *Chain) Work() *big.Int { return new(big.Int).Set(c.tip.work) }

// Anchor is the newest block that the program ships. A peer whose branch leaves ours below what is held answers from here.
func (c *Chain) Anchor() Hash { return c.anchor }

func (e *entry) block() Block { return Block{e.height, e.hash, e.Tree, e.time} }

// Locator names blocks of ours, the newest first and ever wider apart, so that a peer finds the last that it has too. It begins
// some blocks below the tip: to a locator that names a peer's own tip hsd gives no answer at all.
func (c *Chain) Locator() []Hash {
	var out []Hash
	step := 1
	for e := c.tip.back(min(overlap, int(c.tip.height-c.base.height))); e != nil; e = e.back(step) {
		out = append(out, e.hash)
		if len(out) > 8 {
			step *= 2
		}
	}
	if out[len(out)-1] != c.base.hash {
		out = append(out, c.base.hash)
	}
	if out[len(out)-1] != c.anchor {
		out = append(out, c.anchor)
	}
	return out
}

// Safe is the block whose tree root is used: the root of the last interval if twelve blocks stand on it, else the one before.
// ok is false on a chain too short to have one.
func (c *Chain) Safe() (b Block, ok bool) {
	mod := c.tip.height % c.net.Interval
	if mod >= confirmed {
		mod = 0
	}
	e := c.tip.back(int(mod))
	if e == nil || e.height == 0 {
		return Block{}, false
	}
	return e.block(), true
}

// Find returns the lowest block of the best branch, as far as it is held, that has the tree root, and how many blocks stand on it.
func (c *Chain) Find(root Hash) (b Block, depth int, ok bool) {
	for e := c.tip; e != nil; e = e.prev {
		if e.Tree == root {
			b, ok = e.block(), true
		} else if ok {
			break
		}
	}
	return b, int(c.tip.height - b.Height), ok
}
