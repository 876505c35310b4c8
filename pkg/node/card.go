package node

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/identity"
)

// What asking for the card may cost. Whoever has a code asks once a week.
const (
	askWithin  = 10 * time.Second
	asksAtOnce = 16
	askBurst   = 4 // of one peer, then
	askEvery   = 15 * time.Second
	asksBurst  = 64 // of all together, then
	asksEvery  = 500 * time.Millisecond
	maxAskers  = 1024
	cardTick   = 5 * time.Minute
)

// desk answers whoever has a code of this home with its full card, and keeps that card fresh.
type desk struct {
	n *Node

	mu   sync.Mutex // guards all below
	open int
	from map[peer.ID]*asker
	all  tokens
	why  error // that there is no card
}

// asker is a peer that asked.
type asker struct {
	tokens
	busy bool
}

// tokens are spent one an ask and come back with time.
type tokens struct {
	used float64
	last time.Time
}

// spend takes one; false when there is none.
func (k *tokens) spend(now time.Time, burst int, every time.Duration) bool {
	if d := now.Sub(k.last); d > 0 {
		k.used = max(0, k.used-d.Seconds()/every.Seconds())
	}
	k.last = now
	if k.used+1 > float64(burst) {
		return false
	}
	k.used++
	return true
}

func newDesk(n *Node) *desk { return &desk{n: n, from: map[peer.ID]*asker{}} }

func (n *Node) cardProtocol() protocol.ID { return protocol.ID(n.Profile.Protocol("card/1")) }

// start makes the card and answers.
func (d *desk) start(ctx context.Context) {
	d.n.host.SetStreamHandler(d.n.cardProtocol(), d.accept)
	d.n.wg.Go(func() { d.run(ctx) })
}

// run makes the card anew when it is due and erases old prekeys.
func (d *desk) run(ctx context.Context) {
	tick := time.NewTicker(cardTick)
	defer tick.Stop()
	for {
		_, _, err := d.n.ownCard()
		d.mu.Lock()
		if d.why == nil && err != nil {
			d.n.log.Warn("no card of this home", "why", err)
		}
		d.why = err
		d.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// alarm says why there is no card; empty when there is one.
func (d *desk) alarm() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.why == nil {
		return ""
	}
	return "nobody can get a card of this home: " + d.why.Error()
}

// ownCard returns the card with the roads of now.
func (n *Node) ownCard() (*identity.Card, []byte, error) {
	if n.Offline {
		return n.home.Cards.Own(nil, n.clock())
	}
	return n.home.Cards.Own(n.cardRoads(), n.clock())
}

// cardRoads are the addresses at which others may try this node, with its peer id; nil while there is no network, so that
// the card keeps those it has.
func (n *Node) cardRoads() (out [][]byte) {
	id, err := ma.NewComponent("p2p", n.host.ID().String())
	if err != nil {
		return nil
	}
	for _, a := range reachable(n.host.Addrs()) {
		if b := a.AppendComponent(id).Bytes(); !isLoopback(a) && len(b) <= identity.MaxRoad {
			out = append(out, b)
		}
	}
	return out
}

// enter begins the work of a stream, which Close waits for; false once the node is closed.
func (n *Node) enter() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.wg.Add(1)
	return true
}

// accept takes an ask.
func (d *desk) accept(s network.Stream) {
	if !d.n.enter() {
		s.Reset()
		return
	}
	defer d.n.wg.Done()
	p := s.Conn().RemotePeer()
	if !d.n.awake() || !d.admit(p) {
		s.Reset()
		return
	}
	defer d.leave(p)
	stop := context.AfterFunc(d.n.ctx, func() { s.Reset() })
	defer stop()
	if err := d.answer(s); err != nil {
		d.n.log.Debug("card not given", "peer", short(p), "why", err)
	}
	s.Close()
}

// admit lets a peer ask when it has no other ask open, and neither it nor all together asked too much.
func (d *desk) admit(p peer.ID) bool {
	now := d.n.clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.from[p]
	if a == nil {
		if d.forget(now); len(d.from) >= maxAskers {
			return false
		}
		a = &asker{}
		d.from[p] = a
	}
	if a.busy || d.open >= asksAtOnce || !a.spend(now, askBurst, askEvery) || !d.all.spend(now, asksBurst, asksEvery) {
		return false
	}
	a.busy = true
	d.open++
	return true
}

// forget drops those who may ask again as if for the first time, once there are too many.
func (d *desk) forget(now time.Time) {
	if len(d.from) < maxAskers {
		return
	}
	for p, a := range d.from {
		if !a.busy && now.Sub(a.last) > askBurst*askEvery {
			delete(d.from, p)
		}
	}
}

func (d *desk) leave(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	d.from[p].busy = false
}

var errNoCode = errors.New("it has no code that counts")

// answer draws a nonce, reads the proof that the asker has a code, and gives the card. Whoever has none learns nothing.
func (d *desk) answer(s network.Stream) error {
	if err := s.SetDeadline(time.Now().Add(askWithin)); err != nil {
		return err
	}
	var nonce [identity.AskNonceSize]byte
	if _, err := io.ReadFull(d.n.home.cfg.Rand, nonce[:]); err != nil {
		return fmt.Errorf("read randomness: %w", err)
	}
	if _, err := s.Write(nonce[:]); err != nil {
		return err
	}
	var ask [32]byte
	if _, err := io.ReadFull(s, ask[:]); err != nil {
		return err
	}
	if !d.knows(nonce, ask, s.Conn().RemotePeer()) {
		return errNoCode
	}
	_, b, err := d.n.ownCard()
	if err != nil {
		return err
	}
	_, err = s.Write(b)
	return err
}

// knows reports whether an ask proves one of the codes that count.
func (d *desk) knows(nonce [identity.AskNonceSize]byte, ask [32]byte, from peer.ID) bool {
	list, err := d.n.home.Cards.Codes(d.n.clock())
	if err != nil {
		d.n.log.Warn("nobody can ask for the card", "why", err)
	}
	for _, c := range list {
		want := c.Card.Ask(nonce, string(from), string(d.n.host.ID()))
		if hmac.Equal(want[:], ask[:]) {
			return true
		}
	}
	return false
}
