package dht

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// K is how many nearest nodes keep a record, and how many an answer names.
const K = 20

const (
	inFlight   = 10 // on a path: with three, the nearest twenty alone cost seven round trips
	minRegion  = 60 // with fewer servers the region is everything
	regionSize = 30 // servers that a region is meant to hold
	probeCount = 8
)

// Purpose is what a look-up is for.
type Purpose uint8

// Purposes of look-ups. Find wants the nearest nodes, Put all of a region, Get the newest record that a region holds.
const (
	Find Purpose = iota
	Put
	Get
)

// Lookup is the state of one look-up: the pure core, told every answer and the time, and asked what to do next.
// Set the fields, call Start, and hand it an Answer or a Fail for each Ask it returns, in any order, until Done.
//
// It keeps disjoint paths: a peer belongs to the path that named it first, so that a liar spoils one path only. No
// peer is asked twice for one key. A path ends when its nearest K have answered, nobody inside the region is left
// unasked, and random points of the region name nobody new: whoever crowds around a key hides the honest from those
// who ask for the key itself, and from nobody who asks beside it.
type Lookup struct {
	Key     []byte // what the network hashes: the bytes of a record's key, or a peer id
	Purpose Purpose
	Self    PeerID
	Paths   int                 // 0: one
	Size    float64             // estimate of the servers in the network
	RPCs    int                 // most requests; 0: 200
	Time    time.Duration       // most time; 0: 30 s
	Seed    [32]byte            // picks the points
	Check   func(v []byte) bool // of Get: whether a value is valid
	Newer   func(a, b []byte) bool

	target  ID
	radius  ID
	paths   []*path
	claimed map[PeerID]*candidate
	asks    []*ask
	crowd   Crowd
	began   time.Duration
	result  Result
	sources map[string]map[int]bool // value: paths that brought it
}

// Ask is a request to send: FIND_NODE, or of Get for its own key FIND_VALUE.
type Ask struct {
	N    int // names the request in Answer and Fail
	Path int
	Hop  int
	Peer Peer
	Key  []byte
	Main bool // Key is that of the look-up
}

// Result is what a look-up has found so far.
type Result struct {
	Done     bool
	Reason   string // exhausted, no-seeds, limit, time
	Value    []byte
	Twin     []byte // another valid value with the sequence number of Value: its writer equivocates
	Agreeing int    // paths that brought Value
	Ended    int    // paths that came to their end
	RPCs     int
}

type state uint8

const (
	heard state = iota
	asked
	answered
	failed
)

type candidate struct {
	peer  Peer
	at    ID // distance
	path  int
	hop   int
	state state
}

type path struct {
	list   []*candidate // nearest first
	flying int
	points [][]byte // yet to ask about
	probed bool
	ended  bool
}

type ask struct {
	to   *candidate
	main bool
	open bool
}

// Start deals the seeds out over the paths and returns the first requests.
func (l *Lookup) Start(seeds []Peer, now time.Duration) []Ask {
	l.began, l.target = now, sha256.Sum256(l.Key)
	l.claimed, l.sources = map[PeerID]*candidate{}, map[string]map[int]bool{}
	if l.RPCs == 0 {
		l.RPCs = 200
	}
	if l.Time == 0 {
		l.Time = 30 * time.Second
	}
	l.radius = span(regionSize / max(l.Size, 1))
	if l.Size < minRegion {
		l.radius = span(1)
	}
	for range max(l.Paths, 1) {
		l.paths = append(l.paths, &path{})
	}
	n := 0
	for _, s := range l.deal(seeds) {
		if l.hear(n%len(l.paths), s, 0) {
			n++
		}
	}
	if n == 0 {
		l.end("no-seeds")
		return nil
	}
	l.paths = l.paths[:min(n, len(l.paths))] // a path without a seed would end at once and count as one that found nothing
	return l.pump(now)
}

// deal orders seeds by distance within their class and takes the classes in turn, so that none feeds all paths where
// there are several.
func (l *Lookup) deal(seeds []Peer) []Peer {
	classes := make([][]Peer, Learned+1)
	for _, s := range seeds {
		c := min(s.Class, Learned)
		classes[c] = append(classes[c], s)
	}
	for _, list := range classes {
		slices.SortStableFunc(list, func(a, b Peer) int {
			return compare(NodeID(a.ID).Distance(l.target), NodeID(b.ID).Distance(l.target))
		})
	}
	var out []Peer
	for i := 0; len(out) < len(seeds); i++ {
		for _, list := range classes {
			if i < len(list) {
				out = append(out, list[i])
			}
		}
	}
	return out
}

