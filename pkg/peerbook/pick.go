package peerbook

import (
	"slices"
	"time"
)

// Use is a connection: one that this node opened or is opening.
type Use struct {
	ID     ID
	Class  Class
	Group  Group
	Source string
	First  time.Time // when the peer became known
}

// warmFor is how long after the start contacts and anchors are called before anybody else.
const warmFor = 10 * time.Second

// feelerEvery is how often an address of new is tried for its own sake.
const feelerEvery = 2 * time.Minute

// Start begins a run: the next ten seconds belong to those one has reason to trust, when there are any.
func (b *Book) Start(now time.Time) {
	b.feeler = now
	for _, e := range b.entries {
		if e.Class.kept() && len(e.Addrs) > 0 || e.Anchor {
			b.warm = now.Add(warmFor)
			return
		}
	}
}

// Warm reports whether nobody is to be used yet who was only heard of.
func (b *Book) Warm(now time.Time) bool { return now.Before(b.warm) }

// classOf is the class by which an entry takes a slot.
func (e *Entry) classOf() Class {
	if e.Anchor && e.Class == Cached {
		return Anchor
	}
	return e.Class
}

// quota is how slots of n are shared: at least so many for contacts and for cached peers while there are
// some not connected, at most so many for those heard of, and for those of one list.
type quota struct{ contacts, cached, heard, list int }

func quotaOf(n int) quota {
	q := max(1, n/4)
	return quota{contacts: q, cached: q, heard: q, list: max(1, n/8)}
}

// tally counts connections by class and group.
type tally struct {
	class  map[Class]int
	group  map[Group]int
	source map[string]int
	all    int // but those of the local network
}

func count(use []Use) tally {
	t := tally{map[Class]int{}, map[Group]int{}, map[string]int{}, 0}
	for _, u := range use {
		t.class[u.Class]++
		if u.Class == LAN {
			continue
		}
		t.all++
		if !u.Class.kept() {
			t.group[u.Group]++
		}
		if u.Class == Listed {
			t.source[u.Source]++
		}
	}
	return t
}

// Allowed reports whether a connection of e would keep to the quotas of n slots. waiting is how many
// contacts, and spare how many cached peers, could be connected and are not.
func (t tally) allowed(u Use, n, waiting, spare int) bool {
	q := quotaOf(n)
	contacts := t.class[Contact] + t.class[Named]
	reserved := min(max(0, q.contacts-contacts), waiting)
	switch {
	case u.Class == LAN:
		return true
	case u.Class.kept():
		return t.all < n
	case t.group[u.Group] >= u.Group.perGroup():
		return false
	case u.Class == Anchor || u.Class == Cached:
		return t.all+reserved < n
	}
	cached := min(max(0, q.cached-t.class[Cached]-t.class[Anchor]), spare)
	if u.Class == Listed && t.source[u.Source] >= q.list {
		return false
	}
	return t.class[u.Class] < q.heard && t.all+reserved+cached < n
}

// useOf describes a connection to an entry.
func (b *Book) useOf(e *Entry) Use {
	return Use{ID: e.ID, Class: e.classOf(), Group: b.group(e), Source: e.Source.Name, First: e.First}
}

// UseOf describes a connection to a peer; false for one who is not in the book.
func (b *Book) UseOf(id ID) (Use, bool) {
	e := b.entries[id]
	if e == nil {
		return Use{}, false
	}
	return b.useOf(e), true
}

// Next returns whom to call next, given n slots and the connections there are. skip says whom not to call
// now: who is connected, or was called too lately. Contacts come first, then anchors, then in turn those
// who answered before and those who were only heard of.
func (b *Book) Next(n int, use []Use, skip func(ID) bool, now time.Time) (Entry, bool) {
	t := count(use)
	lists := b.lists(skip)
	waiting, spare := b.waiting(use), len(lists[Anchor])+len(lists[Cached])
	order := []Class{Contact, Named, Friend, Anchor}
	if !b.Warm(now) {
		rest := []Class{Cached, DHT, Listed}
		if b.rand(2) == 0 {
			rest = []Class{DHT, Listed, Cached}
		}
		order = append(order, rest...)
	}
	for _, c := range order {
		for tries := 0; len(lists[c]) > 0 && tries < 64; tries++ {
			e := lists[c][b.rand(len(lists[c]))]
			if b.luck(e) && t.allowed(b.useOf(e), n, waiting, spare) {
				return *e, true
			}
		}
	}
	return Entry{}, false
}

// Waiting returns how many slots of n are to be left for contacts who are not connected.
func (b *Book) Waiting(n int, use []Use) int {
	t := count(use)
	return min(max(0, quotaOf(n).contacts-t.class[Contact]-t.class[Named]), b.waiting(use))
}

// waiting counts contacts who are not connected, those too who did not answer a moment ago: their slots
// are theirs when they come.
func (b *Book) waiting(use []Use) (n int) {
	for _, e := range b.outside {
		if (e.Class == Contact || e.Class == Named) && len(e.Addrs) > 0 && !slices.ContainsFunc(use, func(u Use) bool { return u.ID == e.ID }) {
			n++
		}
	}
	return n
}

// lists returns those who may be called by class, in an order that a run with the same book and the same
// random numbers repeats.
func (b *Book) lists(skip func(ID) bool) (out [LAN + 1][]*Entry) {
	add := func(e *Entry) {
		if e != nil && len(e.Addrs) > 0 && !skip(e.ID) {
			out[e.classOf()] = append(out[e.classOf()], e)
		}
	}
	for _, e := range sorted(b.outside) {
		if e.Class != LAN {
			add(e)
		}
	}
	for _, t := range []*table{&b.tried, &b.fresh} {
		for _, id := range t.slots {
			if id != "" {
				add(b.entries[id])
			}
		}
	}
	return out
}

// luck makes it less likely to call one again who failed.
func (b *Book) luck(e *Entry) bool {
	return e.Class.kept() || b.rand(1+min(e.Fails, 8)) == 0
}

// Feeler returns an address to try for its own sake, one in two minutes at most: first those of tried for
// whose places others wait, then one of new. Without this, tried would hold only those one needed.
func (b *Book) Feeler(skip func(ID) bool, now time.Time) (Entry, bool) {
	if now.Sub(b.feeler) < feelerEvery {
		return Entry{}, false
	}
	b.feeler = now
	for _, id := range b.Tests() {
		if !skip(id) {
			return *b.entries[id], true
		}
	}
	for range 256 {
		bucket := b.rand(b.fresh.buckets)
		id := b.fresh.slots[bucket*bucketSize+b.rand(bucketSize)]
		if e := b.entries[id]; e != nil && !skip(id) {
			return *e, true
		}
	}
	for _, id := range b.fresh.slots { // a nearly empty table
		if e := b.entries[id]; e != nil && !skip(id) && b.luck(e) {
			return *e, true
		}
	}
	return Entry{}, false
}

// Strange reports whether the hash table, which names so many peers, names none of those who answered a
// day ago or earlier, although there are some: then it is not the one that was known.
func (b *Book) Strange(named []ID, now time.Time) bool {
	old := 0
	for _, id := range b.tried.slots {
		if e := b.entries[id]; e != nil && now.Sub(e.First) >= alarmNew {
			old++
		}
	}
	known := slices.ContainsFunc(named, func(id ID) bool {
		e := b.entries[id]
		return e != nil && !e.Seen.IsZero() && now.Sub(e.First) >= alarmNew
	})
	return old >= strangeLeast && len(named) >= strangeLeast && !known
}

// strangeLeast is how many are needed to tell.
const strangeLeast = 8
