package gossip

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// Disk keeps letters. Commit is all or nothing and durable when it returns nil. StoreDisk is pkg/store's.
type Disk interface {
	Commit(put []Record, del []Slot) error
	Get(s Slot) ([]byte, error)
	Scan(fn func(value []byte) bool) error // a record that does not open comes as nil
}

// Slot is where a letter stands: the hour at which it ends, and its id.
type Slot struct {
	Hour uint32 // unix time / 3600
	ID   envelope.ID
}

// Record is a letter as it is kept.
type Record struct {
	Slot
	Value []byte
}

// What a mailbox carries for others.
const (
	defaultLimit = 64 << 20
	defaultSlots = 2048
	perTag       = 64 // envelopes of one tag from one group of depositors
	maxTombs     = 8192
	contactBytes = 5 << 20
	friendBytes  = 1 << 20
	putRate      = 1.0
	putBurst     = 60.0
	getRate      = 0.5
	getBurst     = 30.0
	getBytes     = 4 << 20
)

// Mailbox keeps envelopes for those who are away and copies for couriers that pass. Set the fields, Open. It is
// told the time; safe for concurrent use.
type Mailbox struct {
	Disk  Disk
	Rules Rules
	Limit int64 // most bytes; 0: 64 MiB
	Slots int   // most letters; 0: 2,048, half of them strangers'
	Each  int   // most letters from one group of strangers; 0: 1, or 2 from one that answered a challenge
	Rand  io.Reader

	mu        sync.Mutex // guards all below; not held while Disk works
	letters   map[envelope.ID]*letter
	tags      map[[16]byte][]envelope.ID
	tombs     map[envelope.ID]*letter // deleted by their recipients
	polls     map[PeerID]*polling
	strangers bool // new ones are taken
	bytes     int64
	unknown   int // letters of strangers
	damaged   int
}

// letter is what is remembered of an envelope without its bytes.
type letter struct {
	id             envelope.ID
	tag            [16]byte
	class          uint8
	copies, hops   uint8
	hash           [32]byte
	trust          Trust
	group          string // of depositors
	since, expires int64
	gone           bool // deleted by its recipient
	busy           bool // being written
}

func (l *letter) slot() Slot       { return Slot{uint32(l.expires / hour), l.id} }
func (l *letter) size() int64      { return int64(envelope.ClassSize(l.class)) }
func (l *letter) stranger() bool   { return l.trust < Friend }
func (l *letter) due(n int64) bool { return l.expires <= n }

type polling struct{ asks, bytes, puts Bucket }

// Depositor is who hands an envelope over.
type Depositor struct {
	Peer  PeerID
	Group string // network address or peer: the limit of one tag counts by it
	Trust Trust
}

// Answer is what a storer says to a PUT.
type Answer uint8

// Answers.
const (
	Kept Answer = iota
	NoRoom
	Later // a metered line, or asked too fast
	Duplicate
	Refused
)