func compare(a, b ID) int {
	if a.Less(b) {
		return -1
	}
	if a == b {
		return 0
	}
	return 1
}

// hear puts a peer on a path unless it is known, is this node, or comes from a crowded network.
func (l *Lookup) hear(on int, p Peer, hop int) bool {
	if p.ID == l.Self || p.ID == "" || l.claimed[p.ID] != nil || !l.crowd.Admit(p) {
		return false
	}
	c := &candidate{peer: p, at: NodeID(p.ID).Distance(l.target), path: on, hop: hop}
	l.claimed[p.ID] = c
	list := l.paths[on].list
	i, _ := slices.BinarySearchFunc(list, c, func(a, b *candidate) int { return compare(a.at, b.at) })
	l.paths[on].list = slices.Insert(list, i, c)
	return true
}

// Answer tells what the peer of request n answered: peers nearer to the key, and of Get a value or nil.
func (l *Lookup) Answer(n int, closer []Peer, value []byte, now time.Duration) []Ask {
	a := l.close(n)
	if a == nil {
		return nil
	}
	if a.main {
		a.to.state = answered
	}
	for _, p := range closer[:min(len(closer), K)] {
		p.Class = Learned
		l.hear(a.to.path, p, a.to.hop+1)
	}
	if value != nil && a.main && l.Check != nil && l.Check(value) {
		l.take(a.to.path, value)
	}
	return l.pump(now)
}

// Fail tells that request n came to nothing.
func (l *Lookup) Fail(n int, now time.Duration) []Ask {
	a := l.close(n)
	if a == nil {
		return nil
	}
	if a.main {
		a.to.state = failed
	}
	return l.pump(now)
}

// Tick tells the time when nothing else happens.
func (l *Lookup) Tick(now time.Duration) []Ask { return l.pump(now) }

// close returns an open request and closes it; nil when it is none, or all is over.
func (l *Lookup) close(n int) *ask {
	if l.result.Done || n < 0 || n >= len(l.asks) || !l.asks[n].open {
		return nil
	}
	l.asks[n].open = false
	l.paths[l.asks[n].to.path].flying--
	return l.asks[n]
}

func (l *Lookup) take(on int, v []byte) {
	if l.sources[string(v)] == nil {
		l.sources[string(v)] = map[int]bool{}
	}
	l.sources[string(v)][on] = true
	switch old := l.result.Value; {
	case old == nil || l.Newer(v, old):
		l.result.Value, l.result.Twin = v, nil
		if old != nil && Equivocates(v, old) {
			l.result.Twin = old
		}
	case Equivocates(v, old):
		l.result.Twin = v
	}
}

// pump sends what may be sent, and ends paths and the look-up.
func (l *Lookup) pump(now time.Duration) []Ask {
	if l.result.Done {
		return nil
	}
	if now-l.began >= l.Time {
		l.end("time")
		return nil
	}
	var out []Ask
	flying, ended := 0, 0
	for i, p := range l.paths {
		out = l.pumpPath(i, p, out)
		flying += p.flying
		if p.ended {
			ended++
		}
	}
	l.result.Ended = ended
	switch {
	case ended == len(l.paths), ended >= 3 && l.result.Value != nil:
		l.end("exhausted")
		return nil
	case flying == 0 && len(out) == 0:
		l.end("limit")
	}
	return out
}

func (l *Lookup) pumpPath(i int, p *path, out []Ask) []Ask {
	for p.flying < inFlight && len(l.asks) < l.RPCs {
		if c := l.next(p); c != nil {
			p.ended = false
			c.state = asked
			out = append(out, l.send(i, c, l.Key))
			continue
		}
		if p.flying == 0 && !p.probed {
			p.probed = true
			p.points = l.points(i)
		}
		if len(p.points) == 0 {
			p.ended = p.flying == 0
			break
		}
		c := p.near(sha256.Sum256(p.points[0]), l.target)
		if c != nil {
			out = append(out, l.send(i, c, p.points[0]))
		}
		p.points = p.points[1:]
	}
	return out
}

