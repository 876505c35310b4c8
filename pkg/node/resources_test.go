package node

import (
	"fmt"
	"testing"

	"github.com/pars-network/pars/pkg/resource"
)

// TestMeteredNodeKeepsFewPeers: a node told that its network costs by the byte sheds peers at once, and
// those that share a session stay.
func TestMeteredNodeKeepsFewPeers(t *testing.T) {
	dir := tempHome(t)
	var peers []string
	for range 6 {
		peers = append(peers, start(t, tempHome(t), nil).Addrs()[0])
	}
	friend := tempHome(t)
	fn := start(t, friend, nil)
	n := start(t, dir, func(n *Node) { n.Peers = append(peers, fn.Addrs()[0]) })
	a, f := api(t, dir), api(t, friend)
	inv, err := a.Invite(t.Context(), InviteQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Join(t.Context(), JoinQuery{Invite: inv.Invite}); err != nil {
		t.Fatal(err)
	}
	until(t, "all seven streams", func() bool { return n.room() == 16-7 })
	until(t, "the friend shares a session", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, st := range n.streams {
			if st.shared == 1 && st.level {
				return true
			}
		}
		return false
	})
	metered := true
	n.Signals(resource.Signals{Metered: &metered})
	n.mu.Lock()
	left, shared := len(n.streams), 0
	for _, st := range n.streams {
		shared += st.shared
	}
	n.mu.Unlock()
	if left != 3 || shared != 1 {
		t.Errorf("%d streams left, %d share a session", left, shared)
	}
	st, err := a.Status(t.Context())
	if err != nil || st.Mode != "metered" || st.ModeWhy == "" {
		t.Errorf("status %+v %v", st, err)
	}
	a.Send(t.Context(), SendQuery{Session: inv.Session, Text: "still"})
	until(t, "talk goes on", func() bool { return fmt.Sprint(len(readAll(t, f, inv.Session))) == "1" })
}
