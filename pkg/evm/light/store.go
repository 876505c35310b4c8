package light

import "errors"

// Store is LightClientStore.
type Store struct {
	Finalized  Header
	Optimistic Header
	Current    *Committee
	Next       *Committee // nil: not known yet
	Best       *Update    // nil: none
	PrevMax    int        // most signers seen in the period before
	CurMax     int        // and in this one

	spec   *Spec
	points map[[32]byte]keys // of committees in use
}

// NewStore is initialize_light_client_store: the block of the root is believed, and all that follows from it.
func NewStore(s *Spec, trusted Root, b *Bootstrap) (*Store, error) {
	f := s.ForkAt(b.Header.Beacon.Slot).shape()
	if err := s.checkHeader(&b.Header, f); err != nil {
		return nil, err
	}
	if b.Header.Beacon.Root() != trusted {
		return nil, because(ErrRoot, "got %v want %v", b.Header.Beacon.Root(), trusted)
	}
	if !leads(b.Current.Root(), b.Branch, f.current, b.Header.Beacon.StateRoot) {
		return nil, because(ErrBranch, "current committee")
	}
	st := &Store{Finalized: b.Header, Optimistic: b.Header, Current: b.Current, spec: s}
	_, err := st.keysOf(b.Current)
	return st, err
}

// NewStoreAt trusts a header and the committee of its period, as a store that stood there would.
func NewStoreAt(s *Spec, h Header, current *Committee) *Store {
	return &Store{Finalized: h, Optimistic: h, Current: current, spec: s}
}

// Spec returns the chain the store follows.
func (st *Store) Spec() *Spec { return st.spec }

func (st *Store) keysOf(c *Committee) (keys, error) {
	id := c.sum()
	if k, ok := st.points[id]; ok {
		return k, nil
	}
	k, err := c.points()
	if err != nil {
		return nil, err
	}
	if st.points == nil || len(st.points) >= 3 {
		st.points = map[[32]byte]keys{}
	}
	st.points[id] = k
	return k, nil
}

func (u *Update) hasNext() bool     { return !allZero(u.NextBranch) }
func (u *Update) hasFinality() bool { return !allZero(u.FinalityBranch) }

// HasFinality reports whether the update proves a finalized header.
func (u *Update) HasFinality() bool { return u.hasFinality() }

// Signers is the number of members that signed.
func (u *Update) Signers() int { return u.signers() }

// check is validate_light_client_update, the cheap checks first.
func (st *Store) check(u *Update, now uint64) error {
	s := st.spec
	f := s.ForkAt(u.Attested.Beacon.Slot).shape()
	if u.signers() == 0 {
		return ErrSigners
	}
	attested, finalized := u.Attested.Beacon.Slot, u.Finalized.Beacon.Slot
	switch {
	case !(u.SigSlot > attested && attested >= finalized):
		return because(ErrSlots, "finalized %d, attested %d, signed %d", finalized, attested, u.SigSlot)
	case now < u.SigSlot:
		return because(ErrFuture, "slot %d, now %d", u.SigSlot, now)
	}
	own, signed := s.Period(st.Finalized.Beacon.Slot), s.Period(u.SigSlot)
	if signed != own && (st.Next == nil || signed != own+1) {
		return because(ErrPeriod, "period %d, at %d", signed, own)
	}
	brings := st.Next == nil && u.hasNext() && s.Period(attested) == own
	if attested <= st.Finalized.Beacon.Slot && !brings {
		return because(ErrIrrelevant, "slot %d is not after %d", attested, st.Finalized.Beacon.Slot)
	}
	return st.proves(u, f, own, signed)
}

// Proves checks an update that need not be news: whether its headers were signed by a committee the store knows.
func (st *Store) Proves(u *Update, now uint64) error {
	err := st.check(u, now)
	if !errors.Is(err, ErrIrrelevant) {
		return err
	}
	s := st.spec
	return st.proves(u, s.ForkAt(u.Attested.Beacon.Slot).shape(), s.Period(st.Finalized.Beacon.Slot), s.Period(u.SigSlot))
}

// proves is what of the check costs hashes and pairings. signed is the store's own period or the one after.
func (st *Store) proves(u *Update, f shape, own, signed uint64) error {
	s := st.spec
	if err := s.checkHeader(&u.Attested, f); err != nil {
		return err
	}
	if err := s.checkFinality(u, f); err != nil {
		return err
	}
	if err := st.checkNext(u, f, own); err != nil {
		return err
	}
	by := st.Current
	if signed != own {
		by = st.Next
	}
	k, err := st.keysOf(by)
	if err != nil {
		return err
	}
	return s.checkSignature(u, k)
}

func (s *Spec) checkFinality(u *Update, f shape) error {
	if !u.hasFinality() {
		if !u.Finalized.isEmpty(f) {
			return because(ErrBranch, "finalized header without its branch")
		}
		return nil
	}
	var root Root
	if u.Finalized.Beacon.Slot != 0 {
		if err := s.checkHeader(&u.Finalized, f); err != nil {
			return err
		}
		root = u.Finalized.Beacon.Root()
	} else if !u.Finalized.isEmpty(f) {
		return because(ErrBranch, "finalized header of slot 0")
	}
	if !leads(root, u.FinalityBranch, f.finalized, u.Attested.Beacon.StateRoot) {
		return because(ErrBranch, "finalized header")
	}
	return nil
}

