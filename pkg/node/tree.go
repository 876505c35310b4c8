package node

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/session"
)

// Sessions of so many members spread what is new along a tree; in smaller ones each pushes to all.
const treeFrom = 8

const (
	treeRest   = 10 * time.Second // between looks of a tree that has all it wants
	treeTick   = time.Second
	treeCheck  = time.Second            // after own writing, one neighbour is asked whether it has it
	treeWait   = 500 * time.Millisecond // what is parked so long is asked for
	treeBeside = 5 * time.Second        // at most so often a member beside the tree is asked, while there is news
	treeBridge = 4                      // neighbours beyond those wanted, of whom each leads where the tree did not
)

// trees are the spreading trees of the node's sessions. The sync streams stay beside them: they prove who is a member,
// compare what the tree may have lost, and push to whom it does not reach.
type trees struct {
	n    *Node
	wake chan struct{}
	treeCounts

	mu   sync.Mutex // guards list
	list map[*session.Session]*tree
}

// treeCounts are what the trees did since the start.
type treeCounts struct {
	bytesIn, bytesOut, pushed, fresh, dups, grafts, prunes, refused, repairs atomic.Int64
}

// count returns one of the counters.
func (g *trees) count(of func(*treeCounts) int64) float64 {
	if g == nil {
		return 0
	}
	return float64(of(&g.treeCounts))
}

func newTrees(n *Node) *trees {
	return &trees{n: n, wake: make(chan struct{}, 1), list: map[*session.Session]*tree{}}
}

func (n *Node) treeProtocol() protocol.ID { return protocol.ID(n.Profile.Protocol("tree/1")) }

// kick lets the trees look at who is there.
func (g *trees) kick() {
	if g == nil {
		return
	}
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// run tells the trees what the logs took and what the clock says, until ctx ends.
func (g *trees) run(ctx context.Context) {
	for {
		changed := g.n.hub.wait()
		var due <-chan time.Time
		var timer *time.Timer
		if d, ok := g.step(); ok {
			timer = time.NewTimer(d)
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-g.wake:
		case <-due:
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// step looks at every session and says after how long it must again; false: when something happens.
func (g *trees) step() (wait time.Duration, ok bool) {
	for _, s := range g.n.home.Sessions.List() {
		if d, due := g.of(s).step(); due && (!ok || d < wait) {
			wait, ok = d, true
		}
	}
	return max(wait, 10*time.Millisecond), ok
}

// of returns the tree of a session.
func (g *trees) of(s *session.Session) *tree {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.list[s]
	if t == nil {
		t = &tree{g: g, s: s, set: &set{s: s, log: s.Log(), now: g.n.clock}, key: reconcile.IDKey(s.SyncSecret()), links: map[peer.ID]*treeLink{}}
		t.core = gossip.Tree{Rand: g.n.home.cfg.Rand}
		g.list[s] = t
	}
	return t
}

// spreads reports whether the tree of a session brings to p what is new in it.
func (g *trees) spreads(s *session.Session, p peer.ID) bool {
	if g == nil {
		return false
	}
	return g.of(s).neighbours.Load() > 0 && g.speaks(p)
}

// speaks reports whether p said that it speaks the tree's protocol.
func (g *trees) speaks(p peer.ID) bool {
	list, err := g.n.host.Peerstore().SupportsProtocols(p, g.n.treeProtocol())
	return err == nil && len(list) > 0
}

// members lists the peers that have proven to be members of a session and speak the tree's protocol.
func (g *trees) members(s *session.Session) (out []gossip.PeerID) {
	g.n.mu.Lock()
	var all []peer.ID
	for p, st := range g.n.streams {
		if _, ok := st.with[s]; ok {
			all = append(all, p)
		}
	}
	g.n.mu.Unlock()
	for _, p := range all {
		if g.speaks(p) {
			out = append(out, gossip.PeerID(p))
		}
	}
	return out
}

// proven reports whether p has proven to be a member of a session.
func (g *trees) proven(p peer.ID, s *session.Session) bool {
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	st := g.n.streams[p]
	if st == nil {
		return false
	}
	_, ok := st.with[s]
	return ok
}

// compare has the sync stream to p, or with none to every peer, compare frontiers now.
func (g *trees) compare(p peer.ID) {
	g.repairs.Add(1)
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	for q, st := range g.n.streams {
		if (p == "" || p == q) && st.sync != nil {
			select {
			case st.sync.compare <- struct{}{}:
			default:
			}
		}
	}
}

// TreeStatus is what the trees of larger sessions do.
type TreeStatus struct {
	Sessions int   `json:"sessions"` // that have one
	Eager    int   `json:"eager"`    // neighbours that get whole entries
	Lazy     int   `json:"lazy"`     // neighbours that get ids
	Pushed   int64 `json:"pushed"`   // entries, since the start
	Dups     int64 `json:"dups"`     // entries that came once more
	Repairs  int64 `json:"repairs"`  // comparisons that a tree asked for
}

func (g *trees) status() (st TreeStatus) {
	if g == nil {
		return st
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.list {
		t.mu.Lock()
		eager, lazy, _ := t.core.Edges()
		if t.on {
			st.Sessions++
		}
		t.mu.Unlock()
		st.Eager, st.Lazy = st.Eager+len(eager), st.Lazy+len(lazy)
	}
	st.Pushed, st.Dups, st.Repairs = g.pushed.Load(), g.dups.Load(), g.repairs.Load()
	return st
}
