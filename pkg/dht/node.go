package dht

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	rpcTimeout = 5 * time.Second
	leastWait  = 300 * time.Millisecond
	knownTrips = 20       // round trips known before they shorten the wait
	border     = 2 * 3600 // seconds around the turn of a day in which two days are asked for
)

// lookup prepares a look-up from what the node knows of the network.
func (n *Node) lookup(purpose Purpose, key []byte, paths int) *Lookup {
	n.mu.Lock()
	n.size.Seen = max(n.size.Seen, n.Known())
	size := n.size.Estimate()
	n.mu.Unlock()
	l := &Lookup{Key: key, Purpose: purpose, Self: PeerID(n.Host.ID()), Paths: paths, Size: size, Newer: newer}
	io.ReadFull(n.Rand, l.Seed[:]) // without randomness the points are those of zero: foreseeable, not wrong
	now := n.Now().Unix()
	l.Check = func(v []byte) bool { return Validator{n.NetID}.Validate(key, v, now) == nil }
	return l
}

// Estimate looks up rounds random places, counts the network by what it finds, and returns how many servers there are.
func (n *Node) Estimate(ctx context.Context, rounds int) float64 {
	for range rounds {
		var key [32]byte
		if _, err := io.ReadFull(n.Rand, key[:]); err != nil {
			break
		}
		l := n.lookup(Find, key[:], 1)
		n.run(ctx, l, nil, nil)
		target, _ := l.Target()
		n.mu.Lock()
		n.size.Add(target, l.Nearest(K))
		n.size.Seen = max(n.size.Seen, n.Known())
		n.mu.Unlock()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.size.Estimate()
}

// measure counts a network that is larger than the table, once, before a region's extent depends on it.
func (n *Node) measure(ctx context.Context) {
	n.mu.Lock()
	enough := n.size.Count() >= 3 || n.Known() < minRegion
	n.mu.Unlock()
	if !enough {
		n.Estimate(ctx, 3)
	}
}

// SetSize tells what an earlier run found.
func (n *Node) SetSize(last float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.size.Last = last
}

type outcome struct {
	n      int
	closer []Peer
	value  []byte
	err    error
}

// run plays l over the network and returns when it is done or ctx is. emit may be nil; ask is what a request is sent
// by, nil for FIND_NODE and FIND_VALUE.
func (n *Node) run(ctx context.Context, l *Lookup, emit func(Hop), ask func(context.Context, Ask) ([]Peer, []byte, error)) Result {
	if ask == nil {
		ask = func(ctx context.Context, a Ask) ([]Peer, []byte, error) {
			return n.ask(ctx, l.Purpose == Get && a.Main, a)
		}
	}
	seeds := n.near(NodeID(PeerID(l.Key)), 2*K)
	if len(seeds) < K && n.Seeds != nil {
		seeds = append(seeds, n.Seeds()...)
	}
	began := n.Now()
	clock := func() time.Duration { return n.Now().Sub(began).Truncate(time.Microsecond) }
	t := &Traced{Lookup: l, Name: PeerName, Emit: emit, Start: TraceStart{NetID: fmt.Sprintf("%x", n.NetID), Unix: began.Unix()}}
	asks := t.Begin(seeds, 0)
	ctx, cancel := context.WithTimeout(ctx, l.Time)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	got := make(chan outcome, l.RPCs) // one place for each request there can be: no sender waits
	for !t.Result().Done {
		for _, a := range asks {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, n.patience())
				defer cancel()
				closer, value, err := ask(ctx, a)
				got <- outcome{a.N, closer, value, err}
			})
		}
		select {
		case o := <-got:
			if o.err != nil {
				asks = t.Fail(o.n, reason(o.err), clock())
			} else {
				asks = t.Answer(o.n, o.closer, o.value, clock())
			}
		case <-ctx.Done():
			asks = t.Tick(max(l.Time, clock()))
		}
	}
	return t.Result()
}

// reason is a word for a trace: errors of the network show addresses.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	return "failed"
}

// patience is how long a request may take: three times what nearly all took so far.
func (n *Node) patience() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.trips) < knownTrips {
		return rpcTimeout
	}
	list := slices.Clone(n.trips)
	slices.Sort(list)
	return min(rpcTimeout, max(leastWait, 3*list[len(list)*95/100]))
}

func (n *Node) took(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.trips = append(n.trips, d); len(n.trips) > 200 {
		n.trips = n.trips[100:]
	}
}

// FindNearest returns the nodes nearest to what key hashes to. emit may be nil.
func (n *Node) FindNearest(ctx context.Context, key []byte, emit func(Hop)) ([]Found, Result, error) {
	l := n.lookup(Find, key, 1)
	r := n.run(ctx, l, emit, nil)
	list := l.Found(K)
	return list, r, n.verdict(ctx, r, len(list) > 0)
}

