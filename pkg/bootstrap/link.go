package bootstrap

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"
)

const (
	maxInstances   = 64  // a link
	maxPerSender   = 8   // instances
	maxPackets     = 10  // a sender and second
	maxSenders     = 256 // a second
	maxSightings   = 64  // a link in calmAfter
	speakEvery     = time.Second
	changedAfter   = time.Second      // between two sightings of a peer that keeps changing
	calmAfter      = 10 * time.Second // between two sightings of a peer that does not
	askEvery       = 5 * time.Minute
	roundsAtChange = 4
)

// link is what is going on at one interface. It asks four times after an event and then now and then, and speaks twice.
type link struct {
	iface Interface
	local []netip.Prefix

	rounds int       // questions since the last event
	start  time.Time // of the last event
	asked  time.Time
	ask    time.Time // when the next question is due
	spoke  time.Time
	speak  time.Time // when an announcement is due; zero is never
	again  bool      // one more announcement after the next
	told   advert    // what the link has been told last; no instance is nothing

	seen     map[string]*entry
	window   time.Time // in which second senders are counted
	senders  map[netip.Addr]int
	calm     time.Time // since when sightings are counted
	sighting int
}

// entry is an instance that a neighbour announced.
type entry struct {
	advert
	from    netip.Addr
	heard   time.Time
	news    news
	shown   time.Time // to the caller; zero is never since the last event
	current bool      // heard since the last event
}

// news is why the caller is to see an entry again.
type news int

const (
	none news = iota
	repeated
	changed
)

func newLink(i Interface) *link {
	return &link{iface: i, seen: map[string]*entry{}, senders: map[netip.Addr]int{}}
}

// renew starts over as if the link had just come up, but for what it knows: that is neither told as known nor held back.
func (l *link) renew(now time.Time) {
	l.rounds, l.start = 0, now
	l.ask, l.speak, l.again = later(now, l.asked.Add(speakEvery)), later(now, l.spoke.Add(speakEvery)), true
	for _, e := range l.seen {
		e.shown, e.current = time.Time{}, false
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// askedAt sets when to ask next: 1, 3 and 9 seconds after the event, then every five minutes.
func (l *link) askedAt(now time.Time) {
	l.asked = now
	l.rounds++
	l.ask = now.Add(askEvery)
	if l.rounds < roundsAtChange {
		after := []time.Duration{0, time.Second, 3 * time.Second, 9 * time.Second}[l.rounds]
		l.ask = later(l.start.Add(after), now.Add(speakEvery))
	}
}

func (l *link) spokeAt(now time.Time) {
	l.spoke, l.speak = now, time.Time{}
	if l.again {
		l.again, l.speak = false, now.Add(speakEvery)
	}
}

// answerAt makes an announcement due, unless an earlier one is.
func (l *link) answerAt(at time.Time) {
	at = later(at, l.spoke.Add(speakEvery))
	if l.speak.IsZero() || at.Before(l.speak) {
		l.speak = at
	}
}

// admits counts what a sender sends, and refuses the more.
func (l *link) admits(now time.Time, from netip.Addr) bool {
	if now.Sub(l.window) >= time.Second || now.Before(l.window) {
		l.window = now
		clear(l.senders)
	}
	if len(l.senders) >= maxSenders && l.senders[from] == 0 || l.senders[from] >= maxPackets {
		return false
	}
	l.senders[from]++
	return true
}

// hear takes an advert with a peer and addresses that have been checked.
func (l *link) hear(now time.Time, from netip.Addr, a advert) {
	e, old := l.seen[a.instance]
	if !old {
		if l.fromSender(from) >= maxPerSender {
			return
		}
		if len(l.seen) >= maxInstances {
			l.forgetOldest()
		}
		e = &entry{}
		if twin := l.twin(a); twin != nil { // a peer under its name of today
			*e = *twin
		}
		l.seen[a.instance] = e
	}
	if e.peer != a.peer || !slices.Equal(e.addrs, a.addrs) {
		e.news = changed
	} else if e.news == none && (e.shown.IsZero() || now.Sub(e.shown) >= calmAfter) {
		e.news = repeated // what comes earlier is left out and not put off: it would be old news by then
	}
	e.advert, e.from, e.heard, e.current = a, from, now, true
}

func (l *link) fromSender(from netip.Addr) int {
	n := 0
	for _, e := range l.seen {
		if e.from == from {
			n++
		}
	}
	return n
}

// forgetOldest makes room: a newcomer is worth more than what has not been heard for the longest time, or a neighbour that
// invents 64 instances would hide all others until they run out.
func (l *link) forgetOldest() {
	oldest := slices.MinFunc(l.names(), func(a, b string) int { return l.seen[a].heard.Compare(l.seen[b].heard) })
	delete(l.seen, oldest)
}

func (l *link) twin(a advert) *entry {
	for _, name := range l.names() {
		if e := l.seen[name]; e.peer == a.peer && name != a.instance {
			return e
		}
	}
	return nil
}

// names are in a fixed order, so that the same input gives the same output.
func (l *link) names() []string { return slices.Sorted(maps.Keys(l.seen)) }

// forget drops an instance and returns its peer, if no other instance names it.
func (l *link) forget(instance string) (peer string, gone bool) {
	e, ok := l.seen[instance]
	if !ok {
		return "", false
	}
	delete(l.seen, instance)
	return e.peer, l.twin(e.advert) == nil
}

func (e *entry) expires() time.Time { return e.heard.Add(time.Duration(e.ttl) * time.Second) }

// dueAt is when an entry may be shown; ok says whether it is to be at all.
func (l *link) dueAt(e *entry) (at time.Time, ok bool) {
	switch {
	case e.news == none:
		return at, false
	case e.shown.IsZero():
		at = e.heard
	case e.news == changed:
		at = e.shown.Add(changedAfter)
	default:
		at = e.heard
	}
	if l.sighting >= maxSightings {
		at = later(at, l.calm.Add(calmAfter))
	}
	return at, true
}

// show returns the entries that are due, the longest waiting first.
func (l *link) show(now time.Time) []*entry {
	if now.Sub(l.calm) >= calmAfter || now.Before(l.calm) {
		l.calm, l.sighting = now, 0
	}
	var out []*entry
	for _, name := range l.names() {
		e := l.seen[name]
		if at, ok := l.dueAt(e); ok && !at.After(now) && l.sighting < maxSightings {
			e.news, e.shown = none, now
			l.sighting++
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b *entry) int { return cmp.Compare(a.heard.UnixNano(), b.heard.UnixNano()) })
	return out
}

// known lists what need not be told again: heard since the last event, and good for as long again.
func (l *link) known(now time.Time) []advert {
	var out []advert
	for _, name := range l.names() {
		e := l.seen[name]
		left := e.expires().Sub(now)
		if e.current && left > time.Duration(e.ttl)*time.Second/2 {
			out = append(out, advert{instance: name, ttl: uint32(left / time.Second)})
		}
	}
	return out
}

// next is when the link wants to be told the time.
func (l *link) next() time.Time {
	at := l.ask
	earlier := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if !l.speak.IsZero() {
		earlier(l.speak)
	}
	for _, e := range l.seen {
		earlier(e.expires())
		if due, ok := l.dueAt(e); ok {
			earlier(due)
		}
	}
	return at
}