func (l *Lookup) send(on int, c *candidate, key []byte) Ask {
	main := &key[0] == &l.Key[0]
	l.asks = append(l.asks, &ask{c, main, true})
	l.paths[on].flying++
	l.result.RPCs++
	return Ask{N: len(l.asks) - 1, Path: on, Hop: c.hop, Peer: c.peer, Key: key, Main: main}
}

// next returns the nearest peer to ask: among the nearest K that have not failed, or inside the region.
func (l *Lookup) next(p *path) *candidate {
	alive := 0
	for _, c := range p.list {
		if c.state == failed {
			continue
		}
		if alive >= K && !l.inside(c) {
			return nil
		}
		alive++
		if c.state == heard {
			return c
		}
	}
	return nil
}

func (l *Lookup) inside(c *candidate) bool { return l.Purpose != Find && !l.radius.Less(c.at) }

// near returns the peer to ask about a point: of those that answered the nearest to it outside the crowd around the
// target, which is where whoever wants to hide the point stands.
func (p *path) near(point, target ID) *candidate {
	var best *candidate
	var least ID
	limit := point.Distance(target)
	for _, c := range p.list {
		if c.state != answered {
			continue
		}
		d := NodeID(c.peer.ID).Distance(point)
		crowd := c.at.Less(limit)
		if best == nil || d.Less(least) && (!crowd || best.at.Less(limit)) || best.at.Less(limit) && !crowd {
			best, least = c, d
		}
	}
	return best
}

// points returns what is asked about in the region beside the key: one point of each eighth, by bytes whose hash
// stands there, since a request carries what is hashed.
func (l *Lookup) points(on int) [][]byte {
	if l.Purpose == Find || l.Size < minRegion {
		return nil
	}
	out, left := make([][]byte, probeCount), probeCount
	width := regionSize / l.Size / probeCount
	for n := uint64(0); left > 0 && n < 1<<18; n++ {
		b := binary.BigEndian.AppendUint64(append([]byte{byte(on)}, l.Seed[:]...), n)
		sum := sha256.Sum256(b)
		if part := ID(sum).Distance(l.target).fraction() / width; part < probeCount && out[int(part)] == nil {
			out[int(part)] = b
			left--
		}
	}
	return slices.DeleteFunc(out, func(b []byte) bool { return b == nil })
}

func (l *Lookup) end(reason string) {
	l.result.Done, l.result.Reason = true, reason
	l.result.Agreeing = len(l.sources[string(l.result.Value)])
}

// Result returns what is known so far. Its slices are shared.
func (l *Lookup) Result() Result { return l.result }

// Target returns the place that is looked for, and the radius of its region.
func (l *Lookup) Target() (target, radius ID) { return l.target, l.radius }

// Found is a peer that answered, the path it stands on, and how many others were asked on the way to it.
type Found struct {
	Peer
	Path, Hop int
}

// Nearest returns the peers that answered, nearest first, at most n.
func (l *Lookup) Nearest(n int) []Peer {
	var out []Peer
	for _, f := range l.Found(n) {
		out = append(out, f.Peer)
	}
	return out
}

// Found returns them with the way to each.
func (l *Lookup) Found(n int) []Found {
	var all []*candidate
	for _, p := range l.paths {
		for _, c := range p.list {
			if c.state == answered {
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(a, b *candidate) int { return compare(a.at, b.at) })
	var out []Found
	for _, c := range all[:min(n, len(all))] {
		out = append(out, Found{c.peer, c.path, c.hop})
	}
	return out
}

const maxStorers = 64

// Storers returns whom to give a record: everybody in the region, at least the K nearest. More than 64 are a crowd,
// told by crowded: then the 32 nearest, and 32 that nobody can foretell without the secret.
func (l *Lookup) Storers(secret [32]byte) (out []Peer, region int, crowded bool) {
	all := l.Nearest(len(l.claimed))
	for _, p := range all {
		if !l.radius.Less(NodeID(p.ID).Distance(l.target)) {
			region++
		}
	}
	n := max(region, min(K, len(all)))
	if n <= maxStorers {
		return all[:n], region, false
	}
	rest := slices.Clone(all[maxStorers/2 : n])
	rank := func(p Peer) ID { return sha256.Sum256(append(append(secret[:], l.target[:]...), p.ID...)) }
	slices.SortFunc(rest, func(a, b Peer) int { return compare(rank(a), rank(b)) })
	return append(slices.Clone(all[:maxStorers/2]), rest[:maxStorers/2]...), region, true
}
