package resource

import "time"

const (
	wakeFor = 5 * time.Second // activity within so long after its begin is one wake-up
	slots   = 60
)

// Meter counts the bytes and wake-ups of the last hour and the bytes of the day (UTC). The zero value is
// ready. Not safe for concurrent use.
type Meter struct {
	slot  [slots]struct{ bytes, wakes int64 }
	at    int64 // minute of the newest slot
	awake time.Time
	day   int64
	today int64
	total int64
}

// turn moves to the minute of now and empties the slots between.
func (m *Meter) turn(now time.Time) *struct{ bytes, wakes int64 } {
	minute := now.Unix() / 60
	if minute > m.at {
		for i := max(m.at+1, minute-slots+1); i <= minute; i++ {
			m.slot[i%slots] = struct{ bytes, wakes int64 }{}
		}
		m.at = minute
	}
	if d := now.Unix() / 86400; d != m.day {
		m.day, m.today = d, 0
	}
	return &m.slot[m.at%slots]
}

// Add counts n bytes sent or received.
func (m *Meter) Add(n int64, now time.Time) {
	s := m.turn(now)
	s.bytes += n
	m.today += n
	m.total += n
	if d := now.Sub(m.awake); d >= wakeFor || d < 0 {
		m.awake = now
		s.wakes++
	}
}

// Hour returns the bytes and wake-ups of the last sixty minutes.
func (m *Meter) Hour(now time.Time) (bytes, wakeups int64) {
	m.turn(now)
	for _, s := range m.slot {
		bytes += s.bytes
		wakeups += s.wakes
	}
	return bytes, wakeups
}

// Today returns the bytes since midnight.
func (m *Meter) Today(now time.Time) int64 { m.turn(now); return m.today }

// Total returns the bytes since the Meter was made.
func (m *Meter) Total() int64 { return m.total }
