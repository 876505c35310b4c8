package node

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/gossip"
)

const (
	falseRate  = 0.2 // signatures that do not verify, a second and bearer
	falseBurst = 4
	falseAll   = 16 // times as much of all bearers together
	maxBearers = 1024
)

// topic is the public one of a chain's newest updates: /pars/<netid8>/g/evm/1/<tag>. A message is what a bundle's record
// holds: tag 8 ‖ kind u8 ‖ the bare container.
func (f *follower) topic() []gossip.Public {
	if f == nil {
		return nil
	}
	return []gossip.Public{{Name: f.topicName(), Max: 9 + f.c.Spec().MaxSize(light.KindFinality), Judge: f.judge}}
}

func (f *follower) topicName() string { return "evm/1/" + hex.EncodeToString(f.tag()) }

func (f *follower) tag() []byte {
	id := f.c.Spec().ID()
	return id[:8]
}

// judge verifies an update before it is passed on. What is no news, or cannot be told yet, goes no further; who passes on
// what no honest node can have believed pays for it.
func (f *follower) judge(from gossip.PeerID, b []byte) gossip.Verdict {
	v := f.verdict(from, b)
	f.count(func(c *chainCounts) {
		switch v {
		case gossip.Accept:
			c.heard++
		case gossip.Reject:
			c.refused++
		}
	})
	return v
}

func (f *follower) verdict(from gossip.PeerID, b []byte) gossip.Verdict {
	if len(b) < 10 || !bytes.Equal(b[:8], f.tag()) {
		return gossip.Reject
	}
	k := light.Kind(b[8])
	if k != light.KindFinality && k != light.KindOptimistic {
		return gossip.Reject
	}
	news, err := f.c.News(k, b[9:])
	if err != nil {
		return blamed(err)
	}
	if !news || !f.affords(from) {
		return gossip.Ignore
	}
	fresh, err := f.c.Offer(k, b[9:], "gossip "+short(peer.ID(from)))
	switch {
	case err != nil:
		f.n.log.Debug("update heard", "peer", short(peer.ID(from)), "why", err)
		return blamed(err)
	case !fresh:
		return gossip.Ignore
	}
	f.refund(from)
	return gossip.Accept
}

// blamed tells what an error says of the bearer: a fork or a committee that is not known here is no fault of theirs.
func blamed(err error) gossip.Verdict {
	for _, e := range []error{light.ErrSize, light.ErrSigners, light.ErrSlots, light.ErrBranch, light.ErrSignature} {
		if errors.Is(err, e) {
			return gossip.Reject
		}
	}
	return gossip.Ignore
}

// purse is what verifications may cost. It fills up with time.
type purse struct {
	left float64
	at   time.Time
}

func (p *purse) pay(now time.Time, times float64) bool {
	p.left = min(times*falseBurst, p.left+times*falseRate*max(0, now.Sub(p.at).Seconds()))
	p.at = now
	if p.left < 1 {
		return false
	}
	p.left--
	return true
}

// affords pays for one verification out of the purse of a bearer and that of all. Who brings what is true gets it back.
func (f *follower) affords(from gossip.PeerID) bool {
	now := f.n.clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.purses == nil || len(f.purses) >= maxBearers {
		f.purses = map[gossip.PeerID]*purse{"": f.purse("")}
	}
	return f.purse(from).pay(now, 1) && f.purse("").pay(now, falseAll)
}

// purse returns that of a bearer, a new one full; mu is held.
func (f *follower) purse(from gossip.PeerID) *purse {
	p := f.purses[from]
	if p == nil {
		p = &purse{left: falseAll * falseBurst, at: f.n.clock()}
		if f.purses != nil {
			f.purses[from] = p
		}
	}
	return p
}

func (f *follower) refund(from gossip.PeerID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.purse(from).left++
	f.purse("").left++
}

// tell passes on what verified here and did not come by gossip: what did is known to the overlay already.
func (f *follower) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-f.heard:
			f.publish(ctx, c)
		}
	}
}

func (f *follower) publish(ctx context.Context, c evm.Container) {
	m := f.n.mail
	if m == nil || !m.on.Load() || !f.n.awake() {
		return
	}
	b := append(append(bytes.Clone(f.tag()), byte(c.Kind)), c.SSZ...)
	if err := m.g.PublishPublic(ctx, f.topicName(), b); err == nil {
		f.count(func(c *chainCounts) { c.told++ })
	} else if !errors.Is(err, gossip.ErrPublic) && ctx.Err() == nil {
		f.n.log.Debug("update not passed on", "why", err)
	}
}
