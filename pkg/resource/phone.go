package resource

import (
	"sync"
	"time"
)

// trimFor is how long a call for memory counts.
const trimFor = time.Minute

// Phone keeps what a phone's system says, which tells changes alone, so that it can be told again. The
// zero value knows nothing. Safe for concurrent use: callbacks come from any thread.
type Phone struct {
	mu    sync.Mutex // guards below
	s     Signals
	trim  float64
	until time.Time
	tell  func(Signals)
}

// Watch makes tell hear of each change from now on; nil ends it.
func (p *Phone) Watch(tell func(Signals)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell = tell
}

// Signals returns what is known at a time.
func (p *Phone) Signals(now time.Time) Signals {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at(now)
}

// at makes a copy that no later callback changes. A call for memory that is over is told as none, for
// Manager would else remember it.
func (p *Phone) at(now time.Time) Signals {
	s := p.s
	if !p.until.IsZero() {
		m := 0.0
		if now.Before(p.until) {
			m = p.trim
		}
		s.Memory = &m
	}
	return s
}

func (p *Phone) set(now time.Time, f func()) {
	p.mu.Lock()
	f()
	s, tell := p.at(now), p.tell
	p.mu.Unlock()
	if tell != nil {
		tell(s)
	}
}

// SetBattery says the charge in percent, negative when unknown, whether it is charging, and whether the
// user asked the system to save power.
func (p *Phone) SetBattery(percent int, charging, saver bool, now time.Time) {
	p.set(now, func() {
		p.s.Battery, p.s.Charging, p.s.Saver = nil, &charging, &saver
		if percent >= 0 && percent <= 100 {
			p.s.Battery = &percent
		}
	})
}

// SetNetwork says whether the network costs by the byte or belongs to a foreign operator. Kind is wifi,
// cell, ethernet, vpn or none.
func (p *Phone) SetNetwork(kind string, metered, roaming bool, now time.Time) {
	costs := kind != "none" && (metered || roaming)
	p.set(now, func() { p.s.Metered = &costs })
}

// Levels of Android's ComponentCallbacks2.onTrimMemory from which something is done. A memory warning of
// iOS is TrimCritical.
const (
	TrimModerate = 5
	TrimLow      = 10
	TrimCritical = 15
	trimHidden   = 20 // the screen shows something else: no lack of memory
	trimBack     = 40
	trimComplete = 80
)

// OnTrimMemory says that memory is short, by Android's levels.
func (p *Phone) OnTrimMemory(level int, now time.Time) {
	share := 0.0
	switch {
	case level == TrimCritical || level >= trimComplete:
		share = 0.95
	case level >= TrimLow && level != trimHidden && level != trimBack:
		share = 0.85
	}
	p.set(now, func() { p.trim, p.until = share, now.Add(trimFor) })
}

// SetIdle says that the phone sleeps: Android's doze.
func (p *Phone) SetIdle(doze bool, now time.Time) {
	p.set(now, func() { p.s.Idle = &doze })
}
