//go:build interop

package interop

import (
	"fmt"
	"testing"
	"time"
)

// TestStrangers: five nodes on two LANs with a router between are told one address, a seeder's. The invite names no
// address either, so that members find each other by the hash table alone. The LANs part for longer than any timeout,
// both sides write, and after the heal all hold the same. Then the seeder goes for good, and one that was off for the
// whole time comes back.
func TestStrangers(t *testing.T) {
	t.Parallel()
	net := NewLANs(t, 4, 2) // 0: seeder, 1-3 beside it, 4 and 5 behind the router
	seed := net.Seed(0, NewHome(t))
	homes := []Home{NewHome(t), NewHome(t), NewHome(t), NewHome(t), NewHome(t)}
	invite := homes[0].Run("pars-node", "invite", "--title", "story") // no node runs yet: no address in it
	var s string
	for i, h := range homes[1:] {
		s = h.Run("pars-node", "join", "--name", fmt.Sprint("node ", i+1), invite)
	}
	flags := []string{"--no-mdns", "--peer", seed.Addr()}
	var nodes []*Node
	for i, h := range homes {
		nodes = append(nodes, net.Run(i+1, h, flags...))
	}
	took, _ := equal(t, 60*time.Second, s, homes...)
	t.Logf("five strangers hold one log after %v", took.Round(100*time.Millisecond))
	var acked ledger
	live(t, homes, s, &acked)

	nodes[2].Running.Stop() // off for the whole time
	on := []Home{homes[0], homes[1], homes[3], homes[4]}
	net.Part()
	end := time.Now().Add(cutFor)
	for i := range 4 {
		for j, h := range on {
			if err := acked.send(h, s, fmt.Sprintf("apart %d of %d", i, j)); err != nil {
				t.Error(err)
			}
		}
	}
	until(t, cutFor+time.Second, "the end of the cut", func() bool { return time.Now().After(end) })
	if homes[0].Has(s, "apart 3 of 3") {
		t.Error("the cut does not cut")
	}
	net.Whole()
	took, line := equal(t, 60*time.Second, s, on...)
	t.Logf("from the heal to equality: %v, %d acknowledged, %s", took.Round(10*time.Millisecond), acked.len(), line)

	seed.Kill()
	nodes[2] = net.Run(3, homes[2], flags...)
	took, _ = equal(t, 60*time.Second, s, homes...)
	t.Logf("the one that was off holds all after %v", took.Round(10*time.Millisecond))
	acked.check(t, s, homes...)
	for _, n := range nodes {
		n.Running.Stop()
	}
}
