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

// Caller is what a crawl needs of a network.
type Caller interface {
	Call(ctx context.Context, p Peer) (Hello, error)
	FindNode(ctx context.Context, p PeerID, key []byte) ([]Peer, error)
	HangUp(p PeerID)
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
	Net        string
	Now        func() time.Time
	Done       map[PeerID]bool        // asked in an earlier run
	Emit       func(NodeLine) error   // each node once, in one goroutine
	Heard      func(NodeLine) error   // each node once, when it is named first; nil: nobody keeps them
	Progress   func(asked, known int) // nil: nobody looks

	keys [][]byte // by the first 16 bits of their hash

	mu    sync.Mutex // guards named
	named map[PeerID]bool
}

type visit struct {
	line  NodeLine
	named []Peer
}

// Run returns how many nodes were asked. Interrupted, it returns the context's error after what was found is told.
func (c *Crawl) Run(ctx context.Context, seeds []Peer) (asked int, err error) {
	c.keys, c.named = prefixKeys(), map[PeerID]bool{}
	jobs, out := make(chan Peer), make(chan visit)
	var wg sync.WaitGroup
	for range max(c.Workers, 1) {
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
	hello, err := c.Caller.Call(call, p)
	cancel()
	if err != nil {
		v.line.Error = fault(err)
		return v
	}
	defer c.Caller.HangUp(p.ID)
	v.line.Agent, v.line.Protocols = hello.Agent, hello.Protocols
	if !hello.Serves {
		v.line.Error = "wrong-net"
		return v
	}
	v.named, err = c.buckets(ctx, p, &v.line)
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

// line is what is known of a node that was named and not asked yet.
func (c *Crawl) line(p Peer) NodeLine {
	return NodeLine{PeerID: PeerName(p.ID), NodeID: NodeID(p.ID).String(), Addrs: p.AddrNames(), Net: c.Net, First: c.Now().UTC()}
}

// buckets asks a node for those nearest to it, which is all of its near buckets, then for the others from the farthest on.
// It stops when two in turn name nobody new: to this crawl, or with Neighbours to this node. What was heard before a
// failure counts.
func (c *Crawl) buckets(ctx context.Context, p Peer, line *NodeLine) (named []Peer, err error) {
	at := NodeID(p.ID)
	seen := map[PeerID]bool{p.ID: true}
	idle, last := 0, prefixes-1
	for i := -1; i < last && idle < 2; i++ {
		bit := i
		if i < 0 {
			bit = prefixes - 1
		}
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		began := c.Now()
		list, err := c.Caller.FindNode(ctx, p.ID, c.key(at, bit))
		cancel()
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

// widest is the bucket of the farthest of those nearest to a node: they fill all nearer ones, so those need not be asked
// for. With nobody it is the last.
func widest(at ID, list []Peer) int {
	bucket := prefixes - 2
	for _, n := range list {
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
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	}
	return "dial"
}

// key returns bytes whose hash shares exactly so many first bits with id.
func (c *Crawl) key(id ID, bits int) []byte {
	return c.keys[binary.BigEndian.Uint16(id[:])^1<<(15-bits)]
}

// prefixKeys finds bytes for each 16-bit prefix: a request carries what is hashed, so a point of the key space must
// be sought.
func prefixKeys() [][]byte {
	out := make([][]byte, 1<<16)
	for n, left := uint64(0), len(out); left > 0; n++ {
		b := binary.BigEndian.AppendUint64(nil, n)
		sum := sha256.Sum256(b)
		if at := binary.BigEndian.Uint16(sum[:]); out[at] == nil {
			out[at] = b
			left--
		}
	}
	return out
}
