package gossip

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/wire"
)

// TestPublic: what its readers judge good goes through all of them, who passes on what is bad loses its place, what is no
// news stops, and a node that sleeps leaves.
func TestPublic(t *testing.T) {
	inLab(t, func(l *lab) {
		var mu sync.Mutex
		got := map[string]int{}
		judge := func(_ PeerID, b []byte) Verdict {
			mu.Lock()
			defer mu.Unlock()
			got[string(b)]++
			switch {
			case bytes.HasPrefix(b, []byte("bad")):
				return Reject
			case bytes.HasPrefix(b, []byte("old")):
				return Ignore
			}
			return Accept
		}
		for range 6 {
			l.node("", func(n *Node) { n.Public = []Public{{Name: "light/1", Max: 64, Judge: judge}} })
		}
		outside := l.node("", nil)
		l.mix(4)
		l.pass(5 * time.Second)
		say := func(i int, s string) {
			if err := l.nodes[i].PublishPublic(l.t.Context(), "light/1", []byte(s)); err != nil {
				t.Errorf("%s: %v", s, err)
			}
			l.pass(5 * time.Second)
		}
		say(0, "good")
		say(1, "old news")
		for _, s := range []string{"bad 1", "bad 2", "bad 3"} {
			say(5, s)
		}
		if got["good"] != 5 {
			t.Errorf("judged by %d of 5", got["good"])
		}
		if got["old news"] == 0 || got["old news"] > 5 || got["bad 1"] == 0 {
			t.Errorf("judged %v", got)
		}
		liar, fined := PeerID(l.nodes[5].Host.ID()), 0
		for _, n := range l.nodes[:5] {
			n.mu.Lock()
			if s, ok := n.scores[liar]; ok && s.all < ScoreRules().Gossip { // neither gets nor gives in the mesh
				fined++
			}
			n.mu.Unlock()
		}
		if fined == 0 {
			t.Error("nobody fines who passes on what is bad")
		}
		if err := l.nodes[0].PublishPublic(l.t.Context(), "light/1", make([]byte, 65)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("too long: %v", err)
		}
		if err := outside.PublishPublic(l.t.Context(), "light/1", []byte("x")); !errors.Is(err, ErrPublic) {
			t.Errorf("outside: %v", err)
		}
		l.nodes[0].SetMode(Asleep(200 << 10))
		l.pass(time.Second)
		if err := l.nodes[0].PublishPublic(l.t.Context(), "light/1", []byte("x")); !errors.Is(err, ErrPublic) {
			t.Errorf("asleep: %v", err)
		}
	})
}
