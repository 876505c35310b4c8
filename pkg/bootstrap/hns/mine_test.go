package hns

import (
	"math/big"
	"testing"
	"time"
)

// easy is a network whose blocks cost two hashes each.
func easy(t testing.TB) *Network {
	t.Helper()
	n, err := LoadNetwork("regtest")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// retargeting is as easy to begin with, but follows the rule of the main net.
func retargeting(t testing.TB) *Network {
	n := easy(t)
	n.NoRetarget, n.Reset = false, false
	return n
}

func newChain(t testing.TB, n *Network) *Chain {
	t.Helper()
	c, err := NewChain(n)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mine finds a header on prev, step seconds later. salt makes branches differ.
func mine(t testing.TB, n *Network, prev *entry, step uint64, tree Hash, salt byte) *Header {
	t.Helper()
	h := &Header{Time: prev.time + step, Prev: prev.hash, Tree: tree}
	h.ExtraNonce[0] = salt
	bits, ok := n.next(prev, h.Time)
	if !ok {
		t.Fatal("no target is known")
	}
	h.Bits = bits
	solve(h)
	return h
}

func solve(h *Header) {
	limit := target(h.Bits)
	for ; ; h.Nonce++ {
		hash := h.Hash()
		if new(big.Int).SetBytes(hash[:]).Cmp(limit) <= 0 {
			return
		}
	}
}

// grow mines count headers on the branch that ends at prev and adds them.
func grow(t testing.TB, c *Chain, prev *entry, count int, step uint64, salt byte) []*Header {
	t.Helper()
	var out []*Header
	for range count {
		tree := Hash{salt, byte((prev.height) / c.net.Interval), byte((prev.height) / c.net.Interval >> 8)}
		h := mine(t, c.net, prev, step, tree, salt)
		if _, err := c.Add(h, later); err != nil {
			t.Fatalf("header %d: %v", prev.height+1, err)
		}
		prev = c.known[h.Hash()]
		out = append(out, h)
	}
	return out
}

func at(sec uint64) time.Time { return time.Unix(int64(sec), 0) }

func bigOf(h Hash) *big.Int { return new(big.Int).SetBytes(h[:]) }
