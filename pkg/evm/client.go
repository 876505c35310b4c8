package evm

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/evm/proof"
	"github.com/pars-network/pars/pkg/profile"
)

// Files keeps small files under names with slashes. It is what is used of pkg/store, whose engine a light client does
// not need.
type Files interface {
	// ReadFile returns the content, or an error that Is fs.ErrNotExist.
	ReadFile(name string) ([]byte, error)
	// WriteAtomic replaces it: after a crash the old or the new content stands there.
	WriteAtomic(name string, data []byte) error
}

// MaxAge is the age from which a head is stale.
const MaxAge = 3 * time.Minute

// Client follows one chain. Set the fields, then Open.
type Client struct {
	Profile *profile.Profile
	Sources []Source
	RPCs    []*RPC
	// Peers are asked beside them, as they are at the moment of a question. May be nil.
	Peers func() []Peer
	// Lights are asked for containers beside them. May be nil.
	Lights func() []Source
	// Blame is told who delivered what does not verify. May be nil.
	Blame func(name string, err error)
	// Submit hands a signed transaction to peers that pass it on; when it fails, or is nil, the servers get it. May be nil.
	Submit func(ctx context.Context, raw []byte) error
	// Files keeps the state across restarts; nil keeps nothing.
	Files Files
	// Now is the clock.
	Now func() time.Time
	// Checkpoint is the block root to begin with. It goes before what is kept, which goes before that of the profile.
	Checkpoint Hash
	// AllowOld follows from a checkpoint older than the weak-subjectivity period; every Mark then says Weak.
	AllowOld bool
	// Stale answers from a head of any age.
	Stale bool
	// Keep is told every container that verified: a folder for couriers. May be nil.
	Keep func(name string, ssz []byte) error

	fin    *Committee
	chain  *proof.Chain
	engine proof.Engine
	root   Hash // of the profile; zero: none
	bad    penalties

	mu     sync.Mutex // guards fin and what follows
	kept   []byte
	tip    *proof.Block
	final  *proof.Block
	proofs map[Hash][]byte // the update that proved a block, as Verify takes it
	why    error           // what the last Sync ended with
	from   string          // who brought the head

	beginning bool
	ahead     map[string]time.Time // sources that showed the future
}

// Open reads the profile and the state kept here. A kept state that is too old is not an error while there is a
// checkpoint to begin with; what is damaged is left out.
func (c *Client) Open() error {
	fin, err := NewCommittee(c.Profile)
	if err != nil {
		return err
	}
	config, err := proof.ConfigOf(c.Profile)
	if err != nil {
		return err
	}
	fin.AllowOld = c.AllowOld
	c.fin, c.chain = fin, &proof.Chain{Config: config}
	c.engine = proof.Engine{Config: config, Foreign: proof.Foreign(c.Profile)}
	if c.Checkpoint != (Hash{}) {
		return nil
	}
	if c.Profile.Chain.Checkpoint != "" {
		if c.root, err = ParseHash(c.Profile.Chain.Checkpoint); err != nil {
			return err
		}
	}
	return c.load()
}

func (c *Client) file() string {
	id := c.fin.Spec.ID()
	return "evm/" + hex.EncodeToString(id[:4]) + ".light"
}

func (c *Client) load() error {
	if c.Files == nil {
		return nil
	}
	b, err := c.Files.ReadFile(c.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.fin.Import(b, c.Now()); err != nil {
		if c.root != (Hash{}) {
			return nil // begin anew
		}
		return err
	}
	c.kept = b
	c.moved()
	return nil
}

// moved takes over the heads of fin; mu is held or nobody else knows c.
func (c *Client) moved() {
	s := c.fin.Spec
	if c.tip == nil || c.tip.Hash != common.Hash(c.fin.head.Exec.Hash) {
		c.tip = proof.BlockOf(s, &c.fin.head)
		c.chain.Keep(c.tip)
	}
	if f := &c.fin.store.Finalized; c.final == nil || c.final.Hash != common.Hash(f.Exec.Hash) {
		c.final = proof.BlockOf(s, f)
		c.chain.Keep(c.final)
	}
}

// Spec is the beacon chain of the profile, for making sources. Call it after Open.
func (c *Client) Spec() *light.Spec { return c.fin.Spec }

// Sync brings the head up to date with one round of questions. A read after a failed Sync answers from the head that
// there is, until it is stale.
func (c *Client) Sync(ctx context.Context) error { return c.syncs(ctx, true) }

func (c *Client) syncs(ctx context.Context, optimistic bool) error {
	err := c.sync(ctx, optimistic)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.why = err
	return err
}

func (c *Client) sync(ctx context.Context, optimistic bool) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	if err := c.periods(ctx); err != nil {
		return err
	}
	finality := c.race(ctx, true, func(ctx context.Context, s Source) ([][]byte, error) { return single(s.Finality(ctx)) }, c.taking(light.KindFinality))
	if !optimistic {
		return errors.Join(finality, c.save())
	}
	err := c.race(ctx, true, func(ctx context.Context, s Source) ([][]byte, error) { return single(s.Optimistic(ctx)) }, c.taking(light.KindOptimistic))
	if errors.Is(finality, ErrConflict) || err != nil && finality != nil && !errors.Is(finality, ErrNone) {
		err = errors.Join(err, finality)
	}
	return errors.Join(err, c.save())
}

