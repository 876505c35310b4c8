package node

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/vertex"
)

const (
	treeItems  = 16       // entries in a push
	treeRun    = 48 << 10 // bytes of them, unless one is larger
	treeRecent = 4096     // entries that can be named by a neighbour
)

// tree drives the tree of one session.
type tree struct {
	g          *trees
	s          *session.Session
	set        *set
	key        [16]byte // of short ids
	neighbours atomic.Int32

	mu          sync.Mutex // guards all below
	core        gossip.Tree
	on          bool
	looked      uint32 // arrivals when the members were counted
	next        uint32 // arrivals below are known to the core
	recent      map[gossip.Short]uint32
	older       map[gossip.Short]uint32
	links       map[peer.ID]*treeLink // joined ones
	known       int
	dialled     map[peer.ID]time.Time
	check       time.Time // when a neighbour is asked whether it has what was written here; zero: never
	waits       time.Time // likewise for what is parked
	waitsFor    peer.ID
	look        time.Time // likewise for members that are no neighbours: the tree may not reach them
	askedBeside time.Time
	beside      map[peer.ID]time.Time // those members, and when each was asked
	lastPushed  packed
}

// packed is the run of a push that goes to several.
type packed struct {
	first *gossip.Short
	runs  [][]byte
}

// step does what is due and says when the next is.
func (t *tree) step() (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.g.n.clock()
	if !t.wanted() {
		return 0, false
	}
	t.do(t.news(nil))
	list := t.g.members(t.s)
	t.known = len(list)
	t.aside(list)
	t.core.Active = gossip.ActiveFor(len(t.s.Members()), t.g.n.mode().Metered)
	t.core.Know(list)
	t.do(t.core.Tick(now))
	t.repair(now)
	if t.known == 0 && len(t.links) == 0 {
		return 0, false
	}
	next := t.core.Next(now).Sub(now)
	if next >= treeTick && len(t.links) >= min(t.core.Active, t.known) && t.check.IsZero() && t.waits.IsZero() && t.look.IsZero() {
		next = treeRest
	}
	return next, true
}

// wanted reports whether the session is large enough, and begins or ends the tree.
func (t *tree) wanted() bool {
	n := t.s.Log().Arrivals()
	if n == t.looked {
		return t.on
	}
	t.looked = n
	on := len(t.s.Members()) >= treeFrom
	if on && !t.on {
		t.next = n - min(n, treeRecent/4)
		var ids []gossip.Short
		for _, m := range t.s.Log().Since(t.next) {
			ids = append(ids, t.note(m))
		}
		t.next = n
		t.core.Wrote(ids, t.g.n.clock()) // to nobody: there are no neighbours yet
	}
	if !on && t.on {
		for p, l := range t.links {
			l.bye(gossip.ByeEnd)
			t.gone(p)
		}
	}
	t.on = on
	return on
}

// note remembers a vertex by its short id.
func (t *tree) note(m dag.Meta) gossip.Short {
	if t.recent == nil || len(t.recent) >= treeRecent/2 {
		t.recent, t.older = make(map[gossip.Short]uint32), t.recent
	}
	id := t.short(m.ID)
	t.recent[id] = m.Arrival
	return id
}

// news tells the core what the log took, but for what a push brought.
func (t *tree) news(pushed map[vertex.ID]bool) []gossip.Send {
	now := t.g.n.clock()
	var own, others []gossip.Short
	metas := t.s.Log().Since(t.next)
	t.next = max(t.next, t.s.Log().Arrivals())
	for _, m := range metas {
		t.next = max(t.next, m.Arrival+1)
		switch id := t.note(m); {
		case pushed[m.ID]:
		case t.s.Owns(m.Author):
			own = append(own, id)
		default:
			others = append(others, id)
		}
	}
	if len(metas) > 0 && t.look.IsZero() {
		t.look = now.Add(treeCheck)
		if at := t.askedBeside.Add(treeBeside); at.After(t.look) {
			t.look = at
		}
	}
	var out []gossip.Send
	if len(own) > 0 {
		out = t.core.Wrote(own, now)
		if t.check.IsZero() {
			t.check = now.Add(treeCheck)
		}
	}
	if len(others) > 0 {
		out = append(out, t.core.Synced("", others, now)...)
	}
	return out
}

// repair asks a neighbour to compare where something may be lost.
func (t *tree) repair(now time.Time) {
	if !t.check.IsZero() && !now.Before(t.check) {
		t.check = time.Time{}
		if eager, lazy, _ := t.core.Edges(); len(eager)+len(lazy) > 0 {
			t.g.compare(peer.ID(append(eager, lazy...)[0]))
		}
	}
	if !t.waits.IsZero() && !now.Before(t.waits) {
		t.waits = time.Time{}
		if v, b := t.s.Log().Wants(1); len(v)+len(b) > 0 {
			t.g.compare(t.waitsFor)
		}
	}
	if !t.look.IsZero() && !now.Before(t.look) {
		t.look = time.Time{}
		t.compareBeside(now)
	}
}

// aside notes who is a member in reach and no neighbour.
func (t *tree) aside(members []gossip.PeerID) {
	was := t.beside
	t.beside = map[peer.ID]time.Time{}
	for _, m := range members {
		if p := peer.ID(m); t.links[p] == nil {
			t.beside[p] = was[p]
		}
	}
}

