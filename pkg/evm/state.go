package evm

import (
	"context"
	"errors"
	"math"
	"net/url"
	"time"

	"github.com/pars-network/pars/pkg/evm/light"
)

// State is where a client stands.
type State string

// The states of a client.
const (
	Empty         State = "empty"         // nothing to begin with was found yet
	Bootstrapping State = "bootstrapping" // asking for the block of its checkpoint
	Syncing       State = "syncing"       // committees of past periods are missing
	Following     State = "following"
	Stale         State = "stale"       // the head is older than MaxAge
	Stalled       State = "stalled"     // nothing was finalized for a period
	Conflict      State = "conflict"    // a committee signed two blocks of one slot
	WrongClock    State = "wrong-clock" // three sources show well-signed blocks of the future
)

const (
	aheadSources = 3
	aheadFor     = 10 * time.Minute
)

// State tells where the client stands now.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Now()
	switch {
	case c.fin.conflict:
		return Conflict
	case c.wrongClock(now):
		return WrongClock
	case !c.fin.Begun() && c.beginning:
		return Bootstrapping
	case !c.fin.Begun():
		return Empty
	}
	if _, missing := c.fin.want(now); missing > 1 {
		return Syncing
	}
	switch h, _ := c.fin.Head(); {
	case c.fin.Stalled(now):
		return Stalled
	case now.Sub(time.Unix(c.fin.Spec.TimeOf(h.Slot), 0)) > MaxAge:
		return Stale
	}
	return Following
}

// From names who delivered what made the present head; empty: it was kept here.
func (c *Client) From() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.from
}

// Why is what the last Sync ended with.
func (c *Client) Why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// Weak reports whether the chain is followed from a checkpoint that was too old.
func (c *Client) Weak() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fin.Weak
}

// Offer takes a container that came unasked, and reports whether it moved the newest or the final head. One that is no
// news is no error; one that lies wraps wire.ErrInvalid. from names who brought it.
func (c *Client) Offer(k light.Kind, ssz []byte, from string) (fresh bool, err error) {
	before := c.mark()
	if err := c.taking(k)(ssz); err != nil {
		if errors.Is(err, light.ErrIrrelevant) {
			err = nil
		}
		return false, err
	}
	if fresh = c.mark() != before; fresh {
		c.moves(before, from)
		err = c.save()
	}
	return fresh, err
}

// News reports, without looking at a signature, whether a container could move a head.
func (c *Client) News(k light.Kind, ssz []byte) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fin.Begun() {
		return false, ErrNoCheckpoint
	}
	u, err := c.fin.decode(k, ssz)
	if err != nil {
		return false, err
	}
	return u.Attested.Beacon.Slot > c.fin.head.Beacon.Slot || k != light.KindOptimistic && u.Finalized.Beacon.Slot > c.fin.store.Finalized.Beacon.Slot, nil
}

// mark is where the heads are.
func (c *Client) mark() (m [2]uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fin.Begun() {
		m = [2]uint64{c.fin.head.Beacon.Slot, c.fin.store.Finalized.Beacon.Slot}
	}
	return m
}

// moves notes who brought a head that is newer than before.
func (c *Client) moves(before [2]uint64, from string) {
	if after := c.mark(); after[0] != before[0] {
		c.mu.Lock()
		c.from = from
		c.mu.Unlock()
	}
}

// SyncFinality is Sync for little: one question for the newest final block.
func (c *Client) SyncFinality(ctx context.Context) error { return c.syncs(ctx, false) }

// early notes a source whose container is of the future and well signed: when three show such, the clock is wrong.
func (c *Client) early(name string, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fin.Begun() {
		return
	}
	for _, k := range []light.Kind{light.KindOptimistic, light.KindFinality, light.KindUpdate} {
		u, err := c.fin.decode(k, b)
		if err != nil || u.Signers() < c.fin.Threshold || c.fin.store.Proves(u, math.MaxUint64) != nil {
			continue
		}
		if c.ahead == nil {
			c.ahead = map[string]time.Time{}
		}
		c.ahead[name] = c.Now()
		return
	}
}

func (c *Client) wrongClock(now time.Time) bool {
	n := 0
	for _, t := range c.ahead {
		if age := now.Sub(t); age >= 0 && age < aheadFor {
			n++
		}
	}
	return n >= aheadSources
}

// plainURL names a server without what may be secret in its URL: user, path and query, which often hold a key.
func plainURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "server"
	}
	name := u.Scheme + "://" + u.Host
	if u.User != nil || u.RawQuery != "" || len(u.Path) > 1 {
		name += "/…"
	}
	return name
}
