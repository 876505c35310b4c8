package resource

import (
	"fmt"
	"time"
)

// hold is how long a cause must be gone before its effect ends, and the least time between two changes
// that loosen.
const hold = time.Minute

// Forget is how long the last word of a source that fell silent counts.
const Forget = 10 * time.Minute

// Manager keeps the mode. The zero value is ready. Not safe for concurrent use.
type Manager struct {
	last  Signals
	heard map[string]time.Time
	gates map[string]*gate
	mode  Mode
}

// gate is one cause with its two thresholds: on at once, off after hold.
type gate struct {
	on    bool
	clear time.Time // since when the cause is gone
}

// step moves the gate. enter and leave say whether the value is past either threshold.
func (g *gate) step(enter, leave bool, now time.Time) bool {
	switch {
	case enter:
		g.on, g.clear = true, time.Time{}
	case !g.on || !leave:
		g.clear = time.Time{}
	case g.clear.IsZero():
		g.clear = now
	case now.Sub(g.clear) >= hold:
		g.on = false
	}
	return g.on
}

// Tell takes what a source says, nil fields apart, and returns the mode and whether it changed.
func (m *Manager) Tell(s Signals, now time.Time) (Mode, bool) {
	if m.heard == nil {
		m.heard, m.gates = map[string]time.Time{}, map[string]*gate{}
	}
	take(m, "battery", &m.last.Battery, s.Battery, now)
	take(m, "charging", &m.last.Charging, s.Charging, now)
	take(m, "metered", &m.last.Metered, s.Metered, now)
	take(m, "memory", &m.last.Memory, s.Memory, now)
	take(m, "storage", &m.last.Storage, s.Storage, now)
	take(m, "bandwidth", &m.last.Bandwidth, s.Bandwidth, now)
	take(m, "saver", &m.last.Saver, s.Saver, now)
	take(m, "idle", &m.last.Idle, s.Idle, now)
	take(m, "spent", &m.last.Spent, s.Spent, now)
	next := m.decide(now)
	changed := !next.equal(m.mode)
	m.mode = next
	return next, changed
}

// Mode returns the mode of the last Tell.
func (m *Manager) Mode() Mode { return m.mode }

// take keeps a new word and drops one that is too old.
func take[T any](m *Manager, name string, to **T, from *T, now time.Time) {
	if from != nil {
		v := *from
		*to, m.heard[name] = &v, now
	} else if now.Sub(m.heard[name]) > Forget {
		*to = nil
	}
}

func (m *Manager) gate(name string, enter, leave bool, now time.Time) bool {
	g := m.gates[name]
	if g == nil {
		g = &gate{}
		m.gates[name] = g
	}
	return g.step(enter, leave, now)
}

// share runs a gate over a part of a whole that may be unknown.
func (m *Manager) share(name string, v *float64, enter, leave float64, now time.Time) bool {
	if v == nil {
		return m.gate(name, false, true, now)
	}
	return m.gate(name, *v >= enter, *v < leave, now)
}

func (m *Manager) decide(now time.Time) (d Mode) {
	because := func(format string, args ...any) { d.Why = append(d.Why, fmt.Sprintf(format, args...)) }
	level := func(name string, v *float64, reduced, strict, back float64) Level {
		r := m.share(name, v, reduced, reduced-back, now)
		if m.share(name+" strict", v, strict, strict-back, now) {
			because("%s above %.0f %%", name, 100*strict)
			return Strict
		}
		if r {
			because("%s above %.0f %%", name, 100*reduced)
			return Reduced
		}
		return Free
	}
	d.Memory = level("memory", m.last.Memory, 0.80, 0.90, 0.10)
	d.Storage = level("storage", m.last.Storage, 0.90, 0.95, 0.05)
	if m.share("bandwidth", m.last.Bandwidth, 0.80, 0.75, now) {
		d.Relay = Reduced
		because("bandwidth above 80 %%")
	}
	said := func(name string, v *bool, what string) bool {
		yes := v != nil && *v
		on := m.gate(name, yes, !yes, now)
		if on {
			because("%s", what)
		}
		return on
	}
	d.Metered = said("metered", m.last.Metered, "metered network")
	d.Spent = said("spent", m.last.Spent, "budget used up")
	d.Idle = said("idle", m.last.Idle, "the system sleeps")
	saver := said("saver", m.last.Saver, "power saver")
	m.power(&d, now, because)
	d.LowPower = d.LowPower || saver
	return d
}

func (m *Manager) power(d *Mode, now time.Time, because func(string, ...any)) {
	drains := m.last.Charging != nil && !*m.last.Charging
	d.Drains = m.gate("drains", drains, !drains, now)
	charge := 100
	if m.last.Battery != nil {
		charge = *m.last.Battery
	}
	if d.LowPower = m.gate("battery", drains && charge <= 20, !drains || charge >= 25, now); d.LowPower {
		because("battery at %d %%", charge)
	}
	if d.Flush = m.gate("empty", drains && charge <= 5, !drains || charge > 5, now); d.Flush {
		because("battery nearly empty")
	}
}
