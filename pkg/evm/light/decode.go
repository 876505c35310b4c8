package light

// DecodeBootstrap reads the SSZ form. Errors wrap ErrSize or ErrFork.
func (s *Spec) DecodeBootstrap(b []byte) (*Bootstrap, error) {
	p, err := s.open(KindBootstrap, b)
	if err != nil {
		return nil, err
	}
	inline := p.mark()
	out := &Bootstrap{Current: p.committee(s.CommitteeSize), Branch: p.branch(p.s.current)}
	if err := p.done(); err != nil {
		return nil, err
	}
	out.Header, err = p.header(0, inline)
	return out, err
}

// DecodeUpdate reads the SSZ form of a full update. Errors wrap ErrSize or ErrFork.
func (s *Spec) DecodeUpdate(b []byte) (*Update, error) { return s.decodeUpdate(KindUpdate, b) }

// DecodeFinality reads the SSZ form of a LightClientFinalityUpdate.
func (s *Spec) DecodeFinality(b []byte) (*Update, error) { return s.decodeUpdate(KindFinality, b) }

// DecodeOptimistic reads the SSZ form of a LightClientOptimisticUpdate.
func (s *Spec) DecodeOptimistic(b []byte) (*Update, error) { return s.decodeUpdate(KindOptimistic, b) }

func (s *Spec) decodeUpdate(k Kind, b []byte) (*Update, error) {
	p, err := s.open(k, b)
	if err != nil {
		return nil, err
	}
	u := s.emptyUpdate(p.s)
	attested := p.mark()
	if k == KindUpdate {
		u.Next, u.NextBranch = p.committee(s.CommitteeSize), p.branch(p.s.next)
	}
	var finalized []byte
	if k != KindOptimistic {
		finalized = p.mark()
		u.FinalityBranch = p.branch(p.s.finalized)
	}
	u.Bits = append([]byte(nil), p.take(s.CommitteeSize/8)...)
	copy(u.Signature[:], p.take(96))
	u.SigSlot = p.u64()
	if err := p.done(); err != nil {
		return nil, err
	}
	if u.Attested, err = p.header(0, attested); err != nil || k == KindOptimistic {
		return u, err
	}
	u.Finalized, err = p.header(1, finalized)
	return u, err
}

func (s *Spec) emptyUpdate(f shape) *Update {
	return &Update{Attested: f.empty(), Next: &Committee{Keys: make([][48]byte, s.CommitteeSize)}, NextBranch: make([]Root, depth(f.next)),
		Finalized: f.empty(), FinalityBranch: make([]Root, depth(f.finalized)), Bits: make([]byte, s.CommitteeSize/8)}
}

// Encode writes the SSZ form.
func (b *Bootstrap) Encode(s *Spec) []byte {
	f := s.ForkAt(b.Header.Beacon.Slot).shape()
	var out []byte
	if f.exec {
		out = appendOffset(out, s.fixed(KindBootstrap, f))
	} else {
		out = b.Header.append(out, f)
	}
	out = appendBranch(b.Current.append(out), b.Branch)
	if f.exec {
		out = b.Header.append(out, f)
	}
	return out
}

// Encode writes the SSZ form of a full, a finality or an optimistic update.
func (u *Update) Encode(s *Spec, k Kind) []byte {
	f := s.ForkAt(u.Attested.Beacon.Slot).shape()
	var tail []byte
	head := func(b []byte, h *Header) []byte {
		if !f.exec {
			return h.append(b, f)
		}
		b = appendOffset(b, s.fixed(k, f)+len(tail))
		tail = h.append(tail, f)
		return b
	}
	out := head(nil, &u.Attested)
	if k == KindUpdate {
		out = appendBranch(u.Next.append(out), u.NextBranch)
	}
	if k != KindOptimistic {
		out = appendBranch(head(out, &u.Finalized), u.FinalityBranch)
	}
	out = append(append(out, u.Bits...), u.Signature[:]...)
	return append(appendU64(out, u.SigSlot), tail...)
}
