//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// treeStatus is the part of a node's status that tells of trees.
type treeStatus struct {
	Tree struct {
		Sessions, Eager, Lazy int
		Pushed, Dups          int64
	}
}

// TestTreeOnLAN: nine nodes on a LAN share a session, so each entry spreads along a tree. Everybody has what one says
// within a second or so; two are killed, and the rest goes on.
func TestTreeOnLAN(t *testing.T) {
	const members = 9
	net := NewNet(t, members)
	var homes []Home
	var nodes []*Node
	for i := range members {
		homes = append(homes, NewHome(t))
		nodes = append(nodes, net.Run(i, homes[i]))
	}
	s := share(t, homes)
	equal(t, 60*time.Second, s, homes...)
	look := func(h Home) (st treeStatus) {
		if err := json.Unmarshal([]byte(h.Run("pars-node", "status", "--json")), &st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	until(t, 30*time.Second, "neighbours in the tree", func() bool {
		return !slices.ContainsFunc(homes, func(h Home) bool { x := look(h).Tree; return x.Sessions != 1 || x.Eager+x.Lazy < 2 })
	})
	var slowest time.Duration
	for i, h := range homes {
		text := fmt.Sprintf("said by %d %x", i, rand.Uint64())
		h.Run("pars-node", "send", s, text)
		took := until(t, 10*time.Second, "all hear "+text, func() bool {
			return !slices.ContainsFunc(homes, func(h Home) bool { return !h.Has(s, text) })
		})
		slowest = max(slowest, took)
	}
	var pushed, dups int64
	for _, h := range homes {
		x := look(h).Tree
		pushed, dups = pushed+x.Pushed, dups+x.Dups
	}
	t.Logf("all of %d hear a text within %v, looking at each included; %d entries pushed, %d twice", members, slowest.Round(10*time.Millisecond), pushed, dups)
	if pushed == 0 {
		t.Error("nothing went along the tree")
	}
	nodes[3].Kill()
	nodes[6].Kill()
	rest := slices.Delete(slices.Clone(homes), 6, 7)
	rest = slices.Delete(rest, 3, 4)
	rest[0].Run("pars-node", "send", s, "two are gone")
	took, line := equal(t, 60*time.Second, s, rest...)
	t.Logf("the rest is level after %v: %s", took.Round(10*time.Millisecond), strings.TrimSpace(line))
}