// Open reads what is on the disk. What does not open is counted and left out.
func (m *Mailbox) Open(now int64) error {
	m.letters, m.tags, m.tombs = map[envelope.ID]*letter{}, map[[16]byte][]envelope.ID{}, map[envelope.ID]*letter{}
	m.polls, m.strangers = map[PeerID]*polling{}, true
	if m.Limit == 0 {
		m.Limit = defaultLimit
	}
	if m.Slots == 0 {
		m.Slots = defaultSlots
	}
	err := m.Disk.Scan(func(value []byte) bool {
		l, _, err := decodeLetter(value)
		switch {
		case err != nil:
			m.damaged++
		case l.gone:
			m.tombs[l.id] = l
		default:
			m.index(l)
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	return m.Expire(now)
}

// Damaged returns how many letters did not open.
func (m *Mailbox) Damaged() int { return m.damaged }

// TakeStrangers says whether new strangers' letters are taken: not on a metered line, nor with a full disk.
func (m *Mailbox) TakeStrangers(yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.strangers = yes
}

func (m *Mailbox) index(l *letter) {
	m.letters[l.id] = l
	m.tags[l.tag] = append(m.tags[l.tag], l.id)
	m.bytes += l.size()
	if l.stranger() {
		m.unknown++
	}
}

func (m *Mailbox) remove(l *letter) {
	delete(m.letters, l.id)
	list := slices.DeleteFunc(m.tags[l.tag], func(id envelope.ID) bool { return id == l.id })
	if m.tags[l.tag] = list; len(list) == 0 {
		delete(m.tags, l.tag)
	}
	m.bytes -= l.size()
	if l.stranger() {
		m.unknown--
	}
}

func (m *Mailbox) poll(p PeerID) *polling {
	b := m.polls[p]
	if b == nil {
		if len(m.polls) >= maxPeers {
			clear(m.polls) // all start afresh: cheaper than an order among thousands
		}
		b = &polling{Bucket{Rate: getRate, Burst: getBurst}, Bucket{Rate: getBytes / 60, Burst: getBytes}, Bucket{Rate: putRate, Burst: putBurst}}
		m.polls[p] = b
	}
	return b
}

// Put takes an envelope. It is on the disk when the answer is Kept. wait is for Later, in seconds.
func (m *Mailbox) Put(p Put, from Depositor, now time.Time) (a Answer, wait int, err error) {
	rules := m.Rules
	if from.Trust == Contact {
		rules.StampBits = 0
	}
	o, v, cause := rules.Check(p.Envelope, now.Unix())
	if v != Accept && cause != Expired || from.Trust == Failed {
		return Refused, 0, nil
	}
	l := &letter{id: envelope.EnvelopeID(p.Envelope), tag: o.Tag, class: o.Class, copies: p.Copies, hops: p.Hops, hash: p.Hash,
		trust: from.Trust, group: from.Group, since: now.Unix(), expires: m.Rules.Expires(o.Expiry, now.Unix()), busy: true}
	if l.due(now.Unix()) {
		return Refused, 0, nil
	}
	m.mu.Lock()
	if !m.poll(from.Peer).puts.Take(1, now) && from.Trust != Contact {
		m.mu.Unlock()
		return Later, 60, nil
	}
	old, out, a := m.admit(l, from)
	m.mu.Unlock()
	switch {
	case a != Kept:
		return a, 1, nil
	case old != nil: // the same envelope under another hash: nobody can delete it any more
		return Kept, 0, m.rewrite(old, p.Envelope)
	}
	err = m.commit(l, p.Envelope, out)
	if errors.Is(err, errNoRoom) {
		return NoRoom, 0, nil
	}
	return Kept, 0, err
}

var errNoRoom = errors.New("no room on the disk")

// admit decides on a letter and makes room for it. The caller holds mu.
func (m *Mailbox) admit(l *letter, from Depositor) (old *letter, out []*letter, a Answer) {
	if held := m.letters[l.id]; held != nil {
		if held.busy {
			return nil, nil, Later
		}
		if held.hash == l.hash || held.hash == [32]byte{} {
			return nil, nil, Duplicate
		}
		held.hash = [32]byte{}
		return held, nil, Kept
	}
	if t := m.tombs[l.id]; t != nil {
		if t.hash == l.hash {
			return nil, nil, Duplicate
		}
		l.hash = [32]byte{}
	}
	if !m.strangers && l.stranger() {
		return nil, nil, Later
	}
	if !m.share(l, from) {
		return nil, nil, NoRoom
	}
	out, ok := m.room(l)
	if !ok {
		return nil, nil, NoRoom
	}
	for _, v := range out {
		m.remove(v)
	}
	m.index(l)
	return nil, out, Kept
}

// share reports whether the depositor has some of its quota left.
func (m *Mailbox) share(l *letter, from Depositor) bool {
	count, bytes := 0, int64(0)
	for _, o := range m.letters {
		if o.group == from.Group {
			count++
			bytes += o.size()
		}
	}
	switch from.Trust {
	case Contact:
		return bytes+l.size() <= contactBytes
	case Friend, Anchor:
		return bytes+l.size() <= friendBytes
	case Verified:
		return count < max(2, m.Each)
	}
	return count < max(1, m.Each)
}

// room returns the letters that must go for l; false when l itself is the first that should.
func (m *Mailbox) room(l *letter) (out []*letter, ok bool) {
	gone := map[*letter]bool{}
	drop := func(v *letter) { gone[v] = true; out = append(out, v) }
	if same := m.ofTag(l); len(same) >= perTag {
		drop(same[0])
	}
	if l.stranger() && m.unknown-len(out) >= m.Slots/2 {
		v := m.worst(gone)
		if v == nil || worse(l, v) {
			return nil, false
		}
		drop(v)
	}
	bytes := m.bytes
	for _, v := range out {
		bytes -= v.size()
	}
	for bytes+l.size() > m.Limit || len(m.letters)-len(out) >= m.Slots {
		v := m.worst(gone)
		if v == nil || !v.stranger() && l.stranger() || worse(l, v) {
			return nil, false
		}
		drop(v)
		bytes -= v.size()
	}
	return out, true
}

// ofTag returns the letters of l's tag from its group, the oldest first.
func (m *Mailbox) ofTag(l *letter) []*letter {
	var out []*letter
	for _, id := range m.tags[l.tag] {
		if o := m.letters[id]; o.group == l.group && !o.busy {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *letter) int { return int(a.since - b.since) })
	return out
}

// worst returns the letter that goes first, none of those already chosen.
func (m *Mailbox) worst(gone map[*letter]bool) *letter {
	var w *letter
	for _, l := range m.letters {
		if !l.busy && !gone[l] && (w == nil || worse(l, w)) {
			w = l
		}
	}
	return w
}

// worse orders by who goes first: strangers before contacts, the largest, the one with most copies elsewhere,
// the oldest. Of two that are alike a new one does not push the old one out of its own place: it is younger.
func worse(a, b *letter) bool {
	switch {
	case a.stranger() != b.stranger():
		return a.stranger()
	case a.class != b.class:
		return a.class > b.class
	case a.copies != b.copies:
		return a.copies > b.copies
	}
	return a.since < b.since
}

// commit writes l and takes back what was done in memory when the disk refuses.
func (m *Mailbox) commit(l *letter, env []byte, out []*letter) error {
	var del []Slot
	for _, v := range out {
		del = append(del, v.slot())
	}
	err := m.Disk.Commit([]Record{{l.slot(), l.encode(env)}}, del)
	m.mu.Lock()
	defer m.mu.Unlock()
	l.busy = false
	if err != nil {
		m.remove(l)
		for _, v := range out {
			m.index(v)
		}
		return fmt.Errorf("store mail: %w", err)
	}
	return nil
}

// rewrite stores what changed about a letter.
func (m *Mailbox) rewrite(l *letter, env []byte) error {
	m.mu.Lock()
	b := l.encode(env)
	m.mu.Unlock()
	if err := m.Disk.Commit([]Record{{l.slot(), b}}, nil); err != nil {
		return fmt.Errorf("store mail: %w", err)
	}
	return nil
}

// Fetch returns the envelopes under the tags that the asker does not hold, in random order, at most as many as
// its quota lets through; more when there are others. ok is false when it asks too often.
func (m *Mailbox) Fetch(g Get, from PeerID, now time.Time) (out [][]byte, more, ok bool) {
	m.mu.Lock()
	b := m.poll(from)
	if !b.asks.Take(1, now) {
		m.mu.Unlock()
		return nil, false, false
	}
	var list []*letter
	for _, t := range g.Tags {
		for _, id := range m.tags[t] {
			if l := m.letters[id]; !l.busy && !l.due(now.Unix()) && !g.Have.Has(id) {
				list = append(list, l)
			}
		}
	}
	m.shuffle(list)
	n := 0
	for n < len(list) && b.bytes.Take(float64(list[n].size()), now) {
		n++
	}
	m.mu.Unlock()
	for _, l := range list[:n] {
		if env, err := m.read(l); err == nil {
			out = append(out, env)
		}
	}
	return out, n < len(list), true
}

// shuffle: the order would tell which tags belong together.
func (m *Mailbox) shuffle(list []*letter) {
	order := make(map[*letter][8]byte, len(list))
	for _, l := range list {
		var r [8]byte
		io.ReadFull(m.Rand, r[:]) // without randomness the order is that of coming
		order[l] = r
	}
	slices.SortStableFunc(list, func(a, b *letter) int {
		x, y := order[a], order[b]
		return slices.Compare(x[:], y[:])
	})
}

func (m *Mailbox) read(l *letter) ([]byte, error) {
	b, err := m.Disk.Get(l.slot())
	if err != nil {
		return nil, err
	}
	got, env, err := decodeLetter(b)
	if err != nil || got.id != l.id {
		return nil, wire.ErrCorrupt
	}
	return env, nil
}

// Delete drops envelopes whose tokens are right, and remembers that they were taken. It returns how many.
func (m *Mailbox) Delete(list []Ack, now int64) (int, error) {
	m.mu.Lock()
	var put []Record
	var gone []*letter
	for _, a := range list {
		l := m.letters[a.ID]
		if l == nil || l.busy || l.hash == [32]byte{} || TokenHash(a.Token) != l.hash {
			continue
		}
		m.remove(l)
		t := *l
		t.gone = true
		gone = append(gone, l)
		put = append(put, Record{t.slot(), t.encode(nil)})
		if len(m.tombs) < maxTombs {
			m.tombs[t.id] = &t
		}
	}
	m.mu.Unlock()
	if len(put) == 0 {
		return 0, nil
	}
	if err := m.Disk.Commit(put, nil); err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, l := range gone {
			delete(m.tombs, l.id)
			m.index(l)
		}
		return 0, fmt.Errorf("delete mail: %w", err)
	}
	return len(put), nil
}

// Expire drops what is over.
func (m *Mailbox) Expire(now int64) error {
	m.mu.Lock()
	var del []Slot
	for _, l := range m.letters {
		if l.due(now) && !l.busy {
			del = append(del, l.slot())
			m.remove(l)
		}
	}
	for id, t := range m.tombs {
		if t.due(now) {
			del = append(del, t.slot())
			delete(m.tombs, id)
		}
	}
	m.mu.Unlock()
	for len(del) > 0 {
		n := min(len(del), 1024)
		if err := m.Disk.Commit(nil, del[:n]); err != nil {
			return fmt.Errorf("drop expired mail: %w", err)
		}
		del = del[n:]
	}
	return nil
}

// Usage returns how many letters are held, their bytes, and the age of the oldest in seconds.
func (m *Mailbox) Usage(now int64) (letters int, bytes, oldest int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.letters {
		oldest = max(oldest, now-l.since)
	}
	return len(m.letters), m.bytes, oldest
}
