package node

import (
	"strings"
	"testing"
	"time"
)

// TestClockWrongByYears: two nodes, one with a clock far off, either way. It says so, both can write, and
// both read the same messages; a time that cannot be is not shown.
func TestClockWrongByYears(t *testing.T) {
	for name, years := range map[string]int{"1970s": -50, "2150s": 125} {
		t.Run(name, func(t *testing.T) {
			right, wrong := tempHome(t), tempHome(t)
			a := start(t, right, nil)
			cfg := config(t, wrong)
			cfg.Clock = func() time.Time { return time.Now().AddDate(years, 0, 0) }
			h, err := OpenHome(cfg, true)
			if err != nil {
				t.Fatal(err)
			}
			b := &Node{Home: h, Profile: cfg.Profile, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, NoMDNS: true, Peers: a.Addrs()[:1]}
			if err := b.Start(t.Context()); err != nil {
				h.Close()
				t.Fatal(err)
			}
			t.Cleanup(func() { b.Close() })
			one, two := api(t, right), api(t, wrong)
			st, err := two.Status(t.Context())
			if err != nil || !strings.Contains(strings.Join(st.Alarms, "\n"), "clock") {
				t.Errorf("no alarm: %v %v", st.Alarms, err)
			}
			inv, err := one.Invite(t.Context(), InviteQuery{Title: "clocks"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := two.Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
				t.Fatal(err)
			}
			for _, a := range []API{one, two} {
				if _, err := a.Send(t.Context(), SendQuery{Session: inv.Session, Text: "what time is it"}); err != nil {
					t.Fatal(err)
				}
			}
			until(t, "both read both", func() bool { return len(readAll(t, one, inv.Session)) == 2 && len(readAll(t, two, inv.Session)) == 2 })
			for i, m := range readAll(t, one, inv.Session) {
				if m.ID != readAll(t, two, inv.Session)[i].ID {
					t.Error("they read in different orders")
				}
				if m.Time != nil && m.Time.After(time.Now().Add(48*time.Hour)) {
					t.Errorf("shown with the time %v", m.Time)
				}
			}
		})
	}
}
