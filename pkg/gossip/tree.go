package gossip

import (
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"time"
)

// Tree is one member's part in spreading what a session writes: along a tree of eager edges, with ids alone on the
// others (after Leitão, Pereira, Rodrigues: Epidemic Broadcast Trees, SRDS 2007). It is pure: it is told what happens
// and when, and returns what to send. Below 8 members nobody needs it. The zero value with Rand set is ready.
//
// Who drives it: a PUSH goes to the log first, and only what the log accepted is told by Received: a forged vertex
// must not move an edge. What is to be pushed has been committed before Wrote or Received are called. Sends name
// vertices by their ids; the driver packs them into runs of at most 16 vertices or 48 KiB.
type Tree struct {
	Active int // neighbours wanted; 0: 4
	Rand   io.Reader
	Batch  time.Duration // ids wait so long for others; 0: 1 s

	edges   map[PeerID]*edge
	passive []PeerID
	seen    Seen[Short]
	missing map[Short]*wanted
	calm    time.Time // of the next look at what changed
}

// state of an edge.
type state uint8

const (
	eager state = iota
	lazy
	parked
)

type edge struct {
	state state
	trip  time.Duration
	back  time.Time // parked until
	ids   []Short   // to be announced
	since time.Time // of the first of them
}

// wanted is an id that was announced and has not come.
type wanted struct {
	from  []PeerID // who announced it and was not asked
	at    time.Time
	asked int
}

// Send is a frame to one neighbour, or with Dial a peer to connect to, or with Drop one to leave.
type Send struct {
	To     PeerID
	Kind   byte // TreePush … TreeBye; 0 for Dial and Drop
	Hop    uint8
	IDs    []Short
	Reason uint8
	Dial   bool
	Drop   bool
}

const (
	activeView  = 4
	passiveView = 16
	moreEdges   = 2 // beyond Active that call us
	firstAsk    = 300 * time.Millisecond
	leastAsk    = 100 * time.Millisecond
	mostAsk     = 2 * time.Second
	nextAsk     = 150 * time.Millisecond
	mostAsked   = 4
	maxMissing  = 4096
	vecEvery    = time.Minute
	batchIDs    = time.Second
)

// ActiveFor returns how many neighbours a member of a session of that size wants. A graph of degree 4 has no short ways
// through a thousand; the edges beyond the tree cost ids alone.
func ActiveFor(members int, metered bool) int {
	switch {
	case metered:
		return 2
	case members > 256:
		return 8
	case members > 64:
		return 6
	}
	return activeView
}

func (t *Tree) init() {
	if t.edges == nil {
		t.edges, t.missing = map[PeerID]*edge{}, map[Short]*wanted{}
		if t.Active == 0 {
			t.Active = activeView
		}
		if t.Batch == 0 {
			t.Batch = batchIDs
		}
	}
}

// Know sets the members that could be neighbours: of the session's membership, those whose presence is known.
func (t *Tree) Know(list []PeerID) {
	t.init()
	t.passive = t.passive[:0]
	for _, p := range list {
		if t.edges[p] == nil {
			t.passive = append(t.passive, p)
		}
	}
	t.mix(t.passive)
	t.passive = t.passive[:min(len(t.passive), passiveView)]
}

// Join takes a new neighbour, eager at first. One too many is told so, unless we called it.
func (t *Tree) Join(p PeerID, called bool, trip time.Duration, now time.Time) []Send {
	t.init()
	if e := t.edges[p]; e != nil { // back from sleep
		e.state, e.trip = eager, trip
		return []Send{{To: p, Kind: TreeVec}}
	}
	if !called && len(t.edges) >= t.Active+moreEdges {
		return []Send{{To: p, Kind: TreeBye, Reason: ByeFull}, {To: p, Drop: true}}
	}
	t.passive = slices.DeleteFunc(t.passive, func(q PeerID) bool { return q == p })
	t.edges[p] = &edge{trip: trip}
	return []Send{{To: p, Kind: TreeVec}} // what was missed before
}

// Gone tells that a neighbour is away: a lazy edge takes its place, and a member is called.
func (t *Tree) Gone(p PeerID, now time.Time) []Send {
	e := t.edges[p]
	if e == nil {
		return nil
	}
	if e.state == parked && now.Before(e.back) {
		return nil
	}
	delete(t.edges, p)
	var out []Send
	if e.state == eager {
		out = t.promote(now)
	}
	return append(out, t.call()...)
}