// compareBeside asks the member beside the tree that was not asked for longest: two clusters of neighbours that one pair
// of members joins are level so, and bySync makes the pair neighbours.
func (t *tree) compareBeside(now time.Time) {
	var next peer.ID
	for p, at := range t.beside {
		if next == "" || at.Before(t.beside[next]) || at.Equal(t.beside[next]) && p < next {
			next = p
		}
	}
	if next != "" {
		t.beside[next], t.askedBeside = now, now
		t.g.compare(next)
	}
}

// bySync tells that p brought by sync what the tree had not: an edge to p leads where the tree does not.
func (g *trees) bySync(s *session.Session, p peer.ID, got dag.Received) {
	if g == nil || got.New == 0 || !g.speaks(p) {
		return
	}
	t := g.of(s)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on && len(t.links) > 0 && len(t.links) < t.core.Active+treeBridge {
		t.dial(p)
	}
}

// push commits what a neighbour pushed, then tells the core.
func (t *tree) push(l *treeLink, f gossip.TreeFrame) error {
	items, err := vertex.DecodeRun(t.s.ID(), f.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", reconcile.ErrPeer, err)
	}
	if len(items) == 0 || len(items) > treeItems {
		return fmt.Errorf("%w: a push of %d entries", reconcile.ErrPeer, len(items))
	}
	got, err := t.take(l, f.Hop, items)
	if err != nil {
		return storeError{err}
	}
	return t.g.n.took(l.peer, got, signatures(items)) // may wait, so without the lock
}

func (t *tree) take(l *treeLink, hop uint8, items []vertex.Item) (got dag.Received, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.links[l.peer] != l {
		return got, nil
	}
	t.do(t.news(nil))
	now := t.g.n.clock()
	if got, err = t.s.Receive(string(l.peer), items, now); err == nil {
		t.pushed(l, hop, got, now)
	}
	return got, err
}

// pushed tells the core what became of a push.
func (t *tree) pushed(l *treeLink, hop uint8, got dag.Received, now time.Time) {
	var ids []gossip.Short
	var fresh []bool
	by := map[vertex.ID]bool{}
	for _, r := range got.Results {
		switch r.Outcome {
		case dag.New, dag.Known:
			ids, fresh = append(ids, t.short(r.ID)), append(fresh, r.Outcome == dag.New)
			by[r.ID] = r.Outcome == dag.New
			if r.Outcome == dag.New {
				t.g.fresh.Add(1)
			} else {
				t.g.dups.Add(1)
			}
		case dag.Parked:
			if t.waits.IsZero() {
				t.waits, t.waitsFor = now.Add(treeWait), l.peer
				t.g.kick()
			}
		}
	}
	rest := t.news(by)
	if len(ids) > 0 {
		t.do(t.core.Received(gossip.PeerID(l.peer), hop, ids, fresh, now))
	}
	t.do(rest)
}

func (t *tree) short(id vertex.ID) gossip.Short {
	return shortOf(reconcile.ShortID(t.key, id))
}

// frame takes a frame other than a push.
func (t *tree) frame(l *treeLink, f gossip.TreeFrame) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.links[l.peer] != l {
		return
	}
	switch f.Kind {
	case gossip.TreeVec:
		t.g.compare(l.peer)
		return
	case gossip.TreeGraft:
		t.g.grafts.Add(1)
	case gossip.TreePrune:
		t.g.prunes.Add(1)
	}
	sends := t.core.Frame(gossip.PeerID(l.peer), f, t.g.n.clock())
	if f.Kind == gossip.TreeBye {
		t.unlink(l)
	}
	t.do(sends)
	t.g.kick()
}

// join makes a link a neighbour; false: it was one too many.
func (t *tree) join(l *treeLink, called bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.on || l.closed() {
		return false
	}
	if old := t.links[l.peer]; old != nil && old != l {
		t.unlink(old)
		old.s.Reset()
		t.core.Gone(gossip.PeerID(l.peer), t.g.n.clock())
	}
	t.links[l.peer] = l
	t.do(t.core.Join(gossip.PeerID(l.peer), called, t.g.n.host.Peerstore().LatencyEWMA(l.peer), t.g.n.clock()))
	t.neighbours.Store(int32(len(t.links)))
	t.g.kick()
	return t.links[l.peer] == l
}

// left takes away a link that ended.
func (t *tree) left(l *treeLink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.links[l.peer] == l {
		t.gone(l.peer)
		t.g.kick()
	}
}

// gone takes a neighbour out. Without any, the others are pushed to again, and compared with for what they may lack.
func (t *tree) gone(p peer.ID) {
	if l := t.links[p]; l != nil {
		t.unlink(l)
	}
	t.do(t.core.Gone(gossip.PeerID(p), t.g.n.clock()))
}

func (t *tree) unlink(l *treeLink) {
	if t.links[l.peer] != l {
		return
	}
	delete(t.links, l.peer)
	t.neighbours.Store(int32(len(t.links)))
	if len(t.links) == 0 {
		t.g.compare("")
	}
}
