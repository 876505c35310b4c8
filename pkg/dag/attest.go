package dag

import (
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
)

// fewSignatures is up to how many signatures of a batch are all verified and kept, so that shorter
// exports can be cut anywhere; above, only those that attest a branch are.
const fewSignatures = 64

// settle cuts from the placed candidates what is not attested or needs another author to name it,
// with all that stands on it, until nothing more falls. What is left is accepted.
func (s *stage) settle() {
	s.verifyFew()
	for {
		s.attest()
		if !s.cutBlocked() {
			return
		}
	}
}

func (s *stage) verifyFew() {
	var signed []*cand
	for _, c := range s.order {
		if c.it.Signed {
			signed = append(signed, c)
		}
	}
	if len(signed) <= fewSignatures {
		s.verify(signed)
	}
}

// verify checks the signatures of cs in one batch.
func (s *stage) verify(cs []*cand) {
	checks := make([]sig.Check, 0, len(cs))
	open := make([]*cand, 0, len(cs))
	for _, c := range cs {
		if c.it.Signed && !c.sigOK && !c.sigBad {
			checks = append(checks, vertex.Check(c.it.Author, c.it.ID, c.it.Sig))
			open = append(open, c)
		}
	}
	for i, ok := range s.l.verifier.VerifyBatch(checks) {
		open[i].sigOK, open[i].sigBad = ok, !ok
	}
}

// attest cuts branch tips without a valid signature until every branch ends in a signed vertex.
func (s *stage) attest() {
	s.countNext()
	var tips []*cand
	for _, c := range s.order {
		if !c.cut && c.next == 0 {
			tips = append(tips, c)
		}
	}
	for len(tips) > 0 {
		s.verify(tips)
		var fresh []*cand
		for _, c := range tips {
			if !c.cut && c.next == 0 && !c.sigOK {
				fresh = append(fresh, s.cutFrom(c, waitUnattested)...)
			}
		}
		tips = fresh
	}
}

// countNext counts for each candidate that is not cut how many continue its branch.
func (s *stage) countNext() {
	for _, c := range s.order {
		c.next = 0
	}
	for _, c := range s.order {
		if p := s.prevOf(c); p != nil && !c.cut {
			p.next++
		}
	}
}

func (s *stage) prevOf(c *cand) *cand {
	if c.it.Seq == 0 {
		return nil
	}
	return s.pool[c.it.Prev]
}

// cutFrom cuts c for a reason and all that stands on it, and returns the candidates that became tips.
func (s *stage) cutFrom(c *cand, why string) (tips []*cand) {
	work := []*cand{c}
	for len(work) > 0 {
		k := work[len(work)-1]
		work = work[:len(work)-1]
		if k.cut || !k.placed {
			continue
		}
		k.cut, k.why = true, why
		why = waitMissing // what stands on it misses it
		if p := s.prevOf(k); p != nil {
			if p.next--; p.next == 0 && !p.cut {
				tips = append(tips, p)
			}
		}
		work = append(work, k.kids...)
	}
	return tips
}

// cutBlocked cuts the vertices of forked authors and strangers that nobody entitled stands on, and
// reports whether it cut any.
func (s *stage) cutBlocked() bool {
	for _, c := range s.order {
		c.named = false
	}
	for i := len(s.order) - 1; i >= 0; i-- {
		c := s.order[i]
		if c.cut || c.blocked != "" && !c.named {
			continue
		}
		for _, p := range c.refs {
			p.named = true
		}
	}
	any := false
	for _, c := range s.order {
		if !c.cut && c.blocked != "" && !c.named {
			s.cutFrom(c, c.blocked)
			any = true
		}
	}
	return any
}
