package peerbook

import (
	"slices"
	"time"
)

// Hear takes what a source said of a peer and reports whether it is remembered. It moves nobody: a place
// that is taken stays so unless its holder is of no use any more.
func (b *Book) Hear(src Source, id ID, addrs [][]byte, now time.Time) bool {
	addrs = clean(addrs)
	if len(id) == 0 || len(id) > maxID || len(addrs) == 0 || len(src.Name) > maxName || len(src.Group) > maxName {
		return false
	}
	payer := "list " + src.Name
	if src.Class != Listed {
		src.Class, payer = DHT, string(src.Group) // names cost nothing, networks do
	}
	if !b.allowed(payer, now) {
		return false
	}
	if e := b.entries[id]; e != nil {
		e.Heard = now
		if e.Class == DHT || e.Class == Listed {
			e.add(addrs) // whoever answered said itself where it is
		}
		return true
	}
	e := &Entry{ID: id, Addrs: addrs, Class: src.Class, Source: src, First: now, Heard: now, place: -1}
	return b.enter(e, now)
}

// add appends addresses behind those there are.
func (e *Entry) add(addrs [][]byte) {
	for _, a := range addrs {
		known := slices.ContainsFunc(e.Addrs, func(b []byte) bool { return string(b) == string(a) })
		if len(e.Addrs) < maxAddrs && !known {
			e.Addrs = append(e.Addrs, a)
		}
	}
}

// enter puts an entry into new.
func (b *Book) enter(e *Entry, now time.Time) bool {
	at := b.freshPlace(e)
	if old := b.entries[b.fresh.slots[at]]; old != nil {
		if !old.useless(now) || len(b.entries) <= keepLast {
			return false
		}
		b.remove(old)
	}
	b.fresh.slots[at], e.place = e.ID, at
	b.entries[e.ID] = e
	return true
}

// useless reports whether an entry of new may go for another one: it was called in vain three times and
// never answered, or nobody spoke of it for a month.
func (e *Entry) useless(now time.Time) bool {
	return e.Seen.IsZero() && e.Fails >= 3 || now.Sub(e.last()) > unseenMost
}

// last is when there was a sign of it.
func (e *Entry) last() time.Time {
	if e.Seen.After(e.Heard) || !e.Seen.IsZero() && e.Class >= Cached {
		return e.Seen
	}
	return e.Heard
}

// Know takes a peer whom one has a reason to keep: a contact, a friend of one, one whom a person named, or
// one of the local network. A class never falls.
func (b *Book) Know(class Class, id ID, addrs [][]byte, now time.Time) bool {
	if len(id) == 0 || len(id) > maxID || !class.kept() && class != LAN {
		return false
	}
	e := b.entries[id]
	if e == nil {
		if class != Contact && len(b.outside) >= maxKept {
			return false
		}
		e = &Entry{ID: id, Class: class, Source: Source{Class: class}, First: now, place: -1}
		b.entries[id], b.outside[id] = e, e
	}
	if class < e.Class || class == LAN && e.Class > Cached {
		b.vacate(e)
		e.Class, b.outside[id] = class, e
	}
	e.Heard = now
	if addrs = clean(addrs); len(addrs) > 0 && class != LAN {
		old := e.Addrs
		e.Addrs = addrs
		e.add(old)
	} else {
		e.add(addrs)
	}
	return true
}

// Called notes that a peer is being called.
func (b *Book) Called(id ID, now time.Time) {
	if e := b.entries[id]; e != nil {
		e.Call = now
	}
}

// Good notes that a peer answered under its own key, at addrs. One of new moves to tried, unless somebody
// stands there: that one is named by Tests from now on, and goes only when it fails.
func (b *Book) Good(id ID, addrs [][]byte, now time.Time) {
	e := b.entries[id]
	if e == nil {
		return
	}
	e.Seen, e.Heard, e.Fails = now, now, 0
	if addrs = clean(addrs); len(addrs) > 0 && (e.Class.kept() || e.Class == LAN) { // else the place in the table would be wrong
		e.Addrs = addrs
	}
	delete(b.tests, id)
	if e.Class == DHT || e.Class == Listed {
		b.promote(e)
	}
}

// promote moves an entry of new to tried when its place is free.
func (b *Book) promote(e *Entry) {
	at := b.triedPlace(e)
	if old := b.entries[b.tried.slots[at]]; old != nil {
		if _, waits := b.tests[old.ID]; !waits {
			b.tests[old.ID] = e.ID
		}
		return
	}
	b.vacate(e)
	e.Class, e.place = Cached, at
	b.tried.slots[at] = e.ID
}

// Tests lists entries of tried for whose places others wait: call them, and say Good or Failed.
func (b *Book) Tests() (out []ID) {
	for id := range b.tests {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// Failed notes that a peer did not answer. explained says that the network is to blame, as where nothing
// foreign passes: then it counts against nobody.
func (b *Book) Failed(id ID, explained bool, now time.Time) {
	e := b.entries[id]
	if e == nil || explained {
		return
	}
	if e.Fails == 0 || now.Sub(e.From) > failsIn {
		e.Fails, e.From = 0, now
	}
	e.Fails++
	if heir, ok := b.tests[id]; ok {
		delete(b.tests, id)
		b.replace(e, heir, now)
	}
	if e.Fails >= failsMost {
		b.drop(e)
	}
}

// replace gives the place of an entry that failed its test to the one who waits, and puts it back to new.
func (b *Book) replace(e *Entry, heir ID, now time.Time) {
	next := b.entries[heir]
	if next == nil || e.Class != Cached || next.Class != DHT && next.Class != Listed {
		return
	}
	b.vacate(e)
	b.promote(next)
	e.Class = e.Source.Class
	if at := b.freshPlace(e); b.fresh.slots[at] == "" {
		b.fresh.slots[at], e.place = e.ID, at
	} else {
		b.drop(e)
	}
}

// Expire drops what was not seen for a month, unless the network explains it.
func (b *Book) Expire(explained bool, now time.Time) {
	if explained {
		return
	}
	for _, e := range sorted(b.entries) {
		if now.Sub(e.last()) > unseenMost {
			b.drop(e)
		}
	}
}

// drop forgets a peer, but none whom there is a reason to keep and none of the last.
func (b *Book) drop(e *Entry) {
	if e.Class <= Friend || len(b.entries) <= keepLast {
		return
	}
	b.remove(e)
}

func (b *Book) remove(e *Entry) {
	b.vacate(e)
	delete(b.entries, e.ID)
	delete(b.outside, e.ID)
	delete(b.tests, e.ID)
}

// vacate takes an entry out of its table.
func (b *Book) vacate(e *Entry) {
	if e.place < 0 {
		return
	}
	t := &b.fresh
	if e.Class == Cached {
		t = &b.tried
	}
	if t.slots[e.place] == e.ID {
		t.slots[e.place] = ""
	}
	e.place = -1
}

// Useful notes that a peer was of use for a time: after an hour of it, it may be an anchor.
func (b *Book) Useful(id ID, d time.Duration, now time.Time) {
	if e := b.entries[id]; e != nil && d > 0 {
		e.Life += d
		e.Seen = now
	}
}

// sorted lists entries by id, so that the same book does the same.
func sorted(of map[ID]*Entry) (out []*Entry) {
	for _, e := range of {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *Entry) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}
