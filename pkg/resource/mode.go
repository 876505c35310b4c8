// Package resource turns what is known of battery, link, memory and disk into a mode that the
// protocols follow, so that a phone is not drained and a metered line not used up.
//
// Manager is pure: it is told signals and time. What is not known never restricts. A mode is entered at
// once and left only after its cause has been gone for a minute, so that a flapping signal changes
// little. The sources of this machine stand in linux.go; a phone's application tells signals itself.
package resource

import "time"

// Signals are what is known now. A nil field is unknown.
type Signals struct {
	Battery   *int     // percent
	Charging  *bool    // or on mains
	Metered   *bool    // the network costs by the byte, or is roaming
	Memory    *float64 // resident memory by what may be used
	Storage   *float64 // store by its budget
	Bandwidth *float64 // bytes sent by what may be sent
}

// Level says how far one cause restricts.
type Level uint8

// Levels, the stricter the larger.
const (
	Free Level = iota
	Reduced
	Strict
)

// Mode is what protocols may do. The zero value restricts nothing.
type Mode struct {
	Metered  bool  // as little as possible, nothing for others, nothing large
	LowPower bool  // few, short wake-ups
	Flush    bool  // nearly empty: close cleanly, receive only when a person asks
	Memory   Level // reduced: halve caches and relay nothing; strict: one sync at a time, no new strangers
	Storage  Level // reduced: carry nothing for strangers; strict: ask the user
	Relay    Level // reduced: shorten the queue of strangers
	Why      []string
}

// Limits that follow from a mode; zero means the normal one.
type Limits struct {
	WakeEvery    time.Duration // least time between two wake-ups
	BytesPerHour int64
	Peers        int
	Syncs        int
	Strangers    bool // serve and carry for those who share no session
}

// Limits returns the strictest of what the mode asks for.
func (m Mode) Limits() Limits {
	l := Limits{Peers: 16, Syncs: 8, Strangers: m.Storage == Free && m.Memory < Strict}
	if m.Memory >= Reduced {
		l.Peers = 8
	}
	if m.Memory == Strict {
		l.Syncs = 1
	}
	if m.Metered {
		l.WakeEvery, l.BytesPerHour, l.Peers, l.Syncs, l.Strangers = 15*time.Minute, 200<<10, min(l.Peers, 3), min(l.Syncs, 2), false
	}
	if m.LowPower {
		l.WakeEvery, l.Peers, l.Syncs, l.Strangers = max(l.WakeEvery, 15*time.Minute), 1, 1, false
	}
	return l
}

// Name is the mode in one word, the strictest cause first.
func (m Mode) Name() string {
	switch {
	case m.Flush:
		return "flush"
	case m.LowPower:
		return "low-power"
	case m.Metered:
		return "metered"
	case m.Memory+m.Storage+m.Relay > Free:
		return "reduced"
	}
	return "normal"
}

// equal compares modes without their reasons.
func (m Mode) equal(o Mode) bool {
	return m.Metered == o.Metered && m.LowPower == o.LowPower && m.Flush == o.Flush && m.Memory == o.Memory &&
		m.Storage == o.Storage && m.Relay == o.Relay
}
