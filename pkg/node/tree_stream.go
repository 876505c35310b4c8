package node

import (
	"bufio"
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	treeGreet  = 10 * time.Second // for the first frame
	treeQueued = 1 << 20          // bytes that wait for a neighbour; one that is slower is left
)

// treeLink is a stream of one session's tree to one neighbour.
type treeLink struct {
	g       *trees
	s       network.Stream
	peer    peer.ID
	welcome bool // guarded by the tree: the neighbour was told that it is one

	mu     sync.Mutex // guards below
	queue  [][]byte
	queued int
	last   bool // nothing more is queued
	wake   chan struct{}
}

func (g *trees) link(s network.Stream) *treeLink {
	return &treeLink{g: g, s: s, peer: s.Conn().RemotePeer(), wake: make(chan struct{}, 1)}
}

// send queues a frame. Who does not read is left.
func (l *treeLink) send(kind byte, body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last {
		return
	}
	b := wire.AppendFrame(make([]byte, 0, len(body)+4), kind, body)
	l.queue, l.queued = append(l.queue, b), l.queued+len(b)
	if l.queued > treeQueued {
		l.last = true
		l.s.Reset()
	}
	l.poke()
}

func (l *treeLink) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *treeLink) bye(reason uint8) {
	l.send(gossip.TreeBye, gossip.AppendBye(nil, reason, 0))
	l.end()
}

// end closes the stream once the queue is empty.
func (l *treeLink) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = true
	l.poke()
}

func (l *treeLink) closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// write sends what is queued until the link ends.
func (l *treeLink) write(ctx context.Context) {
	for {
		l.mu.Lock()
		var b []byte
		last := l.last
		if len(l.queue) > 0 {
			b, l.queue = l.queue[0], l.queue[1:]
			l.queued -= len(b)
		}
		l.mu.Unlock()
		switch {
		case b != nil:
			l.g.n.pace(ctx, len(b))
			l.s.SetWriteDeadline(time.Now().Add(writeWithin))
			if _, err := l.s.Write(b); err != nil {
				l.s.Reset()
				return
			}
			l.g.bytesOut.Add(int64(len(b)))
		case last:
			l.s.CloseWrite()
			l.s.SetReadDeadline(time.Now().Add(time.Second)) // the other side closes, or is left
			return
		default:
			select {
			case <-l.wake:
			case <-ctx.Done():
				l.s.Reset()
				return
			}
		}
	}
}

// next reads a frame. It is charged before it is looked at.
func (l *treeLink) next(ctx context.Context, r *bufio.Reader) (f gossip.TreeFrame, err error) {
	kind, body, err := wire.ReadFrameOf(r, gossip.MaxTreeFrame)
	if err == nil {
		l.g.bytesIn.Add(int64(len(body) + 4))
		if !l.g.n.admit(ctx, l.peer, overBytes, len(body)+4) || !l.g.n.admit(ctx, l.peer, overFrames, 1) {
			return f, reconcile.ErrLimits
		}
		f, err = gossip.DecodeTree(kind, body)
	}
	if errors.Is(err, wire.ErrInvalid) {
		err = fmt.Errorf("%w: tree frame: %w", reconcile.ErrPeer, err)
	}
	return f, err
}

// open calls a member. It is a neighbour once it said so.
func (g *trees) open(t *tree, p peer.ID, alone bool) {
	ctx, cancel := context.WithTimeout(network.WithNoDial(g.n.ctx, "tree"), treeGreet)
	defer cancel()
	s, err := g.n.host.NewStream(ctx, p, g.n.treeProtocol())
	if err != nil {
		return
	}
	l := g.link(s)
	tag := gossip.TreeTag(t.s.SyncSecret(), []byte(g.n.host.ID()), []byte(p))
	l.send(gossip.TreeOpen, gossip.AppendOpen(nil, tag, alone))
	l.welcome = true
	g.serve(l, func(r *bufio.Reader) (*tree, error) {
		f, err := l.next(g.n.ctx, r)
		if err != nil || f.Kind != gossip.TreeVec || !t.join(l, true) {
			return nil, err
		}
		return t, nil
	})
}

// accept takes a stream of a peer that has proven to be a member of the session it names.
func (g *trees) accept(s network.Stream) {
	l := g.link(s)
	if g.n.refused(l.peer) || !g.n.shares(l.peer) || !g.n.enter() {
		g.refused.Add(1)
		s.Reset()
		return
	}
	go func() {
		defer g.n.wg.Done()
		g.serve(l, func(r *bufio.Reader) (*tree, error) {
			f, err := l.next(g.n.ctx, r)
			if err != nil {
				return nil, err
			}
			t := g.named(l.peer, f)
			if t == nil {
				g.refused.Add(1)
				if !g.n.admit(g.n.ctx, l.peer, overTags, 1) {
					return nil, reconcile.ErrLimits
				}
				return nil, nil
			}
			if !t.join(l, f.Alone) {
				return nil, nil
			}
			return t, nil
		})
	}()
}

// named returns the tree of the session that a caller names; nil unless it has proven to be a member.
func (g *trees) named(p peer.ID, f gossip.TreeFrame) *tree {
	if f.Kind != gossip.TreeOpen {
		return nil
	}
	for _, s := range g.n.home.Sessions.List() {
		tag := gossip.TreeTag(s.SyncSecret(), []byte(p), []byte(g.n.host.ID()))
		if hmac.Equal(tag[:], f.Tag[:]) && g.proven(p, s) {
			return g.of(s)
		}
	}
	return nil
}

// serve runs a stream: greet says of which tree it is, or nil that it is of none.
func (g *trees) serve(l *treeLink, greet func(*bufio.Reader) (*tree, error)) {
	var wg sync.WaitGroup
	wg.Go(func() { l.write(g.n.ctx) })
	r := bufio.NewReaderSize(l.s, 4096)
	l.s.SetReadDeadline(time.Now().Add(treeGreet))
	t, err := greet(r)
	if t != nil {
		l.s.SetReadDeadline(time.Time{})
		err = l.hear(t, r)
		t.left(l)
	}
	l.end()
	wg.Wait()
	l.s.Reset()
	if errors.Is(err, reconcile.ErrPeer) {
		g.n.log.Warn("tree ended", "peer", short(l.peer), "why", err)
		g.n.dialer.rest(l.peer)
		g.n.host.Network().ClosePeer(l.peer)
	}
}

// hear takes frames until the stream ends.
func (l *treeLink) hear(t *tree, r *bufio.Reader) error {
	for {
		f, err := l.next(l.g.n.ctx, r)
		switch {
		case err != nil:
			return err
		case f.Kind == gossip.TreeOpen:
			return fmt.Errorf("%w: a second OPEN", reconcile.ErrPeer)
		case f.Kind == gossip.TreePush:
			err = t.push(l, f)
		default:
			t.frame(l, f)
		}
		if err != nil {
			return err
		}
	}
}
