package node

import (
	"context"
	"os"
	"strings"
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
	if n.Metered {
		s.Metered = &n.Metered
	}
	n.mu.Lock()
	mode, changed := n.manager.Tell(s, n.clock())
	n.mu.Unlock()
	if !changed {
		return
	}
	l := mode.Limits()
	n.log.Info("mode changed", "mode", mode.Name(), "why", mode.Why, "peers", l.Peers)
	n.event(Event{Type: "mode", Mode: mode.Name(), Why: strings.Join(mode.Why, ", ")})
	n.slept.mode(l, n.clock(), n.jitter(l.WakeEvery/4))
	n.rise()
	n.mail.mode(mode)
	n.shed(mode.Limits().Peers)
}

// mode returns the mode in force.
func (n *Node) mode() resource.Mode {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.manager.Mode()
}

// startResources begins to ask the machine, and to hear what its desktop or its phone says.
func (n *Node) startResources() {
	n.Signals(n.own(n.clock()))
	n.wg.Go(func() { n.watchResources(n.ctx) })
	n.wg.Go(func() { n.watchSleep(n.ctx) })
	if n.Phone != nil {
		n.Phone.Watch(n.Signals)
		return
	}
	if n.Bus == "" {
		return
	}
	d := &resource.Desktop{Address: n.Bus, Tell: n.desktop,
		Failed: func(err error) { n.log.Debug("desktop", "why", err) },
		Wait:   func(int) float64 { return float64(n.jitter(256)) / 256 }}
	n.wg.Go(func() { d.Run(n.ctx) })
}

// desktop takes what the system bus says. While it speaks of the battery the machine is not asked.
func (n *Node) desktop(s resource.Signals) {
	if s.Charging != nil {
		n.mu.Lock()
		n.powered = n.clock()
		n.mu.Unlock()
	}
	n.Signals(s)
}

// told reports whether the desktop spoke of the battery within the time for which its word counts.
func (n *Node) told() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.clock().Sub(n.powered) < resource.Forget
}

// watchResources asks the machine until ctx ends.
func (n *Node) watchResources(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var power, saved time.Time
	for {
		now := n.clock()
		s := n.own(now)
		if now.Sub(saved) >= time.Minute {
			n.saveBudget()
			saved = now
		}
		if n.Phone == nil && !n.told() && now.Sub(power) >= powerEvery {
			p := resource.SysPower(os.DirFS("/sys"))
			s.Battery, s.Charging, power = p.Battery, p.Charging, now
		}
		n.Signals(s)
		select {
		case <-ctx.Done():
			return
		case <-n.usage.over:
		case <-tick.C:
		}
	}
}

// own is what the node sees of itself.
func (n *Node) own(now time.Time) resource.Signals {
	s := n.usage.signals(now, n.MaxMbps)
	if n.Phone != nil {
		p := n.Phone.Signals(now)
		s.Battery, s.Charging, s.Metered, s.Saver, s.Idle, s.Memory = p.Battery, p.Charging, p.Metered, p.Saver, p.Idle, p.Memory
	}
	if m := resource.Memory(os.DirFS("/"), rss(), 0); m != nil && (s.Memory == nil || *m > *s.Memory) {
		s.Memory = m
	}
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
