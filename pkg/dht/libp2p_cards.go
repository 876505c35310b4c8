package dht

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	cardLife   = 24 * time.Hour
	cardFresh  = 10 * time.Second // a card is signed at most so often, however many ask
	cardWithin = 10 * time.Second // for one question and its answer
	maxAsking  = 64               // questions answered at a time
	maxRole    = 64               // bytes of a role's name
)

// Terms are what a card says beside role and place: the state of a chain for the evm roles, nil for others. They are
// asked for at most every ten seconds, on any goroutine. With an error the role is not served for now.
type Terms func(context.Context) (*ChainCard, error)

// Plain are the terms of a role that is of no chain.
func Plain(context.Context) (*ChainCard, error) { return nil, nil }

// Services answers who asks a host for its role cards. Set Host, NetID and Now, Start, Close. It outlives the instances of
// the table that the host runs.
type Services struct {
	Host  host.Host
	NetID [32]byte
	Now   func() time.Time
	Stake func(Role) []byte // the proof of a stake, or nothing; may be nil

	key  sig.Private
	slot chan struct{}
	wg   sync.WaitGroup

	mu     sync.Mutex // guards below
	closed bool
	served map[Role]*service
}

// service is one role.
type service struct {
	terms Terms

	mu   sync.Mutex // guards below
	card []byte
	at   time.Time
}

// CardProtocol is the id under which nodes of a network give their role cards.
func CardProtocol(netid [32]byte) string { return fmt.Sprintf("/pars/%x/role/1", netid[:4]) }

// Start begins to answer.
func (s *Services) Start() error {
	priv := s.Host.Peerstore().PrivKey(s.Host.ID())
	if priv == nil {
		return wire.Invalid("a host without its key")
	}
	raw, err := priv.Raw()
	if err != nil {
		return fmt.Errorf("key of the host: %w", err)
	}
	if pub, ok := peerKey(PeerID(s.Host.ID())); !ok || len(raw) < 32 || sig.FromSeed([32]byte(raw[:32])).Public() != pub {
		return wire.Invalid("a host whose key is not Ed25519")
	}
	s.key, s.slot, s.served = sig.FromSeed([32]byte(raw[:32])), make(chan struct{}, maxAsking), map[Role]*service{}
	s.Host.SetStreamHandler(protocol.ID(CardProtocol(s.NetID)), s.handle)
	return nil
}

// Close stops answering and waits for what is under way.
func (s *Services) Close() error {
	s.Host.RemoveStreamHandler(protocol.ID(CardProtocol(s.NetID)))
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

// Serve gives out cards of a role from now on.
func (s *Services) Serve(r Role, terms Terms) error {
	if _, err := ParseRole(string(r)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served[r] = &service{terms: terms}
	return nil
}

// Withdraw ends a role. Cards that are out count until their end; who asks anew gets none.
func (s *Services) Withdraw(r Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.served, r)
}

// Card returns the sealed card of a role that is served. One that is not is wire.ErrNotFound.
func (s *Services) Card(ctx context.Context, r Role) ([]byte, error) {
	s.mu.Lock()
	x := s.served[r]
	s.mu.Unlock()
	if x == nil {
		return nil, fmt.Errorf("role %q is not served here: %w", r, wire.ErrNotFound)
	}
	x.mu.Lock() // one asks for the terms, the others wait for what it gets
	defer x.mu.Unlock()
	now := s.Now()
	if x.card != nil && now.Sub(x.at) < cardFresh && !now.Before(x.at) {
		return x.card, nil
	}
	chain, err := x.terms(ctx)
	if err != nil {
		return nil, fmt.Errorf("terms of role %q: %w", r, err)
	}
	c := Card{Role: r, Peer: PeerID(s.Host.ID()), Chain: chain, NotAfter: uint64(now.Add(cardLife).Unix())}
	for _, a := range dialable(s.Host.Addrs()) {
		c.Addrs = append(c.Addrs, a.Bytes())
	}
	if s.Stake != nil {
		c.Stake = s.Stake(r)
	}
	b, err := c.Seal(s.NetID, s.key)
	if err != nil {
		return nil, err
	}
	x.card, x.at = b, now
	return b, nil
}

// enter reports whether one more may be answered. Who is, ends with leave.
func (s *Services) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	select {
	case s.slot <- struct{}{}:
		s.wg.Add(1)
		return true
	default:
		return false
	}
}

func (s *Services) leave() {
	<-s.slot
	s.wg.Done()
}

// handle answers one question: the name of a role, then the end of the stream; the card, or nothing, then the end.
func (s *Services) handle(st network.Stream) {
	defer st.Reset()
	if !s.enter() {
		return
	}
	defer s.leave()
	ctx, cancel := context.WithTimeout(context.Background(), cardWithin)
	defer cancel()
	defer context.AfterFunc(ctx, func() { st.Reset() })()
	name, err := io.ReadAll(io.LimitReader(st, maxRole+1))
	if err != nil || len(name) > maxRole {
		return
	}
	if b, err := s.Card(ctx, Role(name)); err == nil {
		if _, err := st.Write(b); err != nil {
			return
		}
	}
	st.Close()
}

// AskCard connects to a peer and asks for its card of a role. What is returned is signed by that peer for this network and
// names that role.
func (n *Node) AskCard(ctx context.Context, p Peer, role Role) (Card, error) {
	ctx, cancel := context.WithTimeout(ctx, cardWithin)
	defer cancel()
	ai := info(p)
	n.Host.Peerstore().AddAddrs(ai.ID, ai.Addrs, dialTTL)
	if err := n.Host.Connect(ctx, ai); err != nil {
		return Card{}, fmt.Errorf("connect to %s: %w", ai.ID, err)
	}
	st, err := n.Host.NewStream(network.WithNoDial(ctx, "role card"), ai.ID, protocol.ID(CardProtocol(n.NetID)))
	if err != nil {
		return Card{}, errors.Join(ErrNoCard, err)
	}
	defer st.Reset()
	defer context.AfterFunc(ctx, func() { st.Reset() })()
	if _, err = st.Write([]byte(role)); err == nil {
		err = st.CloseWrite()
	}
	if err != nil {
		return Card{}, errors.Join(ErrNoCard, err)
	}
	b, err := io.ReadAll(io.LimitReader(st, MaxCard+1))
	if err != nil || len(b) == 0 {
		return Card{}, errors.Join(ErrNoCard, err)
	}
	c, err := DecodeCard(b, n.NetID, n.Now().Unix())
	switch {
	case err != nil:
		return Card{}, err
	case c.Peer != p.ID:
		return Card{}, wire.Invalid("role card of another node")
	case c.Role != role:
		return Card{}, wire.Invalid("role card of %q, asked for %q", c.Role, role)
	}
	return c, nil
}

// learned is a peer at the addresses that it names itself, as far as they can be dialled.
func (n *Node) learned(id PeerID, addrs [][]byte) Peer {
	return n.peer(info(Peer{ID: id, Addrs: addrs}), Learned)
}
