package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/resource"
)

// TestSleepCore: an hour of a metered node has at most four wake-ups, whatever happens, and none beside
// those a person asks for once the hour or the budget is used up.
func TestSleepCore(t *testing.T) {
	limits := resource.Mode{Metered: true}.Limits()
	for _, c := range []struct {
		name        string
		level, used bool
		most        int
		awake       time.Duration
	}{
		{"nobody in reach", false, false, 4, 4*time.Minute + 8*time.Second},
		{"level at once", true, false, 4, 20 * time.Second},
		{"the hour is used up", false, true, 0, 0},
	} {
		var s slept
		s.mode(limits, noon, 0)
		now, rises, up := noon.Add(limits.Awake), 0, time.Duration(0)
		for end := noon.Add(time.Hour + limits.Awake); now.Before(end); now = now.Add(time.Second) {
			rose, fell, wait := s.step(limits, now, c.level, c.used, 0)
			if rose {
				rises++
			}
			if s.awake(now) {
				up += time.Second
			}
			if rose == fell && fell || wait <= 0 {
				t.Fatalf("%s: rose %v fell %v wait %v", c.name, rose, fell, wait)
			}
		}
		if rises > c.most || c.most > 0 && rises == 0 || up > c.awake {
			t.Errorf("%s: %d wake-ups, %v awake", c.name, rises, up)
		}
	}
	var s slept
	if !s.awake(noon) {
		t.Error("a node whose mode asks for nothing sleeps")
	}
	s.mode(resource.Mode{Spent: true}.Limits(), noon, 0)
	s.persons++
	if s.step(resource.Mode{Spent: true}.Limits(), noon.Add(24*time.Hour), false, false, 0); s.awake(noon.Add(24 * time.Hour)) {
		t.Error("a reader alone makes a node with no budget awake")
	}
	if s.mode(resource.Mode{}.Limits(), noon, 0); !s.awake(noon) {
		t.Error("it does not wake when the mode ends")
	}
}

// TestSleepingNode: a metered node that is level closes its links and its door within seconds; what a
// person sends wakes it and arrives; what it costs is told.
func TestSleepingNode(t *testing.T) {
	dir, friend := tempHome(t), tempHome(t)
	fn := start(t, friend, nil)
	n := start(t, dir, func(n *Node) {
		n.Peers = []string{fn.Addrs()[0]}
		n.Budget = resource.Budget{Bytes: 1 << 30, Per: 24 * time.Hour}
	})
	a, f := api(t, dir), api(t, friend)
	inv, err := a.Invite(t.Context(), InviteQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
		t.Fatal(err)
	}
	until(t, "level", func() bool { return n.levelNow(n.clock().Add(time.Hour)) })
	yes := true
	n.Signals(resource.Signals{Metered: &yes})
	until(t, "asleep", func() bool { return !n.awake() && len(n.host.Network().Conns()) == 0 })
	if _, err := f.Send(t.Context(), SendQuery{Session: inv.Session, Text: "while you slept"}); err != nil {
		t.Fatal(err)
	}
	fn.dialer.again()
	if n.awake() || n.speaking(fn.host.ID()) {
		t.Error("it was woken from outside")
	}
	if _, err := a.Send(t.Context(), SendQuery{Session: inv.Session, Text: "awake"}); err != nil {
		t.Fatal(err)
	}
	until(t, "the message", func() bool { return fmt.Sprint(len(readAll(t, f, inv.Session))) == "2" })
	st, err := a.Status(t.Context())
	if err != nil || st.Mode != "metered" || st.BytesH == 0 || st.WakeupsH == 0 || st.BytesToday == 0 || st.BudgetLeft == nil || *st.BudgetLeft >= 1<<30 {
		t.Errorf("status %+v %v", st, err)
	}
}

// TestSpentBudget: a node whose budget is used up goes to sleep, and a restart is no new budget.
func TestSpentBudget(t *testing.T) {
	dir := tempHome(t)
	budget := resource.Budget{Bytes: 20_000, Per: 24 * time.Hour}
	n := start(t, dir, func(n *Node) { n.Budget = budget })
	n.count(10_000, 15_000)
	until(t, "the mode", func() bool { return n.mode().Spent })
	n.Close()
	n = start(t, dir, func(n *Node) { n.Budget = budget })
	if !n.mode().Spent {
		t.Error("a restart is a new budget")
	}
	n.Close()
	if n = start(t, dir, func(n *Node) { n.Budget = resource.Budget{Bytes: 1 << 30, Per: time.Hour} }); n.mode().Spent {
		t.Error("another budget is spent")
	}
}

func TestPace(t *testing.T) {
	n := &Node{MaxMbps: 8, clock: time.Now}
	began := time.Now()
	for range 11 {
		n.pace(t.Context(), 10_000) // 10 ms each
	}
	if d := time.Since(began); d < 99*time.Millisecond {
		t.Errorf("100 kB at 8 Mbit/s took %v", d)
	}
}