// promote makes one lazy edge eager.
func (t *Tree) promote(time.Time) []Send {
	if list := t.in(lazy); len(list) > 0 {
		p := list[t.draw(len(list))]
		t.edges[p].state = eager
		return []Send{{To: p, Kind: TreeGraft}}
	}
	return nil
}

// call asks for a new neighbour when there are too few.
func (t *Tree) call() []Send {
	if len(t.edges) >= t.Active || len(t.passive) == 0 {
		return nil
	}
	p := t.passive[0]
	t.passive = append(t.passive[1:], p) // to the end, until it is a neighbour or unknown
	return []Send{{To: p, Dial: true}}
}

// Wrote tells what this member has written and committed.
func (t *Tree) Wrote(ids []Short, now time.Time) []Send {
	t.init()
	for _, id := range ids {
		t.seen.Add(id)
	}
	return t.spread("", 0, ids, now)
}

// Received tells what the log accepted of a PUSH, and which of it was new and is committed.
func (t *Tree) Received(from PeerID, hop uint8, ids []Short, fresh []bool, now time.Time) []Send {
	e := t.edges[from]
	if e == nil {
		return nil
	}
	var first []Short
	for i, id := range ids {
		if t.seen.Add(id) && fresh[i] {
			first = append(first, id)
		}
		delete(t.missing, id)
	}
	if len(first) == 0 && len(ids) > 0 {
		return t.again(from, e)
	}
	var out []Send
	if e.state == lazy { // it sent what it was asked for: the edge is good
		e.state = eager
	}
	if hop < maxTreeHop {
		out = append(out, t.spread(from, hop+1, first, now)...)
	}
	return out
}

// Synced tells of vertices that came by reconciliation with a neighbour. Nobody is asked for them, and the others hear
// of them by their ids: what a cut kept from one side spreads in it faster than pairs of members compare.
func (t *Tree) Synced(from PeerID, ids []Short, now time.Time) []Send {
	t.init()
	var fresh []Short
	for _, id := range ids {
		if t.seen.Add(id) {
			fresh = append(fresh, id)
		}
		delete(t.missing, id)
	}
	var out []Send
	for _, p := range t.all() {
		if e := t.edges[p]; p != from && e.state != parked {
			out = append(out, t.tell(p, e, fresh, now)...)
		}
	}
	return out
}

// again is a vertex that came twice: the edge is one too many, unless it is the only one.
func (t *Tree) again(from PeerID, e *edge) []Send {
	if e.state != eager || len(t.in(eager)) < 2 {
		return nil
	}
	e.state = lazy
	return []Send{{To: from, Kind: TreePrune}}
}

// spread pushes to the eager and notes the ids for the lazy.
func (t *Tree) spread(but PeerID, hop uint8, ids []Short, now time.Time) []Send {
	var out []Send
	if len(ids) == 0 {
		return nil
	}
	for _, p := range t.all() {
		e := t.edges[p]
		switch {
		case p == but:
		case e.state == eager:
			out = append(out, Send{To: p, Kind: TreePush, Hop: hop, IDs: ids})
		case e.state == lazy:
			out = append(out, t.tell(p, e, ids, now)...)
		}
	}
	return out
}

// tell notes ids for the next IHAVE. More than one holds become a vector.
func (t *Tree) tell(p PeerID, e *edge, ids []Short, now time.Time) []Send {
	if len(e.ids) == 0 {
		e.since = now
	}
	if e.ids = append(e.ids, ids...); len(e.ids) <= maxIHave {
		return nil
	}
	e.ids = nil
	return []Send{{To: p, Kind: TreeVec}}
}

// Frame tells of a frame other than a PUSH or a VEC.
func (t *Tree) Frame(from PeerID, f TreeFrame, now time.Time) []Send {
	e := t.edges[from]
	if e == nil {
		return nil
	}
	switch f.Kind {
	case TreeIHave:
		t.announced(from, f.IDs, now)
	case TreeGraft:
		e.state = eager
		if len(f.IDs) > 0 && t.has(f.IDs[0]) {
			return []Send{{To: from, Kind: TreePush, Hop: 1, IDs: f.IDs}}
		}
	case TreePrune:
		if e.state == eager {
			e.state = lazy
		}
	case TreeBye:
		return t.bye(from, e, f, now)
	}
	return nil
}

func (t *Tree) has(id Short) bool { return t.seen.new[id] || t.seen.old[id] }

