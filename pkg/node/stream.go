package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/dag"
	"github.com/pars-network/pars/pkg/reconcile"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/wire"
)

// Timing of a sync stream.
const (
	resyncEvery   = time.Minute      // frontiers are compared again
	helloWithin   = 15 * time.Second // the first frame of a peer
	answerWithin  = 5 * time.Second  // after a network event a live peer answers a resync
	writeWithin   = 60 * time.Second // a frame must leave
	quietAtMost   = 3 * time.Minute  // a live peer says something
	windowSeconds = 20               // for which a dear or short line is reckoned to last
	maxQueued     = 16 << 20         // bytes of frames waiting to leave; honest peers stay far below
)

// syncStream runs the sync machine over one stream. Its run goroutine owns the machine; a reader and a
// writer goroutine serve it, and run waits for both.
type syncStream struct {
	n        *Node
	s        network.Stream
	peer     peer.ID
	machine  *reconcile.Machine
	sessions []*session.Session // its sets
	probe    chan struct{}      // asks whether the peer still answers
	compare  chan struct{}      // asks to compare frontiers now
	frames   chan reconcile.Frame
	failed   chan error // from reader or writer

	mu     sync.Mutex // guards below
	queue  [][]byte
	queued int
	wake   chan struct{}
}

func (n *Node) newStream(s network.Stream) (*syncStream, error) {
	x := &syncStream{n: n, s: s, peer: s.Conn().RemotePeer(), probe: make(chan struct{}, 1), compare: make(chan struct{}, 1),
		frames: make(chan reconcile.Frame), failed: make(chan error, 2), wake: make(chan struct{}, 1)}
	cfg := reconcile.Config{Me: []byte(n.host.ID()), Peer: []byte(x.peer),
		Rand: func(b []byte) error { _, err := io.ReadFull(n.home.cfg.Rand, b); return err }}
	if mode := n.mode(); mode.Metered || mode.LowPower { // the line is dear, or ends soon
		cfg.Window, cfg.Budget = windowSeconds, uint64(mode.Limits().BytesPerHour)
	}
	if err := cfg.Rand(cfg.Nonce[:]); err != nil {
		return nil, err
	}
	for _, s := range n.home.Sessions.List() {
		took := func(got dag.Received, signed int) error {
			n.trees.bySync(s, x.peer, got)
			return n.took(x.peer, got, signed)
		}
		x.sessions = append(x.sessions, s)
		cfg.Sets = append(cfg.Sets, &set{s: s, log: s.Log(), peer: string(x.peer), now: n.clock, took: took})
	}
	cfg.Quiet = func(i int) bool { return n.trees.spreads(x.sessions[i], x.peer) }
	x.machine = reconcile.New(cfg)
	return x, nil
}

// run speaks until the stream ends and returns why.
func (x *syncStream) run(ctx context.Context) error {
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	wg.Go(func() { x.read(ctx) })
	wg.Go(func() { x.write(ctx) })
	err := x.loop(ctx)
	x.linger(err)
	stop()
	x.s.Reset()
	wg.Wait()
	return err
}

// linger lets the last frame, which says why the stream ends, leave.
func (x *syncStream) linger(err error) {
	if !errors.Is(err, reconcile.ErrPeer) {
		return
	}
	for range 20 {
		x.mu.Lock()
		n := len(x.queue)
		x.mu.Unlock()
		if n == 0 {
			x.s.CloseWrite()
			return
		}
		select {
		case <-x.failed:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (x *syncStream) loop(ctx context.Context) error {
	first, err := x.machine.Start()
	if err != nil {
		return err
	}
	x.send(first)
	resync := time.NewTicker(resyncEvery)
	defer resync.Stop()
	answer := time.After(x.n.patience()) // opening a stream asks nobody: a dead connection shows here
	changed := x.n.hub.wait()
	for {
		var out []reconcile.Frame
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-x.failed:
			return err
		case f := <-x.frames:
			answer = nil
			out, err = x.machine.Receive(f)
		case <-changed:
			changed = x.n.hub.wait()
			out, err = x.machine.Changed()
		case <-resync.C:
			out, err = x.machine.Resync()
		case <-x.compare:
			out, err = x.machine.Resync()
		case <-x.probe:
			answer = time.After(answerWithin)
			out, err = x.machine.Resync()
		case <-answer:
			err = errSilent
		}
		if !x.send(out) {
			return fmt.Errorf("%w: it does not read", reconcile.ErrPeer)
		}
		x.n.levelled(x)
		if err != nil {
			return err
		}
	}
}

// patience is how long the first frame of a peer may take: less right after the network changed.
func (n *Node) patience() time.Duration {
	if n.clock().Sub(time.UnixMilli(n.movedAt.Load())) < settled {
		return answerWithin
	}
	return helloWithin
}

var errSilent = errors.New("peer does not answer")

func (x *syncStream) send(frames []reconcile.Frame) bool {
	if len(frames) == 0 {
		return true
	}
	x.mu.Lock()
	for _, f := range frames {
		b := wire.AppendFrame(make([]byte, 0, len(f.Payload)+8), f.Type, f.Payload)
		x.queue = append(x.queue, b)
		x.queued += len(b)
	}
	ok := x.queued <= maxQueued
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
	return ok
}

func (x *syncStream) read(ctx context.Context) {
	r := bufio.NewReaderSize(x.s, 64<<10)
	for {
		x.s.SetReadDeadline(time.Now().Add(quietAtMost))
		typ, payload, err := wire.ReadFrame(r)
		if err != nil {
			x.failed <- fmt.Errorf("read: %w", err)
			return
		}
		x.n.metrics.bytesIn.Add(float64(len(payload) + 4))
		if !x.n.admit(ctx, x.peer, overBytes, len(payload)+4) || !x.n.admit(ctx, x.peer, overFrames, 1) {
			x.failed <- reconcile.ErrLimits
			return
		}
		select {
		case x.frames <- reconcile.Frame{Type: typ, Payload: payload}:
		case <-ctx.Done():
			return
		}
	}
}

func (x *syncStream) write(ctx context.Context) {
	for {
		x.mu.Lock()
		var b []byte
		if len(x.queue) > 0 {
			b = x.queue[0]
			x.queue = x.queue[1:]
			x.queued -= len(b)
		}
		x.mu.Unlock()
		if b == nil {
			select {
			case <-x.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		x.n.pace(ctx, len(b))
		x.s.SetWriteDeadline(time.Now().Add(writeWithin))
		if _, err := x.s.Write(b); err != nil {
			x.failed <- fmt.Errorf("write: %w", err)
			return
		}
		x.n.metrics.bytesOut.Add(float64(len(b)))
	}
}
