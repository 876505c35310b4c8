package node

import (
	"context"
	"os"
	"time"

	"github.com/pars-network/pars/pkg/resource"
)

// lookEvery is how often the machine is asked; powerEvery how often its battery.
const (
	lookEvery  = 5 * time.Second
	powerEvery = time.Minute
)

// Signals tells the node what its application knows of battery and network: on phones, where the
// system is not asked. It may be called at any time while the node runs.
func (n *Node) Signals(s resource.Signals) {
	n.mu.Lock()
	mode, changed := n.manager.Tell(s, n.clock())
	n.mu.Unlock()
	if !changed {
		return
	}
	n.log.Info("mode changed", "why", mode.Why, "peers", mode.Limits().Peers)
	n.event(Event{Type: "mode"})
	n.shed(mode.Limits().Peers)
}

// mode returns the mode in force.
func (n *Node) mode() resource.Mode {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.manager.Mode()
}

// watchResources asks the machine until ctx ends.
func (n *Node) watchResources(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var power time.Time
	for {
		s := n.own()
		if now := n.clock(); now.Sub(power) >= powerEvery {
			p := resource.SysPower(os.DirFS("/sys"))
			s.Battery, s.Charging, power = p.Battery, p.Charging, now
		}
		n.Signals(s)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// own is what the node sees of itself.
func (n *Node) own() (s resource.Signals) {
	if n.Metered {
		s.Metered = &n.Metered
	}
	s.Memory = resource.Memory(os.DirFS("/"), rss(), 0)
	if used, limit := n.home.store.Usage(); limit > 0 {
		v := float64(used) / float64(limit)
		s.Storage = &v
	}
	return s
}

// shed ends the youngest streams above a number, those with peers that share no session first.
func (n *Node) shed(most int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.streams) > most {
		var worst *streamState
		for _, st := range n.streams {
			if worst == nil || st.shared < worst.shared || st.shared == worst.shared && st.since.After(worst.since) {
				worst = st
			}
		}
		worst.raw.Conn().Close()
		delete(n.streams, worst.raw.Conn().RemotePeer())
	}
}

// room returns how many peers more the mode allows.
func (n *Node) room() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return max(0, n.manager.Mode().Limits().Peers-len(n.streams))
}
