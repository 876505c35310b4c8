package resource

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestPhone(t *testing.T) {
	var m Manager
	p, now := &Phone{}, noon
	p.Watch(func(s Signals) { m.Tell(s, now) })
	if s := p.Signals(noon); s != (Signals{}) {
		t.Errorf("a phone that was told nothing knows %+v", s)
	}
	steps := []struct {
		name string
		do   func()
		mode string
	}{
		{"battery low", func() { p.SetBattery(19, false, false, now) }, "low-power"},
		{"and charging, held a minute", func() { p.SetBattery(19, true, false, now) }, "low-power"},
		{"a minute later", func() { p.SetBattery(20, true, false, now) }, "normal"},
		{"charge unknown", func() { p.SetBattery(-1, true, false, now) }, "normal"},
		{"saver", func() { p.SetBattery(90, false, true, now) }, "low-power"},
		{"no saver", func() { p.SetBattery(90, false, false, now) }, "low-power"},
		{"no saver for a minute", func() { p.SetBattery(90, false, false, now) }, "normal"},
		{"roaming", func() { p.SetNetwork("cell", false, true, now) }, "metered"},
		{"at home", func() { p.SetNetwork("wifi", false, false, now) }, "metered"},
		{"at home for a minute", func() { p.SetNetwork("wifi", false, false, now) }, "normal"},
		{"no network costs nothing", func() { p.SetNetwork("none", true, false, now) }, "normal"},
		{"hidden", func() { p.OnTrimMemory(trimHidden, now) }, "normal"},
		{"memory low", func() { p.OnTrimMemory(TrimLow, now) }, "reduced"},
		{"told again a minute later", func() { m.Tell(p.Signals(now), now) }, "reduced"},
		{"and again", func() { m.Tell(p.Signals(now), now) }, "normal"},
		{"doze", func() { p.SetIdle(true, now) }, "idle"},
	}
	for _, s := range steps {
		now = now.Add(61 * time.Second)
		if s.name == "and charging, held a minute" || s.name == "at home" || s.name == "no saver" {
			now = now.Add(-60 * time.Second)
		}
		if s.do(); m.Mode().Name() != s.mode {
			t.Errorf("%s: %s, want %s", s.name, m.Mode().Name(), s.mode)
		}
	}
}

// TestFlapsOfAnySignal: whatever one signal does at least thirty times a minute, the mode changes at most
// once a minute.
func TestFlapsOfAnySignal(t *testing.T) {
	for seed := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		kind, on := rnd.IntN(6), false
		var m Manager
		var changes []time.Time
		for now := noon; now.Before(noon.Add(10 * time.Minute)); now = now.Add(time.Duration(rnd.Int64N(int64(2 * time.Second)))) {
			on = !on
			s := Signals{Charging: ptr(false)}
			switch kind {
			case 0:
				s.Metered = ptr(on)
			case 1:
				s.Battery = ptr(map[bool]int{true: 19, false: 26}[on])
			case 2:
				s.Battery, s.Charging = ptr(10), ptr(!on)
			case 3:
				s.Memory = ptr(map[bool]float64{true: 0.95, false: 0.2}[on])
			case 4:
				s.Spent = ptr(on)
			case 5:
				s.Saver, s.Idle = ptr(on), ptr(!on)
			}
			if _, changed := m.Tell(s, now); changed {
				changes = append(changes, now)
			}
		}
		if kind == 5 && len(changes) > 0 { // two signals: each may change once
			changes = changes[1:]
		}
		for i := 1; i < len(changes); i++ {
			if changes[i].Sub(changes[i-1]) < time.Minute {
				t.Fatalf("seed %d: two changes within %v", seed, changes[i].Sub(changes[i-1]))
			}
		}
	}
}