// verdict is the error of a look-up: nobody to ask and nothing found are wire.ErrNotFound; a look-up that did not come
// to its end has not shown that there is nothing.
func (n *Node) verdict(ctx context.Context, r Result, found bool) error {
	switch {
	case found:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case r.Reason == "no-seeds":
		return fmt.Errorf("no node is known to ask: %w", wire.ErrNotFound)
	case r.Reason == "exhausted":
		return fmt.Errorf("nothing in its region after %d requests: %w", r.RPCs, wire.ErrNotFound)
	}
	return fmt.Errorf("look-up ended by its %s after %d requests: %w", r.Reason, r.RPCs, context.DeadlineExceeded)
}

// GetRecord returns the newest valid record under key that its region holds, on four paths. An error that wraps
// wire.ErrNotFound says that the region was asked and holds none.
func (n *Node) GetRecord(ctx context.Context, key Key, emit func(Hop)) (Result, error) {
	n.measure(ctx)
	l := n.lookup(Get, key.Bytes(), 4)
	r := n.run(ctx, l, emit, nil)
	return r, n.verdict(ctx, r, r.Value != nil)
}

// Stored says who took a record.
type Stored struct {
	Stored, Failed []Peer
	Region         int // servers in the region
	Estimate       float64
	Crowded        bool // more stand around the key than a network of that size puts there
}

// PutRecord stores a valid record with everybody in its region. An invalid one is refused before anything is sent.
func (n *Node) PutRecord(ctx context.Context, key Key, value []byte, emit func(Hop)) (Stored, error) {
	if err := (Validator{n.NetID}).Validate(key.Bytes(), value, n.Now().Unix()); err != nil {
		return Stored{}, err
	}
	n.measure(ctx)
	l := n.lookup(Put, key.Bytes(), 4)
	r := n.run(ctx, l, emit, nil)
	to, region, crowded := l.Storers(n.Secret)
	out := Stored{Region: region, Estimate: l.Size, Crowded: crowded}
	if err := n.verdict(ctx, r, len(to) > 0); err != nil {
		return out, err
	}
	ok := n.each(ctx, to, func(ctx context.Context, p Peer) error { return n.store(ctx, p, key.Bytes(), value) })
	for i, p := range to {
		if ok[i] {
			out.Stored = append(out.Stored, p)
		} else {
			out.Failed = append(out.Failed, p)
		}
	}
	return out, nil
}

// each sends to all at once and says who took it: a slow one fails alone.
func (n *Node) each(ctx context.Context, to []Peer, send func(context.Context, Peer) error) []bool {
	ok := make([]bool, len(to))
	var wg sync.WaitGroup
	for i, p := range to {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, rpcTimeout)
			defer cancel()
			ok[i] = send(ctx, p) == nil
		})
	}
	wg.Wait()
	return ok
}

// Announce seals and stores the record of the device whose rendezvous pair has the seed.
func (n *Node) Announce(ctx context.Context, g Group, seed [32]byte, d Draft) (Stored, error) {
	key, value, err := g.Seal(seed, d, n.Rand)
	if err != nil {
		return Stored{}, err
	}
	return n.PutRecord(ctx, key, value, nil)
}

// FindMember returns where the member with the rendezvous key a is. It asks for the session's day, and for those
// before and after near their borders or when the day has nothing.
func (n *Node) FindMember(ctx context.Context, g Group, a sig.Public, kind Kind) (Place, Record, error) {
	now := n.Now().Unix()
	days := []uint32{g.Epoch(now)}
	for _, at := range []int64{now - border, now + border} {
		if e := g.Epoch(at); !slices.Contains(days, e) {
			days = append(days, e)
		}
	}
	if len(days) == 1 {
		days = append(days, days[0]-1, days[0]+1)
	}
	var errs []error
	for _, e := range days {
		key, err := g.Key(a, kind, e)
		if err != nil {
			return Place{}, Record{}, err
		}
		r, err := n.GetRecord(ctx, key, nil)
		if err == nil {
			rec, p, err := g.Open(a, r.Value)
			if err == nil {
				return p, rec, nil
			}
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return Place{}, Record{}, errors.Join(errs...)
}

func peers(list []Found) (out []Peer) {
	for _, f := range list {
		out = append(out, f.Peer)
	}
	return out
}

// FindPeer asks for the addresses of one peer, whether it serves the DHT or only asks: those who are connected to it
// may tell. What it returns is a hint, which the handshake proves.
func (n *Node) FindPeer(ctx context.Context, id PeerID) (Peer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex // guards found
	var found Peer
	l := n.lookup(Find, []byte(id), 1)
	r := n.run(ctx, l, nil, func(ctx context.Context, a Ask) ([]Peer, []byte, error) {
		closer, _, err := n.ask(ctx, false, a)
		for _, p := range closer {
			if p.ID == id {
				mu.Lock()
				found = p
				mu.Unlock()
				cancel()
			}
		}
		return slices.DeleteFunc(closer, func(p Peer) bool { return p.ID == id }), nil, err
	})
	mu.Lock()
	defer mu.Unlock()
	if len(found.Addrs) > 0 {
		return found, nil
	}
	return Peer{}, n.verdict(ctx, r, false)
}
