package evm

import (
	"errors"
	"fmt"
	"time"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/wire"
)

const early = 500 * time.Millisecond // MAXIMUM_GOSSIP_CLOCK_DISPARITY

// Committee is Finality by the sync committees of a beacon chain.
type Committee struct {
	Spec *light.Spec
	// Threshold is the least number of signers of a head that is offered.
	Threshold int
	// WSPeriod is the age from which a checkpoint is refused.
	WSPeriod time.Duration
	// AllowOld lets an old one pass; then Weak is true.
	AllowOld bool
	Weak     bool

	store    *light.Store
	head     light.Header // the newest with enough signers
	signers  int
	conflict bool
}

// NewCommittee reads the beacon chain of a profile.
func NewCommittee(p *profile.Profile) (*Committee, error) {
	c := p.Chain
	if c == nil || c.Finality == profile.FinalityNone {
		return nil, fmt.Errorf("profile %s: %w", p.Name, ErrNoFinality)
	}
	s, err := light.SpecOf(c)
	if err != nil {
		return nil, err
	}
	out := &Committee{Spec: s, Threshold: int(c.Threshold), WSPeriod: time.Duration(c.WSPeriod) * time.Second}
	if out.Threshold == 0 {
		out.Threshold = (2*s.CommitteeSize + 2) / 3
	}
	return out, nil
}

// Proof is one container with its kind before it, as Verify takes it.
func Proof(k light.Kind, ssz []byte) []byte { return append([]byte{byte(k)}, ssz...) }

// Begin trusts the block of a root.
func (c *Committee) Begin(root Hash, ssz []byte, now time.Time) error {
	b, err := c.Spec.DecodeBootstrap(ssz)
	if err != nil {
		return err
	}
	st, err := light.NewStore(c.Spec, light.Root(root), b)
	if err != nil {
		return err
	}
	if st.Finalized.Exec == nil {
		return fmt.Errorf("a checkpoint before Capella: %w", light.ErrFork)
	}
	return c.adopt(st, "checkpoint", now)
}

func (c *Committee) adopt(st *light.Store, what string, now time.Time) error {
	age := now.Sub(time.Unix(c.Spec.TimeOf(st.Finalized.Beacon.Slot), 0))
	weak := age > c.WSPeriod
	if weak && !c.AllowOld {
		return fmt.Errorf("%s of slot %d is %v old, at most %v may pass: get a newer one from a contact's card, or in a signed bootstrap record, or give --checkpoint ROOT of a block you know to be right (--allow-old-checkpoint takes the risk): %w",
			what, st.Finalized.Beacon.Slot, days(age), days(c.WSPeriod), ErrOldCheckpoint)
	}
	c.store, c.head, c.Weak = st, st.Optimistic, c.Weak || weak
	return nil
}

func days(d time.Duration) string {
	if d < 48*time.Hour {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// Begun reports whether there is a store to go on from.
func (c *Committee) Begun() bool { return c.store != nil }

// Verify takes one container of a kind other than a bootstrap.
func (c *Committee) Verify(proof []byte, now time.Time) (Head, error) {
	if c.store == nil {
		return Head{}, ErrNoCheckpoint
	}
	if len(proof) == 0 {
		return Head{}, light.ErrSize
	}
	u, err := c.decode(light.Kind(proof[0]), proof[1:])
	if err != nil {
		return Head{}, err
	}
	slot := c.Spec.SlotAt(now.Add(early).UnixMilli())
	before := c.store.Finalized.Beacon.Slot
	if err := c.store.Process(u, slot); err != nil {
		return Head{}, err
	}
	c.offer(u)
	if c.store.Finalized.Beacon.Slot > max(before, c.head.Beacon.Slot) {
		c.head, c.signers = c.store.Finalized, 0
	}
	if c.conflict {
		return Head{}, ErrConflict
	}
	h, _ := c.Head()
	return h, nil
}

func (c *Committee) decode(k light.Kind, ssz []byte) (*light.Update, error) {
	return c.Spec.ReadUpdate(k, ssz)
}

// offer moves the head when enough signed. Equal slots with unequal blocks are a conflict: the committee is not
// punished for it, so it can happen.
func (c *Committee) offer(u *light.Update) {
	if u.Signers() < c.Threshold || u.Attested.Exec == nil {
		return
	}
	slot := u.Attested.Beacon.Slot
	switch {
	case slot > c.head.Beacon.Slot:
		c.head, c.signers = u.Attested, u.Signers()
	case slot == c.head.Beacon.Slot && u.Attested.Beacon.Root() != c.head.Beacon.Root():
		c.conflict = true
	case slot == c.head.Beacon.Slot:
		c.signers = max(c.signers, u.Signers())
	}
}

// Head is the newest block signed by enough of the committee.
func (c *Committee) Head() (Head, bool) {
	if c.store == nil || c.conflict {
		return Head{}, false
	}
	h := c.headOf(&c.head, Optimistic)
	h.Participation = float64(c.signers) / float64(c.Spec.CommitteeSize)
	return h, true
}

// Final is the newest finalized block.
func (c *Committee) Final() (Head, bool) {
	if c.store == nil || c.conflict {
		return Head{}, false
	}
	return c.headOf(&c.store.Finalized, Final), true
}

func (c *Committee) headOf(h *light.Header, l Level) Head {
	e := h.Exec
	return Head{Slot: h.Beacon.Slot, Number: e.Number, Hash: Hash(e.Hash), StateRoot: Hash(e.StateRoot), ReceiptsRoot: Hash(e.Receipts),
		Time: time.Unix(int64(e.Time), 0).UTC(), Level: l}
}

// want tells the first period whose update is needed, and how many there are up to now; 0 for none.
func (c *Committee) want(now time.Time) (period uint64, n int) {
	at, cur := c.Spec.Period(c.store.Finalized.Beacon.Slot), c.Spec.Period(c.Spec.SlotAt(now.UnixMilli()))
	if c.store.Next != nil {
		at++
	}
	if cur < at {
		return 0, 0
	}
	return at, int(min(cur-at+1, 1<<16))
}

// Stalled reports that nothing was finalized for a whole period.
func (c *Committee) Stalled(now time.Time) bool {
	return c.store != nil && c.Spec.SlotAt(now.UnixMilli()) > c.store.Finalized.Beacon.Slot+c.Spec.SlotsPerEpoch*c.Spec.EpochsPerPeriod
}

// Export keeps the store with the head that is offered.
func (c *Committee) Export() []byte {
	if c.store == nil {
		return nil
	}
	kept := *c.store
	kept.Optimistic = c.head
	return kept.Export()
}

// Import goes on from what Export wrote. An old one is refused like an old checkpoint.
func (c *Committee) Import(b []byte, now time.Time) error {
	st, err := light.DecodeStore(c.Spec, b)
	if err != nil {
		return err
	}
	if st.Finalized.Exec == nil || st.Optimistic.Exec == nil {
		return light.ErrFork
	}
	return c.adopt(st, "state kept here", now)
}

// blames reports whether an error speaks against the source.
func blames(err error) bool {
	return errors.Is(err, wire.ErrInvalid) && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrOldCheckpoint)
}
