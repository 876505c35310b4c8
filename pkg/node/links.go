package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/session"
)

func (n *Node) syncProtocol() protocol.ID {
	return protocol.ID(n.Profile.Protocol("sync/1"))
}

// settled is when two streams can no longer have been opened at the same time.
const settled = 10 * time.Second

// accept takes a sync stream that a peer opened. Of two streams that two nodes open to each other at the
// same time the one opened by the smaller peer id stays. Later a new one means that the peer has no
// other: it was restarted, or its end of the connection is dead.
func (n *Node) accept(s network.Stream) {
	p := s.Conn().RemotePeer()
	if n.refused(p) || !n.admit(n.ctx, p, overTags, 1) || !n.claim(p, s, n.host.ID() > p) {
		s.Reset()
		return
	}
	go n.speak(n.ctx, s)
}

// claim makes s the stream to p; speak must follow, which Close waits for. When there is one already,
// replace says whether s takes its place.
func (n *Node) claim(p peer.ID, s network.Stream, replace bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.streams) >= 4*n.manager.Mode().Limits().Peers {
		return false
	}
	if old := n.streams[p]; old != nil {
		if !replace && n.clock().Sub(old.since) < settled {
			return false
		}
		old.raw.Reset()
	}
	n.streams[p] = &streamState{raw: s, since: n.clock()}
	n.wg.Add(1) // here, under the lock that closed is set under
	return true
}

// streamState is what the node knows of its stream to one peer.
type streamState struct {
	raw    network.Stream
	sync   *syncStream
	since  time.Time
	shared int                       // sessions the peer proved to be a member of
	level  bool                      // all of them were level at the last look
	with   map[*session.Session]bool // those sessions: level at the last look
}

// open opens a sync stream to a connected peer that has none.
func (n *Node) open(p peer.ID) {
	ctx, cancel := context.WithTimeout(n.ctx, 15*time.Second)
	defer cancel()
	s, err := n.host.NewStream(network.WithNoDial(ctx, "sync"), p, n.syncProtocol())
	if err != nil {
		n.log.Debug("no sync stream", "peer", short(p), "why", err)
		if n.onlyServes(p) {
			n.dialer.rest(p)
		}
		return
	}
	if !n.claim(p, s, n.host.ID() < p) {
		s.Reset()
		return
	}
	n.speak(n.ctx, s)
}

// onlyServes reports whether a peer said that it is of our network and has no log: a seeder, a relay.
func (n *Node) onlyServes(p peer.ID) bool {
	list, err := n.host.Peerstore().GetProtocols(p)
	return err == nil && len(list) > 0 && !n.isForeign(list) && !slices.Contains(list, n.syncProtocol())
}

// speak runs the stream and says how it ended. A peer that breaks the protocol rests for a while.
func (n *Node) speak(ctx context.Context, s network.Stream) {
	defer n.wg.Done()
	p := s.Conn().RemotePeer()
	x, err := n.newStream(s)
	if err == nil {
		n.mu.Lock()
		if st := n.streams[p]; st != nil && st.raw == s {
			st.sync = x
		}
		n.mu.Unlock()
		n.metrics.syncs.Inc()
		err = x.run(ctx)
	}
	n.mu.Lock()
	st := n.streams[p]
	level := false
	if st != nil && st.raw == s {
		level = st.level
		delete(n.streams, p)
	}
	n.mu.Unlock()
	if level {
		n.dialer.parted(p)
	}
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errSilent):
		n.log.Info("peer does not answer, closing", "peer", short(p))
		s.Conn().Close()
	case errors.Is(err, reconcile.ErrPeer):
		n.log.Warn("sync ended", "peer", short(p), "why", err)
		n.dialer.rest(p)
	default:
		n.log.Debug("sync ended", "peer", short(p), "why", err)
	}
	n.dialer.kick()
}

// took notes what a peer brought and charges it.
func (n *Node) took(p peer.ID, got dag.Received, signed int) error {
	n.metrics.count(got)
	if len(got.Forks) > 0 {
		n.log.Warn("an author wrote two branches", "authors", len(got.Forks))
	}
	return n.spend(p, got, signed)
}

// levelled notes how a stream stands and remembers peers that are worth coming back to.
func (n *Node) levelled(x *syncStream) {
	shared, level := x.machine.Shared()
	with := map[*session.Session]bool{}
	for i, s := range x.sessions {
		if shared, level := x.machine.Standing(i); shared {
			with[s] = level
		}
	}
	n.mu.Lock()
	st := n.streams[x.peer]
	first := false
	if st != nil && st.sync == x {
		if shared != st.shared {
			defer n.trees.kick()
		}
		first = shared > 0 && shared == level && !st.level
		st.shared, st.level, st.with = shared, shared == level, with
	}
	n.mu.Unlock()
	if first {
		n.dialer.good(x.peer)
		n.log.Info("level with peer", "peer", short(x.peer), "sessions", shared)
	}
}

// short shows a peer id in logs: enough to tell peers of one run apart.
func short(p peer.ID) string {
	s := p.String()
	return s[max(0, len(s)-6):]
}

// restart ends all streams, so that new ones are opened that know of a new session.
func (n *Node) restart() {
	n.mu.Lock()
	for _, st := range n.streams {
		st.raw.Reset()
	}
	n.mu.Unlock()
	n.dialer.kick()
}

// probe asks every peer whether it still answers: after a network event a link may be dead for half a
// minute before its transport notices.
func (n *Node) probe() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, st := range n.streams {
		if st.sync != nil {
			select {
			case st.sync.probe <- struct{}{}:
			default:
			}
		}
	}
}