func single(b []byte, err error) ([][]byte, error) {
	if err != nil {
		return nil, err
	}
	return [][]byte{b}, nil
}

func (c *Client) begin(ctx context.Context) error {
	c.mu.Lock()
	begun := c.fin.Begun()
	c.beginning = !begun && (c.Checkpoint != Hash{} || c.root != Hash{})
	c.mu.Unlock()
	if begun {
		return nil
	}
	root := c.Checkpoint
	if root == (Hash{}) {
		root = c.root
	}
	if root == (Hash{}) {
		return fmt.Errorf("%w: give --checkpoint ROOT, the root of a finalized block from somebody you trust", ErrNoCheckpoint)
	}
	err := c.race(ctx, false, func(ctx context.Context, s Source) ([][]byte, error) { return single(s.Bootstrap(ctx, root)) },
		func(b []byte) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			if err := c.fin.Begin(root, b, c.Now()); err != nil {
				return err
			}
			c.moved()
			return c.keep(light.KindBootstrap, root.String(), b)
		})
	if err != nil {
		return fmt.Errorf("checkpoint %v: %w", root, err)
	}
	return nil
}

func (c *Client) keep(k light.Kind, what string, b []byte) error {
	if c.Keep == nil {
		return nil
	}
	return c.Keep(FileOf(k, what), b)
}

// taking returns what verifies containers of a kind.
func (c *Client) taking(k light.Kind) func([]byte) error {
	return func(b []byte) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		p := Proof(k, b)
		if _, err := c.fin.Verify(p, c.Now()); err != nil {
			return err
		}
		c.moved()
		if k != light.KindUpdate {
			c.remember(p)
		}
		what := ""
		if k == light.KindUpdate {
			u, err := c.fin.Spec.DecodeUpdate(b)
			if err != nil {
				return err
			}
			what = strconv.FormatUint(c.fin.Spec.Period(u.Attested.Beacon.Slot), 10)
		}
		return c.keep(k, what, b)
	}
}

// remember keeps the proof of the present heads only.
func (c *Client) remember(p []byte) {
	old := c.proofs
	c.proofs = map[Hash][]byte{}
	for _, b := range []*proof.Block{c.tip, c.final} {
		if u, err := c.fin.decode(light.Kind(p[0]), p[1:]); err == nil && (headerOf(u, b.Hash) != nil) {
			c.proofs[Hash(b.Hash)] = p
		} else if q := old[Hash(b.Hash)]; q != nil {
			c.proofs[Hash(b.Hash)] = q
		}
	}
}

// headerOf finds the header of a block hash in an update.
func headerOf(u *light.Update, hash common.Hash) *light.Header {
	for _, h := range []*light.Header{&u.Attested, &u.Finalized} {
		if h.Exec != nil && common.Hash(h.Exec.Hash) == hash {
			return h
		}
	}
	return nil
}

// periods fetches the updates between the store's period and today's.
func (c *Client) periods(ctx context.Context) error {
	for n := MaxUpdates; ; {
		c.mu.Lock()
		period, missing := c.fin.want(c.Now())
		c.mu.Unlock()
		if missing == 0 {
			return nil
		}
		n = min(n, missing)
		err := c.race(ctx, false, func(ctx context.Context, s Source) ([][]byte, error) { return s.Updates(ctx, period, n) }, c.taking(light.KindUpdate))
		c.mu.Lock()
		after, left := c.fin.want(c.Now())
		c.mu.Unlock()
		switch {
		case left == 0:
			return nil
		case after > period:
		case err != nil && n > 1: // some servers refuse a range that reaches a period without one
			n = 1
		case err != nil && missing > 1 && !errors.Is(err, light.ErrFuture):
			return fmt.Errorf("committee of period %d: %w", period, err)
		case err == nil && missing > 1:
			return fmt.Errorf("the best update of period %d proves no final block in it: the chain did not finalize then, and nobody can be followed over that gap; begin at a newer checkpoint", period)
		default:
			return nil // today's period may have none yet
		}
	}
}

func (c *Client) save() error {
	if c.Files == nil {
		return nil
	}
	c.mu.Lock()
	b := c.fin.Export()
	same := bytes.Equal(b, c.kept)
	c.kept = b
	c.mu.Unlock()
	if same || b == nil {
		return nil
	}
	return c.Files.WriteAtomic(c.file(), b)
}

// Follow keeps the head up to date until the context ends, and tells each new one. tell may be nil.
func (c *Client) Follow(ctx context.Context, tell func(Head)) error {
	var last Head
	for {
		err := c.Sync(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fatal(err) {
			return err
		}
		if h, ok := c.Head(); ok && h.Hash != last.Hash {
			if last = h; tell != nil {
				tell(h)
			}
		}
		per := time.Duration(c.fin.Spec.SecondsPerSlot) * time.Second
		since := c.Now().Sub(time.Unix(int64(c.fin.Spec.GenesisTime), 0)) % per
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After((per-since)%per + per/2):
		}
	}
}

func fatal(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrOldCheckpoint) || errors.Is(err, ErrNoCheckpoint)
}

// Head is the newest verified head; Final the newest final one.
func (c *Client) Head() (Head, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fin.Head()
}

// Final is the newest verified final head.
func (c *Client) Final() (Head, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fin.Final()
}

// Stalled reports that nothing was finalized for a whole committee period.
func (c *Client) Stalled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fin.Stalled(c.Now())
}
