// Package resource turns what is known of battery, link, memory and disk into a mode that the
// protocols follow, so that a phone is not drained and a metered line not used up.
//
// Manager is pure: it is told signals and time. What is not known never restricts. A mode is entered at
// once and left only after its cause has been gone for a minute, so that a flapping signal changes
// little. Desktop and SysPower are the sources of a desktop, Phone that of a phone's application. Bucket
// and Meter, pure as well, are a budget of bytes and the count of what was used.
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
	Saver     *bool    // the user asked the system to save power
	Idle      *bool    // the system sleeps and lets programs run now and then: doze
	Spent     *bool    // the budget of bytes is used up
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
	Drains   bool  // it lives off a battery: no server for strangers' look-ups; no change of mode by itself
	LowPower bool  // few, short wake-ups
	Flush    bool  // nearly empty: close cleanly, receive only when a person asks
	Idle     bool  // wake only when the system does
	Spent    bool  // send what a person sends, and nothing else
	Memory   Level // reduced: halve caches and relay nothing; strict: one sync at a time, no new strangers
	Storage  Level // reduced: carry nothing for strangers; strict: ask the user
	Relay    Level // reduced: shorten the queue of strangers
	Why      []string
}

// Limits that follow from a mode; zero means the normal one.
type Limits struct {
	WakeEvery    time.Duration // from one wake-up to the next; zero: always awake
	Awake        time.Duration // how long a wake-up may last
	BytesPerHour int64
	Peers        int
	Inbound      int  // strangers who called us
	Strangers    bool // serve and carry for those who share no session
	Feelers      bool // try addresses that were only heard of
}

// wakeEvery makes at most four wake-ups an hour.
const wakeEvery = 15 * time.Minute

// Limits returns the strictest of what the mode asks for.
func (m Mode) Limits() Limits {
	l := Limits{Peers: 16, Inbound: 32, Strangers: m.Storage == Free && m.Memory < Strict, Feelers: m.Memory < Strict}
	if m.Memory >= Reduced {
		l.Peers, l.Inbound = 8, 8
	}
	if m.Metered {
		l.sleep(time.Minute, 3)
		l.BytesPerHour = 200 << 10
	}
	if m.LowPower || m.Idle {
		l.sleep(20*time.Second, 1)
	}
	if m.Spent || m.Flush {
		l.sleep(20*time.Second, 1)
		l.WakeEvery = Never
	}
	return l
}

// Never is the WakeEvery of a node that wakes for a person alone.
const Never = 1<<63 - 1

// sleep makes few and short wake-ups of it, with nothing for strangers.
func (l *Limits) sleep(awake time.Duration, peers int) {
	l.WakeEvery, l.Peers = max(l.WakeEvery, wakeEvery), min(l.Peers, peers)
	if l.Awake == 0 || awake < l.Awake {
		l.Awake = awake
	}
	l.Inbound, l.Strangers, l.Feelers = 0, false, false
}

// Name is the mode in one word, the strictest cause first.
func (m Mode) Name() string {
	switch {
	case m.Flush:
		return "flush"
	case m.Spent:
		return "budget-spent"
	case m.LowPower:
		return "low-power"
	case m.Idle:
		return "idle"
	case m.Metered:
		return "metered"
	case m.Memory+m.Storage+m.Relay > Free:
		return "reduced"
	}
	return "normal"
}

// equal compares modes without their reasons.
func (m Mode) equal(o Mode) bool {
	return m.Metered == o.Metered && m.LowPower == o.LowPower && m.Flush == o.Flush && m.Idle == o.Idle && m.Spent == o.Spent && m.Memory == o.Memory &&
		m.Storage == o.Storage && m.Relay == o.Relay
}