func (t *Tree) bye(from PeerID, e *edge, f TreeFrame, now time.Time) []Send {
	if f.Reason == ByeSleep && f.Back > 0 {
		was := e.state
		e.state, e.back, e.ids = parked, now.Add(time.Duration(min(f.Back, 86400))*time.Second), nil
		if was == eager {
			return t.promote(now)
		}
		return nil
	}
	e.back = time.Time{}
	return t.Gone(from, now)
}

func (t *Tree) announced(from PeerID, ids []Short, now time.Time) {
	for _, id := range ids {
		if t.has(id) || len(t.missing) >= maxMissing {
			continue
		}
		w := t.missing[id]
		if w == nil {
			w = &wanted{at: now.Add(min(max(2*t.edges[from].trip, leastAsk), mostAsk))}
			if t.edges[from].trip == 0 {
				w.at = now.Add(firstAsk)
			}
			t.missing[id] = w
		}
		if !slices.Contains(w.from, from) && len(w.from) < 2*mostAsked {
			w.from = append(w.from, from)
		}
	}
}

// Tick does what is due: asks for what was announced and did not come, sends ids, compares vectors, calls members.
func (t *Tree) Tick(now time.Time) []Send {
	t.init()
	out := t.ask(now)
	for _, p := range t.all() {
		e := t.edges[p]
		if e.state == parked && now.After(e.back) {
			out = append(out, t.Gone(p, now)...)
			continue
		}
		if len(e.ids) > 0 && now.Sub(e.since) >= t.Batch {
			out = append(out, Send{To: p, Kind: TreeIHave, IDs: e.ids})
			e.ids = nil
		}
	}
	if t.calm.IsZero() {
		t.calm = now.Add(t.jitter(vecEvery))
	} else if now.After(t.calm) {
		t.calm = now.Add(t.jitter(vecEvery))
		if list := append(t.in(eager), t.in(lazy)...); len(list) > 0 {
			out = append(out, Send{To: list[t.draw(len(list))], Kind: TreeVec})
		}
	}
	return append(out, t.call()...)
}

// ask sends GRAFTs for what is overdue: to the first that announced it, then to the next.
func (t *Tree) ask(now time.Time) []Send {
	var due []Short
	for id, w := range t.missing {
		if !now.Before(w.at) {
			due = append(due, id)
		}
	}
	slices.SortFunc(due, func(a, b Short) int { return slices.Compare(a[:], b[:]) })
	var out []Send
	for _, id := range due {
		w := t.missing[id]
		for len(w.from) > 0 && t.edges[w.from[0]] == nil {
			w.from = w.from[1:]
		}
		if len(w.from) == 0 || w.asked >= mostAsked {
			delete(t.missing, id) // reconciliation will find it
			continue
		}
		p := w.from[0]
		w.from, w.at = w.from[1:], now.Add(nextAsk)
		w.asked++
		if e := t.edges[p]; e.state == lazy {
			e.state = eager
		}
		out = append(out, Send{To: p, Kind: TreeGraft, IDs: []Short{id}})
	}
	return out
}

// Next returns when Tick is due at the latest.
func (t *Tree) Next(now time.Time) time.Time {
	next := now.Add(time.Second)
	for _, w := range t.missing {
		if w.at.Before(next) {
			next = w.at
		}
	}
	for _, e := range t.edges {
		if at := e.since.Add(t.Batch); len(e.ids) > 0 && at.Before(next) {
			next = at
		}
	}
	if next.Before(now) {
		return now
	}
	return next
}

// Edges returns the neighbours by state, each list by id.
func (t *Tree) Edges() (pushed, told, away []PeerID) { return t.in(eager), t.in(lazy), t.in(parked) }

func (t *Tree) in(s state) []PeerID {
	return slices.DeleteFunc(t.all(), func(p PeerID) bool { return t.edges[p].state != s })
}

// all returns the neighbours by id, so that the same events give the same sends.
func (t *Tree) all() []PeerID {
	out := make([]PeerID, 0, len(t.edges))
	for p := range t.edges {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b PeerID) int { return strings.Compare(string(a), string(b)) })
	return out
}

func (t *Tree) draw(n int) int {
	var b [4]byte
	io.ReadFull(t.Rand, b[:]) // without randomness the first is drawn
	return int(binary.BigEndian.Uint32(b[:]) % uint32(n))
}

func (t *Tree) mix(list []PeerID) {
	for i := len(list) - 1; i > 0; i-- {
		j := t.draw(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}

// jitter returns d less or more up to a half.
func (t *Tree) jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(t.draw(int(d/time.Millisecond)))*time.Millisecond
}
