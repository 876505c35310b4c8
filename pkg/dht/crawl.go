package dht

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// Caller calls nodes for a crawl.
type Caller interface {
	Call(ctx context.Context, p Peer) (Talk, error)
}

// Talk is a conversation with one node.
type Talk interface {
	// FindNode asks for those nearest to what key hashes to. The error of a node of another network wraps ErrWrongNet.
	FindNode(ctx context.Context, key []byte) ([]Peer, error)
	// Hello asks what the node says of itself.
	Hello(ctx context.Context) (Hello, error)
	HangUp()
}

// Hello is what a peer says of itself when it is called.
type Hello struct {
	Agent     string
	Protocols []string
	Serves    bool // the DHT of this network
}

const (
	callTimeout = 5 * time.Second
	prefixes    = 16 // buckets that are asked for: nobody shares more bits with a node of a network below 2^16·20
)

// Crawl asks every node for all it knows, and those it names, until nobody is left. Set the fields and call Run.
type Crawl struct {
	Caller     Caller
	Workers    int // 0: 64
	Limit      int // most nodes asked; 0: no limit
	Neighbours bool
	Who        bool // ask each what it says of itself, too
	Net        string
	Now        func() time.Time
	Done       map[PeerID]bool        // asked in an earlier run
	Emit       func(NodeLine) error   // each node once, in one goroutine
	Heard      func(NodeLine) error   // each node once, when it is named first; nil: nobody keeps them
	Progress   func(asked, known int) // nil: nobody looks

	mu    sync.Mutex // guards below
	keys  prefixKeys
	named map[PeerID]bool
}

type visit struct {
	line  NodeLine
	named []Peer
}

// Run returns how many nodes were asked. Interrupted, it returns the context's error after what was found is told.
func (c *Crawl) Run(ctx context.Context, seeds []Peer) (asked int, err error) {
	c.named = map[PeerID]bool{}
	workers := c.Workers
	if workers < 1 {
		workers = 64
	}
	jobs, out := make(chan Peer), make(chan visit)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for p := range jobs {
				out <- c.visit(ctx, p)
			}
		})
	}
	defer wg.Wait()
	defer close(jobs)
	known := map[PeerID]bool{}
	var queue []Peer
	hear := func(list []Peer) {
		for _, p := range list {
			if !known[p.ID] {
				known[p.ID] = true
				if !c.Done[p.ID] {
					queue = append(queue, p)
					if c.Heard != nil && err == nil {
						err = c.Heard(c.line(p))
					}
				}
			}
		}
	}
	hear(seeds)
	for busy := 0; busy > 0 || len(queue) > 0 && err == nil && ctx.Err() == nil && (c.Limit == 0 || asked < c.Limit); {
		var send chan Peer
		var next Peer
		if len(queue) > 0 && err == nil && ctx.Err() == nil && (c.Limit == 0 || asked+busy < c.Limit) {
			send, next = jobs, queue[0]
		}
		select {
		case send <- next:
			queue = queue[1:]
			busy++
		case v := <-out:
			busy--
			asked++
			hear(v.named)
			if err == nil && (ctx.Err() == nil || v.line.Reachable) {
				err = c.Emit(v.line)
			}
			if c.Progress != nil {
				c.Progress(asked, len(known))
			}
		}
	}
	return asked, errors.Join(err, ctx.Err())
}

// visit asks one node for its buckets, over one connection.
func (c *Crawl) visit(ctx context.Context, p Peer) visit {
	v := visit{line: c.line(p)}
	v.line.Last = v.line.First
	call, cancel := context.WithTimeout(ctx, callTimeout)
	talk, err := c.Caller.Call(call, p)
	cancel()
	if err != nil {
		v.line.Error = fault(err)
		return v
	}
	defer talk.HangUp()
	v.named, err = c.buckets(ctx, talk, p, &v.line)
	if c.Who && (err == nil || errors.Is(err, ErrWrongNet)) {
		c.hello(ctx, talk, &v.line)
	}
	if v.line.Reachable = err == nil; err != nil {
		v.line.Error = fault(err)
	} else {
		v.line.OKCount = 1
	}
	if c.Neighbours {
		for _, n := range v.named {
			v.line.Neighbours = append(v.line.Neighbours, PeerName(n.ID))
		}
	}
	return v
}

