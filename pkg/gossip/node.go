package gossip

import (
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// PeerID is the binary form of a libp2p peer id.
type PeerID string

// Heard is an envelope that passed every check.
type Heard struct {
	Envelope []byte // read only
	ID       envelope.ID
	Outer    envelope.Outer
	Topic    uint8
	From     PeerID // the neighbour that handed it over, not its author
	At       time.Time
	Mine     bool // its tag is known here
}

// Mode is what the node may do now; the zero value does nothing of its own accord.
type Mode struct {
	Live         bool // read the topics of own sessions
	Cover        bool // and others beside them
	Relay        bool // pass on the topics a relay serves
	Strangers    bool // take mail of new strangers
	BytesPerHour int64
}

// Normal is the mode of a node on mains and an unmetered line.
func Normal() Mode { return Mode{Live: true, Cover: true, Relay: true, Strangers: true} }

// Reduced is the mode of a node short of memory: own topics alone.
func Reduced() Mode { return Mode{Live: true} }

// Asleep is the mode on a metered line and at low power: no topic is read, mailboxes are polled.
func Asleep(bytesPerHour int64) Mode { return Mode{BytesPerHour: bytesPerHour} }

const (
	tendEvery   = time.Minute
	quick       = 2 * time.Second  // longest delay of an own message
	quiet       = 30 * time.Second // longest where the first hop must not point at the author
	confirm     = 300 * time.Millisecond
	retry       = 500 * time.Millisecond
	maxWaiting  = 8 << 20 // bytes that a slow reader may leave
	maxOutgoing = 4096    // messages waiting to be sent
)

// ErrNoPeer says that nobody who reads the topic was in reach in time.
var ErrNoPeer = errors.New("no peer reads this topic")

// Pending is a message to be published.
type Pending struct {
	Topic    uint8
	Envelope []byte // stamped; not changed afterwards
	Until    time.Time
	Now      bool       // without the delay that hides where a message began
	Done     func(Sent) // called once, on the node's goroutine; may be nil

	due   time.Time
	tried bool
	id    envelope.ID
}

// Sent is what became of it.
type Sent struct {
	ID    envelope.ID
	Peers int // to whom it was handed at once; others hear of it by them
	Err   error
}

// outgoing orders messages by their time.
type outgoing []*Pending

func (o outgoing) Len() int           { return len(o) }
func (o outgoing) Less(i, j int) bool { return o[i].due.Before(o[j].due) }
func (o outgoing) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }

// Push is of heap.Interface.
func (o *outgoing) Push(x any) { *o = append(*o, x.(*Pending)) }

// Pop is of heap.Interface.
func (o *outgoing) Pop() any {
	old := *o
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*o = old[:len(old)-1]
	return p
}

// Queue takes a message to be published after a random delay. A message that is not valid for strangers is
// refused at once, as is one too many.
func (n *Node) Queue(p Pending) error {
	if _, v, cause := n.Rules.Check(p.Envelope, n.Now().Unix()); v != Accept {
		return wire.Invalid("envelope to publish: %s", string(cause))
	}
	p.id = envelope.EnvelopeID(p.Envelope)
	p.due = n.Now()
	if !p.Now {
		p.due = p.due.Add(n.delay())
	}
	n.mu.Lock()
	if n.closed || len(n.out) >= maxOutgoing {
		n.mu.Unlock()
		return errors.New("too many messages wait to be sent")
	}
	heap.Push(&n.out, &p)
	n.mu.Unlock()
	n.poke()
	return nil
}

// Publish is Queue and a wait for what became of it, or for ctx.
func (n *Node) Publish(ctx context.Context, topic uint8, env []byte) Sent {
	done := make(chan Sent, 1)
	p := Pending{Topic: topic, Envelope: env, Done: func(s Sent) { done <- s }}
	if t, ok := ctx.Deadline(); ok {
		p.Until = t
	}
	if err := n.Queue(p); err != nil {
		return Sent{Err: err}
	}
	select {
	case s := <-done:
		return s
	case <-ctx.Done():
		return Sent{ID: envelope.EnvelopeID(env), Err: errors.Join(ErrNoPeer, ctx.Err())}
	}
}

// delay draws how long an own message waits, so that the first to hear it cannot tell who wrote it.
func (n *Node) delay() time.Duration {
	most := quick
	if n.Quiet {
		most = quiet
	}
	var b [8]byte
	if _, err := io.ReadFull(n.Rand, b[:]); err != nil {
		return most
	}
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(most))
}

func (n *Node) poke() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// send publishes what is due until ctx ends.
func (n *Node) send(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			n.abandon(ctx.Err())
			return
		case <-t.C:
		case <-n.wake:
		}
		for {
			p, wait := n.next()
			if p == nil {
				t.Reset(wait)
				break
			}
			n.attempt(ctx, p)
		}
	}
}

