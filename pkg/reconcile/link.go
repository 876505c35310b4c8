package reconcile

import (
	"crypto/sha256"
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

// maxRounds bounds how often frontiers are compared before two sides let it rest until the next resync.
const maxRounds = 5

// maxIdle bounds how often a peer may make us climb for nothing.
const maxIdle = 1024

// link is one session on a stream. A round compares frontiers (STATE), then climbs one rung until both
// sides said DONE: the first round exchanges vectors, the second sketches of the authors that those
// could not settle (or heads, where there are none), later ones heads.
type link struct {
	m            *Machine
	set          Set
	mine, theirs uint64 // index of the session's tag in our and in the peer's HELLO
	proved       bool

	round     int
	sentState bool
	heard     bool // the peer's STATE of this round is here
	snapshot  [32]byte
	mark      uint32 // arrival number at our STATE
	wants     uint64 // what we wanted at our STATE
	peer      state
	climbing  bool // the frontiers differed and the rung is on
	heardAll  bool // the peer's whole vector or all its heads are here
	sentDone  bool
	doneHeard bool

	entries    []entry         // the peer's vector so far
	marked     []int           // authors that the vectors could not settle
	peerMarked int             // and how many the peer could not
	mineK      *sketch         // what we stream
	theirK     *sketch         // what we decode
	short      []uint64        // short ids that we lack
	heads      []id            // heads of the peer that were not here
	asked      map[id]struct{} // asked for in this round
	waiting    bool            // a WANT of ours is not answered
	serving    bool            // a WANT of the peer's is not answered

	idle    int      // rungs climbed without a new vertex
	queue   []uint32 // to be sent, causal order, or the bodies of what goes bare
	bare    []uint32 // to be sent before, without the bodies of messages
	over    int      // vertices that the budget did not carry
	unacked int      // runs sent and not acknowledged
	live    bool
	trusted bool                // something was not pushed since both were level, as Quiet said
	pushed  uint32              // arrivals below were pushed or are known to the peer
	from    map[uint32]struct{} // arrivals at or above pushed that came from the peer
}

// l0 is what stands for a heads digest on the wire: bound to the sender's nonce, so that no collision
// of 8 bytes can be prepared.
func l0(nonce [16]byte, digest [32]byte) (out [8]byte) {
	sum := sha256.Sum256(append(append([]byte(wire.LabelSyncL0), nonce[:]...), digest[:]...))
	copy(out[:], sum[:])
	return out
}

// begin opens a round: it takes a snapshot and says it.
func (l *link) begin() {
	vs, bs := l.set.Wants(maxItems)
	l.mark, l.snapshot, l.wants = l.set.Arrivals(), l.set.Digest(), uint64(len(vs)+len(bs))
	l.sentState = true
	l.m.send((&state{Session: l.mine, L0: l0(l.m.cfg.Nonce, l.snapshot), N: l.set.Size(), Wants: l.wants}).frame())
}

func (l *link) gotState(b []byte) (err error) {
	if l.heard {
		return protocol("STATE within a round")
	}
	if l.peer, err = decodeState(b); err != nil {
		return err
	}
	if !l.sentState {
		l.round = 0
		l.begin()
	}
	l.heard = true
	level := l.peer.L0 == l0(l.m.theirs.Nonce, l.snapshot)
	// both sides see the same two frontiers and counts, so both take the same way
	if level && l.peer.Wants == 0 && l.wants == 0 || l.round >= maxRounds || l.m.spent() {
		l.rest(level)
		return nil
	}
	if l.idle++; l.idle > maxIdle {
		return ErrLimits
	}
	l.climb()
	return nil
}

// rest ends the rounds: from here on new vertices are pushed.
func (l *link) rest(level bool) {
	l.sentState, l.heard, l.climbing = false, false, false
	if !l.live {
		l.live, l.pushed = true, l.mark
	}
	if level {
		l.idle, l.trusted = 0, false
		l.set.Sent(l.mark)
	}
	l.push()
}

// climb starts the rung of this round.
func (l *link) climb() {
	l.climbing, l.heardAll, l.sentDone, l.doneHeard = true, false, false, false
	l.entries, l.heads, l.asked, l.mineK, l.theirK, l.short = nil, nil, map[id]struct{}{}, nil, nil, nil
	if l.round == 1 && len(l.marked)+l.peerMarked > 0 {
		l.sketchRound()
	} else if l.round == 0 {
		l.marked, l.peerMarked = nil, 0
		entries, wide := vectorOf(syncKey(l.set.Secret(), wire.LabelSyncAuthor), l.set.Authors())
		for _, f := range pages(l.mine, entries, wide) {
			l.m.send(f)
		}
	} else {
		heads := l.set.Heads()
		for len(heads) > maxItems {
			l.m.send((&ids{l.mine, heads[:maxItems], true}).frame(typeHeads))
			heads = heads[maxItems:]
		}
		l.m.send((&ids{l.mine, heads, false}).frame(typeHeads))
	}
	l.pursue()
}

func (l *link) gotVector(b []byte) error {
	m, err := decodeVector(b)
	if err != nil {
		return err
	}
	page, err := readEntries(m.Entries, m.Wide)
	if err != nil {
		return err
	}
	if !l.climbing || l.round != 0 || l.heardAll || len(l.entries)+len(page) > 1<<20 {
		return protocol("VECTOR out of place")
	}
	if l.entries = append(l.entries, page...); m.More {
		return nil
	}
	l.heardAll = true
	l.owe(m.Wide)
	l.entries = nil
	return nil
}

// owe queues what the peer's vector shows it to lack. Authors that it cannot settle wait for the heads.
func (l *link) owe(wide bool) {
	authors := l.set.Authors()
	mine, _ := vectorOf(syncKey(l.set.Secret(), wire.LabelSyncAuthor), authors)
	send, marked := compare(mine, l.entries, wide, func(a int, seq uint64) ([32]byte, bool) { return l.set.At(authors[a].Key, seq) })
	l.marked = marked
	var places []uint32
	for _, o := range send {
		places = append(places, l.set.Suffix(authors[o.author].Key, o.from)...)
	}
	l.enqueue(places)
}

// enqueue adds places to what is sent, in causal order.
func (l *link) enqueue(places []uint32) {
	if len(places) > 0 && !(l.climbing && l.round == 0 && l.enqueueBare(places)) {
		l.queue = append(l.queue, places...)
		slices.Sort(l.queue)
		l.queue = slices.Compact(l.queue)
		l.set.Sort(l.queue)
	}
}

func (l *link) gotHeads(b []byte) error {
	m, err := decodeIDs(b)
	if err != nil {
		return err
	}
	if !l.climbing || l.round == 0 || l.heardAll || len(l.heads) > 64*maxItems {
		return protocol("HEADS out of place")
	}
	for _, h := range m.IDs {
		if _, ok := l.set.Place(h); !ok {
			l.heads = append(l.heads, h)
		}
	}
	l.heardAll = !m.More
	l.pursue()
	return nil
}

// pursue asks for what is named and not here: heads of the peer, parents of what is parked, bodies.
func (l *link) pursue() {
	if l.waiting {
		return
	}
	if l.asked == nil {
		l.asked = map[id]struct{}{}
	}
	w := want{Session: l.mine, Short: l.short[:min(len(l.short), maxItems)]}
	l.short = l.short[len(w.Short):]
	vertices, bodies := l.set.Wants(maxItems / 2)
	if l.m.narrow && l.round < 2 {
		bodies = nil // they come by themselves
	}
	for _, list := range []struct {
		from []id
		to   *[]id
	}{{l.heads, &w.IDs}, {vertices, &w.IDs}, {bodies, &w.Bodies}} {
		for _, v := range list.from {
			if _, ok := l.asked[v]; !ok && len(*list.to) < maxItems/2 {
				l.asked[v] = struct{}{}
				*list.to = append(*list.to, v)
			}
		}
	}
	if len(w.IDs)+len(w.Bodies)+len(w.Short) == 0 {
		return
	}
	l.waiting = true
	l.m.send(w.frame())
}

func (l *link) gotWant(b []byte) error {
	w, err := decodeWant(b)
	if err != nil {
		return err
	}
	if l.serving {
		return protocol("a second WANT before the first was answered")
	}
	l.serving = true
	var places []uint32
	for _, list := range [][]id{w.IDs, w.Bodies} {
		for _, v := range list {
			if at, ok := l.set.Place(v); ok {
				places = append(places, at)
			}
		}
	}
	for _, short := range w.Short {
		if at, ok := l.byShort(short); ok {
			places = append(places, at)
		}
	}
	l.enqueue(places)
	return nil
}

// gotGone ends the answer to our WANT.
func (l *link) gotGone(b []byte) error {
	if _, err := decodeIDs(b); err != nil {
		return err
	}
	if !l.waiting {
		return protocol("GONE without a WANT")
	}
	l.waiting = false
	l.pursue()
	return nil
}

func (l *link) gotDone(b []byte) error {
	d, err := decodeNumbers(typeDone, b)
	if err != nil {
		return err
	}
	if !l.climbing || l.doneHeard {
		return protocol("DONE out of place")
	}
	l.doneHeard = true
	if l.round == 0 {
		l.peerMarked = int(d.B)
	}
	return nil
}

// settle ends what is finished: the answer to a WANT, our part of a rung, the rung.
func (l *link) settle() {
	if l.serving && len(l.queue)+len(l.bare) == 0 {
		l.serving = false
		l.m.send((&ids{Session: l.mine}).frame(typeGone))
	}
	if !l.climbing {
		return
	}
	if l.heardAll && !l.sentDone && !l.waiting && len(l.queue)+len(l.bare) == 0 && l.unacked == 0 {
		l.sentDone = true
		l.m.send((&numbers{Session: l.mine, L0: l0(l.m.cfg.Nonce, l.set.Digest()), A: uint64(l.over), B: uint64(len(l.marked))}).frame(typeDone))
	}
	if l.sentDone && l.doneHeard {
		l.climbing, l.sentState, l.heard = false, false, false
		l.round++
		l.begin()
	}
}