// hello notes what a node says of itself. One that says nothing is no worse for it.
func (c *Crawl) hello(ctx context.Context, talk Talk, line *NodeLine) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if h, err := talk.Hello(ctx); err == nil {
		line.Agent, line.Protocols = h.Agent, h.Protocols
	}
}

// line is what is known of a node that was named and not asked yet.
func (c *Crawl) line(p Peer) NodeLine {
	return NodeLine{PeerID: PeerName(p.ID), NodeID: NodeID(p.ID).String(), Addrs: p.AddrNames(), Net: c.Net, First: c.Now().UTC()}
}

// buckets asks a node for those nearest to it, which is all of its near buckets, then for the others from the farthest on.
// It stops when two in turn name nobody new: to this crawl, or with Neighbours to this node. What was heard before a
// failure counts.
func (c *Crawl) buckets(ctx context.Context, talk Talk, p Peer, line *NodeLine) (named []Peer, err error) {
	at := NodeID(p.ID)
	seen := map[PeerID]bool{p.ID: true}
	idle, last := 0, prefixes-1
	for i := -1; i < last && idle < 2; i++ {
		key := []byte(p.ID) // hashes to where the node itself is
		if i >= 0 {
			key = c.key(at, i)
		}
		began := c.Now()
		list, err := findNode(ctx, talk, key)
		if err != nil {
			return named, err
		}
		if i < 0 {
			line.RTT = float64(c.Now().Sub(began).Microseconds()) / 1000
			last = widest(at, list) + 1
		}
		var fresh []Peer
		for _, n := range list {
			if !seen[n.ID] {
				seen[n.ID] = true
				fresh = append(fresh, n)
			}
		}
		named = append(named, fresh...)
		if idle++; c.news(fresh) > 0 {
			idle = 0
		}
	}
	return named, nil
}

func findNode(ctx context.Context, talk Talk, key []byte) ([]Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return talk.FindNode(ctx, key)
}

// widest is the bucket of the farthest of those nearest to a node: they fill all nearer ones, so those need not be asked
// for. With nobody it is the last.
func widest(at ID, list []Peer) int {
	bucket := prefixes - 2
	for _, n := range list { // the node itself may be among them, in the last bucket of all
		bucket = min(bucket, NodeID(n.ID).Distance(at).LeadingZeros())
	}
	return bucket
}

// news counts those whom nobody named before; with Neighbours all are.
func (c *Crawl) news(list []Peer) (n int) {
	if c.Neighbours {
		return len(list)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range list {
		if !c.named[p.ID] {
			c.named[p.ID] = true
			n++
		}
	}
	return n
}

func fault(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, ErrWrongNet):
		return "wrong-net"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	}
	return "dial"
}

// key returns bytes whose hash shares exactly so many first bits with id, at most 15.
func (c *Crawl) key(id ID, bits int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	from := binary.BigEndian.Uint16(id[:]) ^ 1<<(15-bits)
	return c.keys.within(from>>(15-bits)<<(15-bits), 1<<(15-bits))
}

// prefixKeys finds bytes whose hash begins with 16 given bits, or some in a range: a request carries what is hashed, so a point
// of the key space must be sought. The zero value has sought nothing yet.
type prefixKeys struct {
	by   map[uint16][]byte
	next uint64
}

func (k *prefixKeys) within(from uint16, count int) []byte {
	for i := range min(count, 64) { // where more would do, one of these is found soon
		if b := k.by[from+uint16(i)]; b != nil {
			return b
		}
	}
	if k.by == nil {
		k.by = map[uint16][]byte{}
	}
	for {
		b := binary.BigEndian.AppendUint64(nil, k.next)
		k.next++
		sum := sha256.Sum256(b)
		at := binary.BigEndian.Uint16(sum[:])
		if k.by[at] == nil {
			k.by[at] = b
		}
		if int(at) >= int(from) && int(at) < int(from)+count {
			return b
		}
	}
}