// next returns the message that is due, or how long until there is one.
func (n *Node) next() (*Pending, time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.out) == 0 {
		return nil, time.Hour
	}
	now := n.Now()
	if wait := n.out[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	if wait := n.budget.Wait(float64(len(n.out[0].Envelope)), now); n.mode.BytesPerHour > 0 && wait > 0 {
		return nil, wait
	}
	return heap.Pop(&n.out).(*Pending), 0
}

// attempt publishes p once a peer reads its topic, and ends it once somebody has it.
func (n *Node) attempt(ctx context.Context, p *Pending) {
	now := n.Now()
	over := !p.Until.IsZero() && now.After(p.Until)
	switch {
	case p.tried:
		if peers := n.handed(p.id); peers > 0 || over {
			n.finish(p, peers, nil)
			return
		}
		n.again(p, now.Add(retry))
	case over:
		n.finish(p, 0, ErrNoPeer)
	case n.readers(p.Topic) == 0:
		n.again(p, now.Add(retry))
	default:
		n.track(p.id)
		if err := n.publish(ctx, p.Topic, p.Envelope); err != nil {
			n.finish(p, 0, err)
			return
		}
		n.again(p, now.Add(confirm))
		p.tried = true
	}
}

func (n *Node) again(p *Pending, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p.due = at
	heap.Push(&n.out, p)
}

// track begins to count to whom an own message is handed.
func (n *Node) track(id envelope.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tracked[id] = 0
}

func (n *Node) handed(id envelope.ID) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.tracked[id]
}

func (n *Node) finish(p *Pending, peers int, err error) {
	n.mu.Lock()
	delete(n.tracked, p.id)
	if peers > 0 {
		n.count.Published++
	} else if err == nil {
		err = ErrNoPeer
	}
	n.mu.Unlock()
	if p.Done != nil {
		p.Done(Sent{p.id, peers, err})
	}
}

// abandon ends what was not sent.
func (n *Node) abandon(err error) {
	n.mu.Lock()
	n.closed = true
	left := n.out
	n.out = nil
	n.mu.Unlock()
	for _, p := range left {
		n.finish(p, 0, err)
	}
}

// SetMode changes what the node does, at once.
func (n *Node) SetMode(m Mode) {
	n.mu.Lock()
	n.mode = m
	n.budget = Bucket{Rate: float64(m.BytesPerHour) / 3600, Burst: float64(max(m.BytesPerHour, 64<<10))}
	n.mu.Unlock()
	n.Refresh()
}

// Refresh looks again at which sessions there are.
func (n *Node) Refresh() {
	select {
	case n.refresh <- struct{}{}:
	default:
	}
}

// tend joins and leaves topics as days, sessions and the mode change.
func (n *Node) tend(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		n.settle(n.wanted())
		n.mu.Lock()
		live := n.mode.Live
		n.mu.Unlock()
		n.settlePublic(live)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-n.refresh:
		}
	}
}

// wanted returns the topics to read now.
func (n *Node) wanted() []uint8 {
	n.mu.Lock()
	mode := n.mode
	n.mu.Unlock()
	now := n.Now().Unix()
	var real []Shard
	for _, i := range n.Topics {
		real = append(real, Shard(i)<<(fullWidth-n.Cut.Bits))
	}
	if n.Groups != nil && mode.Live {
		for _, r := range n.Groups() {
			real = append(real, RealShards(r, now)...)
		}
	}
	switch {
	case n.Relay && mode.Relay:
		return n.served(real, now)
	case mode.Live && mode.Cover && len(real) > 0:
		return n.Cut.Joined(real, n.Secret, now)
	}
	return n.bare(real)
}

// bare returns the topics of shards without cover.
func (n *Node) bare(real []Shard) []uint8 {
	var in [1 << fullWidth]bool
	for _, s := range real {
		in[n.Cut.Index(s)] = true
	}
	var out []uint8
	for i := range n.Cut.Topics() {
		if in[i] {
			out = append(out, uint8(i))
		}
	}
	return out
}

// served returns the topics of a relay: its own and so many of the day's order, or all.
func (n *Node) served(real []Shard, now int64) []uint8 {
	most := n.Cut.Topics()
	if n.Shards > 0 {
		most = min(most, n.Shards)
	}
	for _, i := range n.Cut.cover(n.Secret, now/day/7*7*day)[:most] { // for a week: a relay that moves every day serves nobody
		real = append(real, Shard(i)<<(fullWidth-n.Cut.Bits))
	}
	return n.bare(real)
}
