package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/session"
)

// narrowCable is a stream to b, whose side says what its line is like, cut once b was given so many bytes.
func narrowCable(t *testing.T, a, b *simNode, cfg reconcile.Config, cut int) (given int) {
	t.Helper()
	l := &cable{a: a, b: b, ma: a.machine(b), mb: b.machineOf(a, cfg)}
	l.to[1], _ = l.ma.Start()
	l.to[0], _ = l.mb.Start()
	for i := 0; i < 100_000; i++ {
		side := i % 2
		if len(l.to[side]) == 0 {
			side = 1 - side
		}
		if len(l.to[side]) == 0 {
			return given
		}
		if side == 1 {
			if given += len(l.to[1][0].Payload) + 2; given > cut {
				return given
			}
		}
		l.step(t, side)
	}
	t.Fatal("the stream does not come to rest")
	return 0
}

// readable returns the texts of a session that are here.
func readable(t *testing.T, s *session.Session) (out []string) {
	t.Helper()
	ms, err := s.Read(noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		if m.Why == "" {
			out = append(out, m.Text)
		}
	}
	return out
}

// mailbag gives a two sessions that b joined: one with b alone, one with c too, with texts b lacks.
func mailbag(t *testing.T, pair, many int) (a, b *simNode) {
	t.Helper()
	n := newSim(t, 21, 3)
	a, b, c := n[0], n[1], n[2]
	two, err := a.home.Create("two", noon)
	if err != nil {
		t.Fatal(err)
	}
	all, err := a.home.Create("all", noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range []struct {
		n *simNode
		s *session.Session
	}{{b, two}, {b, all}, {c, all}} {
		if _, err := j.n.home.Join(j.s.Invite(time.Time{}, nil), j.n.name, noon); err != nil {
			t.Fatal(err)
		}
	}
	connect(a, c).run(t)
	connect(a, b).run(t)
	for _, x := range []struct {
		s    *session.Session
		n    int
		size int
	}{{all, many, 300}, {two, pair, 400}} {
		for i := range x.n {
			if _, err := x.s.Send(fmt.Sprintf("%05d%s", i, strings.Repeat(".", x.size)), noon); err != nil {
				t.Fatal(err)
			}
		}
	}
	return a, b
}

// TestWindow: twenty seconds at 64 kbit/s carry all that is addressed to one, and then the newest of the rest.
func TestWindow(t *testing.T) {
	const pair, many, line = 120, 320, 160_000
	a, b := mailbag(t, pair, many)
	given := narrowCable(t, a, b, reconcile.Config{Window: 20}, line)
	if given < line {
		t.Fatalf("the line was cut after %d bytes: it was not full", given)
	}
	for _, s := range b.home.List() {
		got := readable(t, s)
		if s.Title() == "two" {
			if len(got) != pair {
				t.Errorf("%d of %d texts addressed to one arrived", len(got), pair)
			}
			continue
		}
		if len(got) < 20 || len(got) == many {
			t.Fatalf("%d of %d texts of the room", len(got), many)
		}
		oldest := fmt.Sprintf("%05d", many-len(got)-bandSteps)
		if slices.ContainsFunc(got, func(s string) bool { return s[:5] < oldest }) {
			t.Errorf("of the room not the newest came: %s first of %d", got[0][:5], len(got))
		}
		if n, _ := s.Log().Count(); n < many {
			t.Errorf("%d entries are known by name", n)
		}
	}
	connect(a, b).run(t) // a line without an end brings the rest
	for _, s := range b.home.List() {
		if got := len(readable(t, s)); got != pair && got != many {
			t.Errorf("%s: %d texts after a whole sync", s.Title(), got)
		}
	}
}

// TestBudget: a stream ends within the budget that either side names, says that something is left over, and the next
// one brings it.
func TestBudget(t *testing.T) {
	for _, window := range []uint64{0, 20} {
		a, b := mailbag(t, 50, 600)
		l := &cable{a: a, b: b, ma: a.machine(b), mb: b.machineOf(a, reconcile.Config{Budget: 40_000, Window: window})}
		l.to[1], _ = l.ma.Start()
		l.to[0], _ = l.mb.Start()
		if used := l.run(t); used > 44_000 || used < 30_000 {
			t.Errorf("window %d: %d bytes for a budget of 40,000", window, used)
		}
		for i, s := range a.home.List() {
			if _, level := l.ma.Standing(i); level && s.Title() == "all" {
				t.Error("level with something left over")
			}
		}
		connect(a, b).run(t)
		for i, s := range a.home.List() {
			if x, y := readable(t, s), readable(t, b.home.List()[i]); s.ID() == b.home.List()[i].ID() && !slices.Equal(x, y) {
				t.Errorf("window %d: %d and %d texts", window, len(x), len(y))
			}
		}
	}
}
