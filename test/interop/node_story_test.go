//go:build interop

package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// cutFor is longer than the half minute and more in which a transport notices a dead connection.
const cutFor = 75 * time.Second

// cut is a way in which node 2 loses the others, and gets them back.
type cut struct {
	name       string
	begin, end func(*Net)
	lasts      time.Duration
}

func cuts() []cut {
	islands := cut{"islands", func(n *Net) { n.Split(2) }, func(n *Net) { n.Join() }, cutFor} // no carrier goes
	short := islands
	short.name, short.lasts = "short", 25*time.Second // the others still believe in their old connections
	return []cut{
		{"cable", func(n *Net) { n.Cut(2) }, func(n *Net) { n.Heal(2) }, cutFor},
		islands, short,
		{"packets", func(n *Net) { n.Drop(2, 100) }, func(n *Net) { n.Drop(2, 0) }, cutFor}, // it hears and is not heard
	}
}

// TestThirdStory: three nodes on a LAN know each other by multicast DNS alone and share a session. One is
// cut off for longer than any timeout, both sides write, the one cut off is killed while it writes and
// started again. Once healed all three hold the same, and all that any send acknowledged.
func TestThirdStory(t *testing.T) {
	for _, c := range cuts() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			thirdStory(t, c)
		})
	}
}

func thirdStory(t *testing.T, c cut) {
	net := NewNet(t, 3)
	homes := []Home{NewHome(t), NewHome(t), NewHome(t)}
	var nodes []*Node
	for i, h := range homes {
		nodes = append(nodes, net.Run(i, h))
	}
	roads(t, homes)
	s := share(t, homes)
	var acked ledger
	follow := live(t, homes, s, &acked)

	c.begin(net)
	end := time.Now().Add(c.lasts)
	if c.name == "cable" {
		t.Logf("the cut is noticed after %v", peersBecome(t, homes[2], 0, 10*time.Second))
	}
	for i := range 4 {
		for j, h := range homes {
			if err := acked.send(h, s, fmt.Sprintf("apart %d of %d", i, j)); err != nil {
				t.Error(err)
			}
		}
	}
	for _, h := range homes[:2] {
		if h.Has(s, "apart 3 of 2") {
			t.Error("the cut does not cut")
		}
	}
	follow[2].Kill()
	acked.killWhileWriting(nodes[2], s)
	nodes[2] = net.Run(2, homes[2])
	if err := acked.send(homes[2], s, "back, and still apart"); err != nil {
		t.Error(err)
	}
	until(t, c.lasts+time.Second, "the end of the cut", func() bool { return time.Now().After(end) })
	if err := acked.send(homes[0], s, "the last before the heal"); err != nil {
		t.Error(err)
	}
	c.end(net)
	if c.name == "cable" {
		t.Logf("all are back after %v", peersBecome(t, homes[2], 2, 5*time.Second))
	}
	took, line := equal(t, 60*time.Second, s, homes...)
	t.Logf("from the heal to equality: %v, %d acknowledged, %s", took.Round(10*time.Millisecond), acked.len(), line)
	acked.check(t, s, homes...)
	until(t, 5*time.Second, "followers that never ended have it all", func() bool {
		return follow[0].Says("apart 3 of 2\n", "back, and still apart") && follow[1].Says("apart 3 of 2\n", "back, and still apart")
	})
	for _, n := range nodes {
		n.Running.Stop()
	}
}

// peersBecome waits until a node has so many peers.
func peersBecome(t *testing.T, h Home, n int, limit time.Duration) time.Duration {
	t.Helper()
	return until(t, limit, fmt.Sprint(n, " peers"), func() bool {
		return strings.Contains(h.Run("pars-node", "status"), fmt.Sprintf("peers\t%d\n", n))
	}).Round(10 * time.Millisecond)
}

// roads waits until each of the nodes has all others as peers, known by multicast DNS.
func roads(t *testing.T, homes []Home) {
	t.Helper()
	took := until(t, 20*time.Second, "peers by multicast DNS", func() bool {
		for _, h := range homes {
			if strings.Count(h.Run("pars-node", "peers"), "\tmdns\t") != len(homes)-1 {
				return false
			}
		}
		return true
	})
	for _, h := range homes {
		status := h.Run("pars-node", "status")
		for _, want := range []string{"state\tS1\n", "online\ttrue\n", fmt.Sprintf("peers\t%d\n", len(homes)-1), fmt.Sprintf("roads\tmdns:%d", len(homes)-1)} {
			if !strings.Contains(status, want) {
				t.Errorf("status lacks %q:\n%s", want, status)
			}
		}
	}
	t.Logf("all found each other: %v", took.Round(10*time.Millisecond))
}

// share makes a session on the first home that the others join.
func share(t *testing.T, homes []Home) (s string) {
	t.Helper()
	invite := homes[0].Run("pars-node", "invite", "--title", "story")
	for i, h := range homes[1:] {
		s = h.Run("pars-node", "join", "--name", fmt.Sprint("node ", i+1), invite)
	}
	return s
}

// live lets each say something that all followers get.
func live(t *testing.T, homes []Home, s string, acked *ledger) (follow []*Running) {
	t.Helper()
	for _, h := range homes {
		follow = append(follow, h.Follow(s))
	}
	equal(t, 30*time.Second, s, homes...)
	for i, h := range homes {
		text := fmt.Sprint("live from ", i)
		if err := acked.send(h, s, text); err != nil {
			t.Fatal(err)
		}
		took := until(t, 10*time.Second, "live messages", func() bool {
			for _, f := range follow {
				if !f.Says(text) {
					return false
				}
			}
			return true
		})
		t.Logf("live from %d to all: %v", i, took.Round(time.Millisecond))
	}
	return follow
}