func (st *Store) checkNext(u *Update, f shape, own uint64) error {
	if !u.hasNext() {
		if !u.Next.isEmpty() {
			return because(ErrBranch, "next committee without its branch")
		}
		return nil
	}
	if st.spec.Period(u.Attested.Beacon.Slot) == own && st.Next != nil && u.Next.sum() != st.Next.sum() {
		return because(ErrBranch, "another next committee than before")
	}
	if !leads(u.Next.Root(), u.NextBranch, f.next, u.Attested.Beacon.StateRoot) {
		return because(ErrBranch, "next committee")
	}
	return nil
}

// Process is process_light_client_update. now is the slot of the caller's clock. An error leaves the store as it was.
func (st *Store) Process(u *Update, now uint64) error {
	if err := st.check(u, now); err != nil {
		return err
	}
	s, n := st.spec, u.signers()
	if st.Best == nil || s.better(u, st.Best) {
		st.Best = u
	}
	st.CurMax = max(st.CurMax, n)
	if n > max(st.PrevMax, st.CurMax)/2 && u.Attested.Beacon.Slot > st.Optimistic.Beacon.Slot {
		st.Optimistic = u.Attested
	}
	brings := st.Next == nil && u.hasNext() && u.hasFinality() && s.Period(u.Finalized.Beacon.Slot) == s.Period(u.Attested.Beacon.Slot)
	if 3*n >= 2*s.CommitteeSize && (u.Finalized.Beacon.Slot > st.Finalized.Beacon.Slot || brings) {
		st.apply(u)
		st.Best = nil
	}
	return nil
}

// apply is apply_light_client_update.
func (st *Store) apply(u *Update) {
	s := st.spec
	own, final := s.Period(st.Finalized.Beacon.Slot), s.Period(u.Finalized.Beacon.Slot)
	next := u.Next
	if !u.hasNext() {
		next = nil
	}
	switch {
	case st.Next == nil && final != own:
		return // the specs assert it; check lets none such through
	case st.Next == nil:
		st.Next = next
	case final == own+1:
		st.Current, st.Next = st.Next, next
		st.PrevMax, st.CurMax = st.CurMax, 0
	}
	if u.Finalized.Beacon.Slot > st.Finalized.Beacon.Slot {
		st.Finalized = u.Finalized
		if st.Finalized.Beacon.Slot > st.Optimistic.Beacon.Slot {
			st.Optimistic = st.Finalized
		}
	}
}

// Force is process_light_client_store_force_update: it takes the best update even without finality. An isolated
// device would be led along a branch that nobody finalizes, so nothing but the published vectors calls it.
func (st *Store) Force(now uint64) {
	s := st.spec
	if now <= st.Finalized.Beacon.Slot+s.SlotsPerEpoch*s.EpochsPerPeriod || st.Best == nil {
		return
	}
	u := *st.Best
	if u.Finalized.Beacon.Slot <= st.Finalized.Beacon.Slot {
		u.Finalized = u.Attested
	}
	st.apply(&u)
	st.Best = nil
}

// better is is_better_update.
func (s *Spec) better(a, b *Update) bool {
	na, nb := a.signers(), b.signers()
	supa, supb := 3*na >= 2*s.CommitteeSize, 3*nb >= 2*s.CommitteeSize
	if supa != supb {
		return supa
	}
	if !supa && na != nb {
		return na > nb
	}
	relevant := func(u *Update) bool { return u.hasNext() && s.Period(u.Attested.Beacon.Slot) == s.Period(u.SigSlot) }
	if ra, rb := relevant(a), relevant(b); ra != rb {
		return ra
	}
	if fa, fb := a.hasFinality(), b.hasFinality(); fa != fb {
		return fa
	}
	within := func(u *Update) bool { return s.Period(u.Finalized.Beacon.Slot) == s.Period(u.Attested.Beacon.Slot) }
	if wa, wb := within(a), within(b); a.hasFinality() && wa != wb {
		return wa
	}
	switch {
	case na != nb:
		return na > nb
	case a.Attested.Beacon.Slot != b.Attested.Beacon.Slot:
		return a.Attested.Beacon.Slot < b.Attested.Beacon.Slot
	}
	return a.SigSlot < b.SigSlot
}

// Better reports whether a is the better update of a period to keep and hand on: is_better_update.
func (s *Spec) Better(a, b *Update) bool { return s.better(a, b) }

// NewUpdate returns an update of the right shape for the fork of a slot, with nothing in it.
func (s *Spec) NewUpdate(attested uint64) *Update { return s.emptyUpdate(s.ForkAt(attested).shape()) }

// Gindices are the places of the finalized root, the current and the next committee in the state of a slot.
func (s *Spec) Gindices(slot uint64) (finalized, current, next int) {
	f := s.ForkAt(slot).shape()
	return f.finalized, f.current, f.next
}
