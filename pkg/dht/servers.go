package dht

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	maxHints    = 64
	askTogether = 8 // hints asked for their cards at a time
)

// ErrNoCard says that a node of whom a role was told does not show the card of it: it does not serve it, or not now.
var ErrNoCard = errors.New("it shows no card of this role")

// Challenge lets a server show that it can do what its card says. It is called on several goroutines.
type Challenge func(context.Context, Card) error

// Server is a node of whom a role was told, after it was asked.
type Server struct {
	Peer // with the addresses of its card, where it showed one
	Card Card
	Err  error // ErrNoCard, what is wrong with the card, or how the challenge failed; nil: it counts
}

// FindServers asks the directory for a role in so many of its 16 parts, and each of whom it tells for its card and, with
// try, to show what it can do. emit is called for one after the other, on this goroutine, also for those who failed; with
// false it ends the search. The order is one of chance, since ids can be chosen.
func (n *Node) FindServers(ctx context.Context, role Role, shards int, try Challenge, emit func(Server) bool) error {
	hints, err := n.FindRole(ctx, role, shards)
	if err != nil {
		return err
	}
	hints = slices.DeleteFunc(hints, func(p Peer) bool { return p.ID == PeerID(n.Host.ID()) })
	if err := mixed(n.Rand, hints, func(p Peer) []byte { return []byte(p.ID) }); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	todo, got := make(chan Peer, len(hints)), make(chan Server, len(hints)) // one place for each: no sender waits
	for _, p := range hints {
		todo <- p
	}
	close(todo)
	for range min(askTogether, len(hints)) {
		wg.Go(func() {
			for p := range todo {
				got <- n.examine(ctx, p, role, try)
			}
		})
	}
	for range hints {
		select {
		case s := <-got:
			if !emit(s) {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// examine asks one for its card and lets it show what it can do.
func (n *Node) examine(ctx context.Context, p Peer, role Role, try Challenge) Server {
	s := Server{Peer: p}
	if s.Card, s.Err = n.AskCard(ctx, p, role); s.Err != nil {
		return s
	}
	s.Peer = n.learned(p.ID, s.Card.Addrs)
	if len(s.Addrs) == 0 {
		s.Addrs = p.Addrs // a card may name no address: where it answered is one
	}
	if try != nil {
		ctx, cancel := context.WithTimeout(ctx, cardWithin)
		defer cancel()
		s.Err = try(ctx, s.Card)
	}
	return s
}

// mixed puts a list into an order of chance.
func mixed[T any](rnd io.Reader, list []T, name func(T) []byte) error {
	var key [32]byte
	if _, err := io.ReadFull(rnd, key[:]); err != nil {
		return fmt.Errorf("read randomness: %w", err)
	}
	place := func(x T) []byte {
		sum := sha256.Sum256(append(key[:], name(x)...))
		return sum[:]
	}
	slices.SortFunc(list, func(a, b T) int { return bytes.Compare(place(a), place(b)) })
	return nil
}

// shardOrder returns all parts of a directory in an order of chance.
func (n *Node) shardOrder() (out []uint8, err error) {
	for shard := range uint8(Shards) {
		out = append(out, shard)
	}
	return out, mixed(n.Rand, out, func(shard uint8) []byte { return []byte{shard} })
}

// Provide tells the nodes nearest to its shard's key that this one serves in a role, and returns how many took it.
func (n *Node) Provide(ctx context.Context, role Role) (int, error) {
	key := RoleKey(n.NetID, role, Shard(NodeID(PeerID(n.Host.ID()))))
	to, _, err := n.FindNearest(ctx, key, nil)
	if err != nil {
		return 0, err
	}
	acks := 0
	for _, ok := range n.each(ctx, peers(to), func(ctx context.Context, p Peer) error { return n.provide(ctx, p, key) }) {
		if ok {
			acks++
		}
	}
	return acks, nil
}

// Answers asks a seeder for two random places: it counts when it names others. It is the Challenge of that role.
func (n *Node) Answers(ctx context.Context, c Card) error {
	p := Peer{ID: c.Peer, Addrs: c.Addrs}
	if _, err := n.Call(ctx, p); err != nil {
		return err
	}
	for range 2 {
		var key [32]byte
		if _, err := io.ReadFull(n.Rand, key[:]); err != nil {
			return fmt.Errorf("read randomness: %w", err)
		}
		list, err := n.FindNode(ctx, p.ID, key[:])
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("%s names nobody: %w", PeerName(p.ID), wire.ErrNotFound)
		}
	}
	return nil
}

// FindRole returns peers that say, or of which others say, that they serve in a role: hints, at most 64, from so many
// shards drawn at random. A hint counts for nothing until the peer has shown its card and what it can do: FindServers.
func (n *Node) FindRole(ctx context.Context, role Role, shards int) ([]Peer, error) {
	order, err := n.shardOrder()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex // guards found
	found := map[PeerID]Peer{}
	var last error
	for _, shard := range order[:min(max(shards, 0), Shards)] {
		if len(found) >= maxHints || ctx.Err() != nil {
			break
		}
		l := n.lookup(Find, RoleKey(n.NetID, role, shard), 1)
		r := n.run(ctx, l, nil, func(ctx context.Context, a Ask) ([]Peer, []byte, error) {
			hints, closer, err := n.providers(ctx, a)
			mu.Lock()
			defer mu.Unlock()
			for _, p := range hints {
				if len(found) < maxHints {
					found[p.ID] = p
				}
			}
			return closer, nil, err
		})
		last = n.verdict(ctx, r, false)
	}
	if len(found) == 0 {
		return nil, last
	}
	var out []Peer
	for _, p := range found {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Peer) int { return compare(NodeID(a.ID), NodeID(b.ID)) })
	return out, nil
}
